// For which machines a VSIX can be made, and whether a program is one for them: a VSIX with a program that does not
// start where it is installed helps nobody.

/** By the Marketplace's name of the target: how a program for it begins. */
const targets = {
  'linux-x64': ['ELF', 0x3e],
  'linux-arm64': ['ELF', 0xb7],
  'linux-armhf': ['ELF', 0x28],
  'alpine-x64': ['ELF', 0x3e],
  'alpine-arm64': ['ELF', 0xb7],
  'darwin-x64': ['Mach-O', 0x0100_0007],
  'darwin-arm64': ['Mach-O', 0x0100_000c],
  'win32-x64': ['PE', 0x8664],
  'win32-arm64': ['PE', 0xaa64],
};

/** The format and the processor of a program, by its first bytes; undefined where it is none. */
function kindOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64) return undefined;
  if (view.getUint32(0) === 0x7f45_4c46) return ['ELF', view.getUint16(18, true)];
  if (view.getUint32(0, true) === 0xfeed_facf) return ['Mach-O', view.getUint32(4, true)];
  if (view.getUint16(0) === 0x4d5a) {
    const at = view.getUint32(0x3c, true);
    if (at + 6 <= bytes.length && view.getUint32(at) === 0x5045_0000) return ['PE', view.getUint16(at + 4, true)];
  }
  return undefined;
}

/** Alpine has musl, the others have glibc; a program names its loader near its beginning, or needs none. */
function libraryMissing(target, bytes) {
  const alpine = target.startsWith('alpine');
  if (!Buffer.from(bytes).includes(alpine ? '/ld-linux' : '/ld-musl')) return undefined;
  return alpine ? 'it wants glibc, and Alpine has musl' : 'it wants musl, which only Alpine has';
}

/** What is wrong with a program (its first 4,096 bytes) for a target; undefined where it fits. */
export function unfit(target, bytes) {
  const wanted = targets[target];
  const kind = kindOf(bytes);
  if (!kind) return 'it is not a program';
  if (kind[0] === wanted[0] && kind[1] === wanted[1]) return kind[0] === 'ELF' ? libraryMissing(target, bytes) : undefined;
  const fits = Object.keys(targets).filter(t => targets[t][0] === kind[0] && targets[t][1] === kind[1]);
  return `it is a program for ${fits.join(' or ') || `${kind[0]} machines of another kind`}`;
}

/** Their names. */
export const targetNames = Object.keys(targets);
