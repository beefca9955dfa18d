// The embedded Lean's language server on standard input and output: `node server.js [options of lean]`.
//
// Lean's own server (`lean --server`, its "watchdog") starts a native process for each file, which
// WebAssembly cannot. This one does its work: a Node process with Lean's own `lean --worker` per open file.
// Every answer about a file comes from Lean; only the messages of files and processes are handled here.
// Nothing of its own goes to standard error: editors show what stands there as an error.
'use strict';
const fs = require('fs');
const path = require('path');
const { frame, frameOf, reader } = require('./rpc');
const { Imports } = require('./imports');
const { Session } = require('./session');
const { Workers } = require('./worker');

// What may go on to `lean --worker`: options, not `--server` nor the folder that some editors append.
function leanOptions(args) {
  const TAKES_VALUE = /^-[DMTsj]$/, options = [];
  for (let i = 0; i < args.length; i++) {
    if (TAKES_VALUE.test(args[i])) options.push(args[i] + (args[++i] ?? ''));
    else if (/^-[DMTsj]/.test(args[i])) options.push(args[i]);
  }
  return options;
}

const capabilities = path.join(process.env.LEAN_COPILOT_LEAN ?? '', 'capabilities.json');
const workers = new Workers({ options: leanOptions(process.argv.slice(2)), standby: process.env.LEAN_COPILOT_LEAN_STANDBY !== '0' });
const imports = new Imports(process.env.LEAN_COPILOT_SETUP);
const session = new Session({
  initializeResult: JSON.parse(fs.readFileSync(capabilities, 'utf8')),
  workers,
  imports,
  // A body that came from a worker goes on as it is.
  toClient: (message, body) => process.stdout.write(body ? frameOf(body) : frame(message)),
  quit: code => { imports.killAll(); workers.killAll(); process.exit(code); },
});

// The editor is gone, however that came about: so are we, and every worker.
const gone = () => session.clientGone();
process.stdout.on('error', gone);
process.stdin.on('error', gone);
process.stdin.on('end', gone);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => { imports.killAll(); workers.killAll(); process.exit(143); });
reader(process.stdin, message => session.fromClient(message), why => {
  console.error(`Cannot read LSP message: ${why}`);
  workers.killAll();
  process.exit(1);
});
