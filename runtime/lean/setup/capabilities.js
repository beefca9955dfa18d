// Set-up, last step: asks the real `lean --server` (which needs no child process until a file is opened)
// for its `initialize` result and keeps it, so that server.js announces what Lean itself announces.
//
//   LEAN_COPILOT_LEAN=<folder> node capabilities.js <file to write>
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const path = require('path');
const { frame, reader } = require('../rpc');

const launcher = path.join(__dirname, '..', 'launcher.js');
const lean = spawn(process.execPath, [launcher, '--server'], { stdio: ['pipe', 'pipe', 'pipe'] });
let said = '', answered = false;
lean.stderr.on('data', d => { said += d; });
lean.stdin.on('error', () => {});                       // it died; 'exit' tells
lean.on('exit', code => {
  if (answered) return;
  console.error(`${said}\nlean --server ended with code ${code} before it answered`);
  process.exit(1);
});
reader(lean.stdout, message => {
  if (message.id !== 0 || !message.result) return;
  fs.writeFileSync(process.argv[2], JSON.stringify(message.result, null, 1) + '\n');
  answered = true;
  lean.kill('SIGKILL');
});
lean.stdin.write(frame({ id: 0, method: 'initialize', params: { processId: null, capabilities: {} } }));
