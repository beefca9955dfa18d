#!/usr/bin/env node
// Stands in for the program and writes down when which message passes, for the table of hops.
//
// `LEAN_COPILOT_TAP` names the real program and, behind a colon, the file to write: JSON lines of
// `{ at, from, method, id, failed, suggestions }`; `at` is in milliseconds since 1970, `from` is `editor` or `program`.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import process from 'node:process';

const [program, file] = (process.env.LEAN_COPILOT_TAP ?? '').split(':');
const child = spawn(program, process.argv.slice(2), { stdio: ['pipe', 'pipe', 'inherit'] });
const out = fs.openSync(file, 'a');
const now = () => performance.timeOrigin + performance.now();

/** Passes everything on at once; afterwards takes the messages apart. */
function pass(from, source, sink) {
  let rest = Buffer.alloc(0);
  source.on('data', chunk => {
    const at = now();
    sink.write(chunk);
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = /^Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n/i.exec(rest.subarray(0, 200).toString('latin1'));
      const end = head && head[0].length + Number(head[1]);
      if (!head || rest.length < end) return;
      note(at, from, JSON.parse(rest.subarray(head[0].length, end).toString()));
      rest = rest.subarray(end);
    }
  });
  source.on('end', () => sink.end());
}

function note(at, from, { method, id, params, error }) {
  const row = { at, from, method, id, failed: error ? true : undefined, suggestions: params?.suggestions?.length };
  fs.writeSync(out, `${JSON.stringify(row)}\n`);
}

pass('editor', process.stdin, child.stdin);
pass('program', child.stdout, process.stdout);
child.stdin.on('error', () => undefined);
child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
