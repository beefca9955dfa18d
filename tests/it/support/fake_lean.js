// A language server that misbehaves when it is told to: `node fake_lean.js --server`. It answers every
// request with its own parameters, and does as these notifications say:
//   $/test/flood {messages, bytes, stderr}   sends so many messages of so many bytes, and bytes on stderr
//   $/test/die {signal}                      kills itself
'use strict';
const { frame, reader } = require('../../../runtime/lean/rpc.js');

const send = message => process.stdout.write(frame(message));

async function flood({ messages, bytes, stderr }) {
  const filler = 'x'.repeat(bytes), room = () => new Promise(resolve => process.stdout.once('drain', resolve));
  const noise = Buffer.alloc(1 << 16, 'e');                // without a line end
  for (let n = 0; n < messages; n++) {
    if (!send({ method: '$/test/flood', params: { n, filler } })) await room();
    if (n * noise.length < stderr) process.stderr.write(noise);
  }
  send({ method: '$/test/flooded', params: {} });
}

reader(process.stdin, message => {
  const { id, method, params } = message ?? {};
  if (method === 'exit') process.exit(0);
  if (method === '$/test/flood') flood(params);
  if (method === '$/test/die') process.kill(process.pid, params.signal);
  if (id === undefined || method === undefined) return;
  const capabilities = { codeActionProvider: true, textDocumentSync: 2 };
  // Lean's server refuses questions about documents that are not open.
  if (method === '$/lean/plainGoal') return send({ id, error: { code: -32801, message: 'not open' } });
  if (method === 'textDocument/codeAction') return send({ id, result: [] });
  send({ id, result: method === 'initialize' ? { capabilities } : params ?? null });
});
process.stdin.on('end', () => process.exit(0));
process.stdout.on('error', () => process.exit(0));
