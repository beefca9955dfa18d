// Which program is ours: the order of places, versions, platforms. Pure.

/** The oldest sidecar that this extension works with. */
export const OLDEST = '0.1.0';

/** Where a program was looked for. */
export type Origin = 'setting' | 'bundled' | 'path';

/** A place to look at. */
export interface Place {
  origin: Origin;
  path: string;
}

/** What was found at a place. */
export type Found =
  | { kind: 'ok'; place: Place; version: string }
  | { kind: 'old'; place: Place; version: string }
  | { kind: 'broken'; place: Place; message: string }
  | { kind: 'missing'; message: string };

/** The program's name on a platform. */
export function programName(platform: string): string {
  return platform === 'win32' ? 'lean-copilot.exe' : 'lean-copilot';
}

/** The places in their order: the setting alone where it is set, else the VSIX's own, else PATH. */
export function places(setting: string, bundled: string, path: string, platform: string): Place[] {
  if (setting.trim() !== '') return [{ origin: 'setting', path: setting.trim() }];
  const windows = platform === 'win32';
  const folders = path.split(windows ? ';' : ':').filter(f => f !== '');
  const join = (folder: string): string => folder.replace(/[\\/]$/, '') + (windows ? '\\' : '/') + programName(platform);
  return [{ origin: 'bundled', path: bundled }, ...folders.map(f => ({ origin: 'path' as const, path: join(f) }))];
}

/** The version in what `lean-copilot --version` prints; undefined where it is another program. */
export function readVersion(output: string): string | undefined {
  return /^lean-copilot (\d+\.\d+\.\d+)/.exec(output)?.[1];
}

/** Whether a version is at least another. */
export function atLeast(version: string, oldest: string): boolean {
  const a = version.split('.').map(Number);
  const b = oldest.split('.').map(Number);
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** What a person reads where the program cannot be used. */
export function problemWords(found: Exclude<Found, { kind: 'ok' }>): string {
  switch (found.kind) {
    case 'missing':
      return `lean-copilot: ${found.message}`;
    case 'old':
      return `lean-copilot: \`${found.place.path}\` is version ${found.version}; this extension needs ${OLDEST} or newer.`;
    case 'broken':
      return `lean-copilot: \`${found.place.path}\` does not run: ${found.message}`;
  }
}

/** The folder of the sidecar's log where `doctor` does not say it: as the Rust side chooses it. */
export function stateFolder(env: Record<string, string | undefined>, platform: string, home: string): string {
  const given = env.LEAN_COPILOT_STATE_DIR;
  if (given) return given;
  if (platform === 'win32') return `${env.APPDATA ?? `${home}\\AppData\\Roaming`}\\lean-copilot\\lean-copilot\\data\\state`;
  return `${env.XDG_STATE_HOME ?? `${home}/.local/state`}/lean-copilot`;
}
