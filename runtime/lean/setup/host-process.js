
// ---- The life of the process: start, threads, environment, exit; and symbols.
Object.assign(HOST, {
  // Main JavaScript thread: runs Lean's main() in a thread. A standby process waits here for its arguments.
  startMain(args) {
    noExitRuntime = true;                                  // messages from threads must not end the process
    if (Module.waitArgs) {
      const wait = Module.waitArgs;
      Module.waitArgs = null;
      return wait(given => HOST.startMain(given));
    }
    args.unshift(thisProgram);
    const argv = _malloc(4 * (args.length + 1)), box = _malloc(8), tid = _malloc(4), attr = _malloc(64);
    args.forEach((a, i) => {
      const n = lengthBytesUTF8(a) + 1, p = _malloc(n);
      stringToUTF8(a, p, n);
      growMemViews();
      HEAPU32[argv + 4 * i >> 2] = p;
    });
    growMemViews();
    HEAPU32[argv + 4 * args.length >> 2] = 0;
    HEAPU32[box >> 2] = args.length;
    HEAPU32[box + 4 >> 2] = argv;
    wasmExports.pthread_attr_init(attr);
    wasmExports.pthread_attr_setstacksize(attr, 16 << 20);
    const rc = wasmExports.pthread_create(tid, attr, -1, box);
    if (rc) throw Error('pthread_create: ' + rc);
    HOST.keepAlive = setInterval(() => {}, 1 << 30);
  },
  threadMain(box) {
    growMemViews();
    HOST.exit(wasmExports.__main_argc_argv(HEAPU32[box >> 2], HEAPU32[box + 4 >> 2]));
  },
  // mimalloc's own end-of-thread hook does not run in this build: without this each finished thread (Lean
  // starts one for each dedicated task) keeps its heap, about 4 MB, and memory ends after 250 of them.
  threadDone() { wasmExports.mi_thread_done(); },
  exit(code) {
    try { wasmExports.fflush(0); } catch { /* in the middle of a crash: nothing to save */ }
    if (!ENVIRONMENT_IS_PTHREAD) process.exit(code);
    HOST.tellMain('leanExit', code);
    for (;;) Atomics.wait(HOST.idle, 0, 0);
  },
  // name -> place in the function table, or address of data; 0: unknown. The table: wasm.js.
  dlsym(name) {
    const t = HOST.symbols ??= (() => {
      const b = fs.readFileSync(__dirname + '/lean.sym');
      return new Int32Array(b.buffer, b.byteOffset, b.length >> 2);
    })();
    let a = 0x811c9dc5 | 0, b = 0x9747b28c | 0;
    for (let i = 0; i < name.length; i++) {
      const c = name.charCodeAt(i);
      a = Math.imul(a ^ c, 0x01000193);
      b = Math.imul(b ^ c, 0x5bd1e995);
      b ^= b >>> 15;
    }
    const mask = t.length / 3 - 1;
    for (let i = a & mask; t[3 * i] || t[3 * i + 1]; i = (i + 1) & mask) {
      if (t[3 * i] === (a | 0) && t[3 * i + 1] === (b | 0)) return t[3 * i + 2];
    }
    // For the boxed form of a name that ends in `_` the interpreter asks `l_x_____boxed`; the compiler calls
    // it `l_x___00__boxed`.
    return name.endsWith('_____boxed') ? HOST.dlsym(name.slice(0, -8) + '_00__boxed') : 0;
  },
});
if (!ENVIRONMENT_IS_PTHREAD) Module.leanExit ??= code => process.exit(code);
__dlsym_js = (handle, symbol, symbolIndex) => {
  const name = UTF8ToString(symbol), found = HOST.dlsym(name);
  if (!found) dlSetError('unknown symbol ' + name);
  return found;
};
_exit = exitJS = code => HOST.exit(code);
_exit.sig = 'vi';
_proc_exit = code => HOST.exit(code);
_proc_exit.sig = 'vi';
_environ_get = (environ, buffer) => {
  for (const s of getEnvStrings()) {
    growMemViews();
    HEAPU32[environ >> 2] = buffer;
    environ += 4;
    buffer += stringToUTF8(s, buffer, Infinity) + 1;
  }
  return 0;
};
_environ_sizes_get = (count, size) => {
  const all = getEnvStrings();
  growMemViews();
  HEAPU32[count >> 2] = all.length;
  HEAPU32[size >> 2] = all.reduce((sum, s) => sum + lengthBytesUTF8(s) + 1, 0);
  return 0;
};
Object.assign(ENV, globalThis.LEAN_ENV);
if (!ENVIRONMENT_IS_PTHREAD) { arguments_ = Module.arguments; thisProgram = ENV.LEAN_WASM_APP; }
// ---- end of the host layer
