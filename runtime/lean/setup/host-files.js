
// ---- Files: the system calls, straight to Node's fs.
Object.assign(HOST, {
  paths: new Map(),                                        // descriptor -> path, of what this thread opened
  listings: new Map(),                                     // descriptor of a folder -> { next, list }
  STREAM: -1,                                              // position of what cannot be sought
  guard(f) {                                               // a system call: negative error number
    try { return f(); } catch (e) { if (e && e.code && ERRNO_CODES[e.code]) return -ERRNO_CODES[e.code]; throw e; }
  },
  at(folder, path) {
    path = UTF8ToString(path);
    return path[0] === '/' || folder === -100 ? path : HOST.paths.get(folder) + '/' + path;
  },
  view(ptr, length) { growMemViews(); return HEAPU8.subarray(ptr, ptr + length); },
  // Runs f on each part of a scattered buffer until one comes short.
  parts(iov, n, f) {
    growMemViews();
    let total = 0;
    for (let i = 0; i < n; i++) {
      const ptr = HEAPU32[iov + 8 * i >> 2], length = HEAPU32[iov + 8 * i + 4 >> 2];
      if (!length) continue;
      const k = f(HEAPU8.subarray(ptr, ptr + length), total);
      total += k;
      if (k < length) break;
    }
    return total;
  },
  // A pipe whose other end is slow says EAGAIN: wait and try again.
  patiently(f) {
    for (;;) try { return f(); } catch (e) { if (e.code !== 'EAGAIN') throw e; Atomics.wait(HOST.idle, 0, 0, 1); }
  },
  write(fd, bytes, position) {
    if (fd === 2 && HOST.isNoise(bytes)) return bytes.length;
    let done = 0;
    while (done < bytes.length) {
      done += HOST.patiently(() => fs.writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done));
    }
    return done;
  },
  read(fd, bytes, position) {
    if (fd === 0) return HOST.readStdin(bytes);
    try { return HOST.patiently(() => fs.readSync(fd, bytes, 0, bytes.length, position)); } catch (e) {
      if (e.code === 'EOF') return 0;                      // Windows says so at the end of a pipe
      throw e;
    }
  },
  transfer(fd, iov, n, count, one) {
    return -HOST.guard(() => {                             // WASI's calls return positive error numbers
      const seekable = fd > 2 && HOST.positions[fd] !== HOST.STREAM;
      const k = HOST.parts(iov, n, (bytes, done) => one(fd, bytes, seekable ? HOST.positions[fd] + done : null));
      if (seekable) HOST.positions[fd] += k;
      growMemViews();
      HEAPU32[count >> 2] = k;
      return 0;
    });
  },
  stat(buffer, f) { return HOST.guard(() => SYSCALLS.writeStat(buffer, f())); },
});
_fd_read = (fd, iov, n, count) => HOST.transfer(fd, iov, n, count, HOST.read);
_fd_write = (fd, iov, n, count) => HOST.transfer(fd, iov, n, count, HOST.write);
_fd_close = fd => -HOST.guard(() => { HOST.paths.delete(fd); HOST.listings.delete(fd); if (fd > 2) fs.closeSync(fd); return 0; });
_fd_sync = fd => 0;
_fd_seek = (fd, offset, whence, result) => {
  if (fd <= 2 || HOST.positions[fd] === HOST.STREAM) return ERRNO_CODES.ESPIPE;
  return -HOST.guard(() => {
    const base = whence === 0 ? 0 : whence === 1 ? HOST.positions[fd] : fs.fstatSync(fd).size;
    HOST.positions[fd] = base + Number(offset);
    if (HOST.listings.has(fd)) HOST.listings.get(fd).next = 0;
    growMemViews();
    HEAP64[result >> 3] = BigInt(HOST.positions[fd]);
    return 0;
  });
};
_fd_fdstat_get = (fd, buffer) => -HOST.guard(() => {
  const s = fs.fstatSync(fd);
  growMemViews();
  HEAP8[buffer] = s.isDirectory() ? 3 : s.isCharacterDevice() ? 2 : s.isFile() ? 4 : 6;
  HEAP16[buffer + 2 >> 1] = 0; HEAP64[buffer + 8 >> 3] = 0n; HEAP64[buffer + 16 >> 3] = 0n;
  return 0;
});
___syscall_openat = (folder, path, flags, varargs) => HOST.guard(() => {
  const p = HOST.at(folder, path);
  if (p.endsWith('default.profraw')) return -ERRNO_CODES.EACCES;   // the build's profiler would write it
  growMemViews();
  const mode = varargs ? HEAP32[varargs >> 2] : 0o666;
  const fd = fs.openSync(p, flags & ~(0x8000 | 0x80000), mode);    // without O_LARGEFILE, O_CLOEXEC
  const s = fs.fstatSync(fd), O_APPEND = 1024;
  HOST.positions[fd] = s.isFile() && !(flags & O_APPEND) || s.isDirectory() ? 0 : HOST.STREAM;
  HOST.paths.set(fd, p);
  HOST.listings.delete(fd);
  return fd;
});
___syscall_stat64 = (path, buffer) => HOST.stat(buffer, () => fs.statSync(UTF8ToString(path)));
___syscall_lstat64 = (path, buffer) => HOST.stat(buffer, () => fs.lstatSync(UTF8ToString(path)));
___syscall_fstat64 = (fd, buffer) => HOST.stat(buffer, () => fs.fstatSync(fd));
___syscall_newfstatat = (folder, path, buffer, flags) => HOST.stat(buffer, () => {
  const AT_SYMLINK_NOFOLLOW = 256;
  if (UTF8ToString(path) === '') return fs.fstatSync(folder);
  return flags & AT_SYMLINK_NOFOLLOW ? fs.lstatSync(HOST.at(folder, path)) : fs.statSync(HOST.at(folder, path));
});
___syscall_faccessat = (folder, path, mode) => HOST.guard(() => { fs.accessSync(HOST.at(folder, path), mode); return 0; });
___syscall_readlinkat = (folder, path, buffer, size) => HOST.guard(() => {
  const bytes = Buffer.from(fs.readlinkSync(HOST.at(folder, path))), n = Math.min(size, bytes.length);
  HOST.view(buffer, n).set(bytes.subarray(0, n));
  return n;
});
___syscall_getcwd = (buffer, size) => {
  const cwd = process.cwd(), n = lengthBytesUTF8(cwd) + 1;
  if (size < n) return -ERRNO_CODES.ERANGE;
  stringToUTF8(cwd, buffer, size);
  return n;
};
___syscall_mkdirat = (folder, path, mode) => HOST.guard(() => { fs.mkdirSync(HOST.at(folder, path), mode); return 0; });
___syscall_unlinkat = (folder, path, flags) => HOST.guard(() => {
  const p = HOST.at(folder, path), AT_REMOVEDIR = 512;
  if (flags & AT_REMOVEDIR) fs.rmdirSync(p); else fs.unlinkSync(p);
  return 0;
});
___syscall_rmdir = path => HOST.guard(() => { fs.rmdirSync(UTF8ToString(path)); return 0; });
___syscall_renameat = (f1, a, f2, b) => HOST.guard(() => { fs.renameSync(HOST.at(f1, a), HOST.at(f2, b)); return 0; });
___syscall_ftruncate64 = (fd, length) => HOST.guard(() => { fs.ftruncateSync(fd, Number(length)); return 0; });
___syscall_fcntl64 = (fd, command, varargs) => command === 3 ? 2 : 0;   // F_GETFL: O_RDWR; locks are granted
___syscall_ioctl = () => -ERRNO_CODES.ENOTTY;
___syscall_getdents64 = (fd, buffer, size) => HOST.guard(() => {
  const RECORD = 280;                                      // 19 bytes of head, a name, rounded up
  let d = HOST.listings.get(fd);
  if (!d) {
    const entries = fs.readdirSync(HOST.paths.get(fd) ?? '/proc/self/fd/' + fd, { withFileTypes: true });
    HOST.listings.set(fd, d = { next: 0, list: ['.', '..', ...entries] });
  }
  let at = 0;
  growMemViews();
  for (; d.next < d.list.length && at + RECORD <= size; d.next++, at += RECORD) {
    const e = d.list[d.next], folder = typeof e === 'string' || e.isDirectory();
    HEAP64[buffer + at >> 3] = HEAP64[buffer + at + 8 >> 3] = BigInt(d.next + 1);
    HEAP16[buffer + at + 16 >> 1] = RECORD;
    HEAP8[buffer + at + 18] = folder ? 4 : e.isSymbolicLink() ? 10 : 8;
    stringToUTF8(e.name ?? e, buffer + at + 19, 256);
  }
  return at;
});
__mmap_js = (length, prot, flags, fd, offset, allocated, address) => HOST.guard(() => {
  const ptr = mmapAlloc(length);
  if (!ptr) return -ERRNO_CODES.ENOMEM;
  const bytes = HOST.view(ptr, length);
  let n = 0, k;
  while (n < length && (k = fs.readSync(fd, bytes, n, length - n, Number(offset) + n))) n += k;
  growMemViews();
  HEAP32[allocated >> 2] = 1;
  HEAPU32[address >> 2] = ptr;
  return 0;
});
__munmap_js = () => 0;
