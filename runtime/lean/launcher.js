// Runs Lean: `node launcher.js <arguments of lean>`.
//
//   LEAN_COPILOT_LEAN  the installed component: wasm/lean.{js,wasm,sym}, lib/lean/**, bin/lean
//
// As `node launcher.js --lean-copilot-standby`, with an IPC channel, it gets ready up to Lean's `main` and
// waits for the arguments in one message: server.js keeps one such process, which saves two seconds.
'use strict';
const fs = require('fs');
const path = require('path');

const home = process.env.LEAN_COPILOT_LEAN;
if (!home) {
  console.error('LEAN_COPILOT_LEAN is not set: start Lean by `lean-copilot`, not by this script');
  process.exit(3);
}
const wasm = path.join(home, 'wasm');
const standby = process.argv[2] === '--lean-copilot-standby';

globalThis.Module = {
  arguments: standby ? [] : process.argv.slice(2),
  poolSize: 2,                       // threads made in advance; four cost start-up time and gain nothing
  // An option that ends Lean at once (`--version`, an unknown one) throws its exit code as a `UInt32`, which on
  // 32 bits is an object, of which this build takes half the address for the code. It stands behind the
  // object's header.
  leanExit(code) {
    const said = code > 255 ? new Uint32Array(Module.wasmMemory.buffer)[(2 * code + 8) >> 2] : code;
    process.exit(said <= 255 ? said : 1);
  },
  instantiateWasm(imports, done) {
    const module = new WebAssembly.Module(fs.readFileSync(path.join(wasm, 'lean.wasm')));
    done(new WebAssembly.Instance(module, imports), module);
  },
};
// What Lean's own `getEnv` sees. Our variable is nobody else's business; LEAN_WASM_APP is read by the
// runtime, where `IO.appPath` asks for it.
globalThis.LEAN_ENV = { ...process.env, LEAN_WASM_APP: path.join(home, 'bin', 'lean') };
delete globalThis.LEAN_ENV.LEAN_COPILOT_LEAN;
delete globalThis.LEAN_ENV.NODE_CHANNEL_FD;
delete globalThis.LEAN_ENV.NODE_CHANNEL_SERIALIZATION_MODE;

// A thread that dies (C++ exception without a handler, stack overflow) takes the process with it, as a
// native Lean would die. Node's own report of it is a page of generated code: one line instead.
process.on('uncaughtException', error => {
  const overflow = error instanceof RangeError || /call stack/i.test(String(error?.message));
  fs.writeSync(2, overflow ? 'Stack overflow detected. Aborting.\n' : `Lean aborted: ${error?.message ?? error}\n`);
  process.exit(134);
});

if (standby) {
  process.title = 'lean (standby)';
  const begun = new Promise(resolve => {
    const orphan = () => process.exit(0);                // the server died before it needed us
    process.once('disconnect', orphan);
    process.once('message', args => {
      process.off('disconnect', orphan);
      process.disconnect();
      resolve(args);
    });
  });
  globalThis.Module.waitArgs = go => begun.then(go);
  // The server is our only reason: when its end of standard input closes, Lean gets a moment to end by
  // itself. The main thread is never busy, so this holds however deep Lean is in a computation.
  globalThis.Module.onStdinEnd = () => setTimeout(() => process.exit(0), 2000).unref();
}
require(path.join(wasm, 'lean.js'));
