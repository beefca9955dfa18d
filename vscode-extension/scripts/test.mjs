// Runs the unit tests: bundles each file of test/ for Node and gives them to Node's own test runner.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import esbuild from 'esbuild';

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const out = path.join(here, 'out', 'test');
fs.rmSync(out, { recursive: true, force: true });
const files = fs.readdirSync(path.join(here, 'test')).filter(f => f.endsWith('.test.ts'));
await esbuild.build({
  absWorkingDir: here,
  entryPoints: files.map(f => `test/${f}`),
  bundle: true,
  platform: 'node',
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  outdir: out,
  sourcemap: 'inline',
  logLevel: 'warning',
});
const tests = files.map(f => path.join(out, f.replace(/\.ts$/, '.mjs')));
const ran = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...tests], { stdio: 'inherit', cwd: here });
process.exitCode = ran.status ?? 1;
