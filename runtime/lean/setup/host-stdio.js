
// ---- The host layer: appended to the Emscripten runtime by transform.js, in its scope; runs in the main
// JavaScript thread and in every thread of Lean's. ASCII only. Files are opened, read and written by the
// calling thread itself (Node's file descriptors belong to the process), nothing is sent to the main thread.
var HOST = {
  // Shared by all threads: the position in each file (4096 numbers) and a ring for standard input
  // (control: [written, read, end, wanted]; then the bytes).
  shared: ENVIRONMENT_IS_PTHREAD ? null : new SharedArrayBuffer(32768 + 64 + (1 << 20)),
  get positions() { return this.positions_ ??= new Float64Array(this.shared, 0, 4096); },
  get control() { return this.control_ ??= new Int32Array(this.shared, 32768, 16); },
  get ring() { return this.ring_ ??= new Uint8Array(this.shared, 32768 + 64); },
  idle: new Int32Array(new SharedArrayBuffer(4)),          // something to wait on, for a time

  // The main thread reads standard input by events and fills the ring. A thread that reads waits with
  // Atomics.wait, which the end of the process can interrupt, unlike a blocking read. Begun by the first
  // read: a `lean file` in a shell loop must not eat the loop's input.
  feedStdin() {
    if (HOST.feeding) return;
    HOST.feeding = true;
    const queue = [];
    let ended = false;
    const pump = () => {
      const { control, ring } = HOST;
      while (queue.length) {
        const written = control[0], room = ring.length - ((written - Atomics.load(control, 1)) >>> 0);
        if (!room) return setTimeout(pump, 1);
        const chunk = queue[0], at = (written >>> 0) % ring.length;
        const n = Math.min(chunk.length, room, ring.length - at);
        ring.set(chunk.subarray(0, n), at);
        if (n === chunk.length) queue.shift(); else queue[0] = chunk.subarray(n);
        Atomics.store(control, 0, (written + n) | 0);
        Atomics.notify(control, 0);
      }
      if (ended) { Atomics.store(control, 2, 1); Atomics.notify(control, 0); Module.onStdinEnd?.(); }
    };
    const end = () => { ended = true; pump(); };
    process.stdin.on('data', chunk => { queue.push(chunk); if (queue.length === 1) pump(); });
    process.stdin.on('end', end);
    process.stdin.on('error', end);
  },
  readStdin(buffer) {
    const { control, ring } = HOST;
    if (!Atomics.exchange(control, 3, 1)) HOST.tellMain('leanStdin');
    for (;;) {
      const written = Atomics.load(control, 0), read = control[1], have = (written - read) >>> 0;
      if (have) {
        const at = (read >>> 0) % ring.length, n = Math.min(have, buffer.length, ring.length - at);
        buffer.set(ring.subarray(at, at + n));
        Atomics.store(control, 1, (read + n) | 0);
        return n;
      }
      if (Atomics.load(control, 2)) return 0;
      Atomics.wait(control, 0, written);
    }
  },
  tellMain(handler, ...args) {
    if (ENVIRONMENT_IS_PTHREAD) postMessage({ cmd: 'callHandler', handler, args });
    else Module[handler](...args);
  },

  // This build of Lean reports on itself on standard error, a line by one write. Those writes, known by
  // their exact beginnings, are dropped; whatever else is written there is the user's and passes.
  NOISE: ['I] fileName = ', 'I] Reading file contents', 'I] contents length = ', 'J] Loading module setup',
    'J] setup? = ', 'J] mainModuleName = ', 'K] Calling Elab.runFrontend', 'K] runFrontend completed, env? = ',
    'L] runFrontend entered', 'L] fileName = ', 'M] About to call Language.Lean.process',
    'M] Language.Lean.process completed', 'N] About to run and report snapshots',
    'N] waitForFinalCmdState? returned none', 'N] Reporting complete, hasErrors = ', 'GO] ', 'FIND] ',
    'FINALIZE] ', 'IMPORT] Emscripten detected, using level = '].map(s => '[DEBUG:' + s),
  more: [],                                                // continuation lines that this thread owes
  isNoise(bytes) {
    if (!HOST.more.length && bytes[0] !== 91) return false;   // neither owed nor a `[`: the common case
    const text = Buffer.from(bytes).toString();
    if (HOST.more.length) {
      if (text.startsWith(HOST.more[0])) { HOST.more.shift(); return true; }
      HOST.more = [];
    }
    if (!HOST.NOISE.some(s => text.startsWith(s))) return false;
    const parts = /^\[DEBUG:FIND\] .*: found (\d+) parts\n$/.exec(text);
    if (parts) HOST.more = Array(+parts[1]).fill('  - ');
    else if (text.startsWith('[DEBUG:FINALIZE]')) HOST.more = ['  mainModule? = '];
    return true;
  },
};
if (!ENVIRONMENT_IS_PTHREAD) Module.leanStdin = () => HOST.feedStdin();
