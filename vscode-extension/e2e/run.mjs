// The end-to-end tests.
//
//   npm run e2e                 all steps
//   npm run e2e -- --smoke      a shorter run, for continuous integration
//   npm run e2e -- --only WHAT  steps whose name fits this regular expression
//   npm run e2e -- --pictures   also writes the pictures of docs/images anew
//   npm run e2e -- --latency 20 also measures the time from a key to ghost text; with `--hops` where it goes, and who
//                               used the processors (through a tap before the program); with `--settle` each key
//                               waits until the round of the one before is over
//   npm run e2e -- --setting leanCopilot.lookahead=false   with another setting than the default (JSON), repeatable
//
// Needs what `npm run e2e:install` brings, Chromium, a VSIX (`npm run package`) and the embedded Lean
// (`lean-copilot runtime install`). Leaves screenshots in e2e/out.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { latency, tap } from './latency.mjs';
import { machines } from './machines.mjs';
import { files, steps } from './steps.mjs';
import { here, newestVsix, patience, Server, Window } from './workbench.mjs';

const { values: options } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    pictures: { type: 'boolean', default: false },
    latency: { type: 'string' },
    hops: { type: 'boolean', default: false },
    settle: { type: 'boolean', default: false },
    setting: { type: 'string', multiple: true, default: [] },
    extension: { type: 'string' },
  },
});

const out = path.join(here, 'out');
const images = path.join(here, '..', '..', 'docs', 'images');
fs.rmSync(out, { recursive: true, force: true });
const results = [];
let window;

/** A fresh machine: folders, code-server, our extension, a workspace with the files. */
async function machine(name, { settings = {}, env = () => ({}), trusted = true, prepare = () => undefined, tapped = false } = {}) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), `lean-copilot-${name}-`));
  const folder = path.join(root, 'proofs');
  fs.mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
  const data = path.join(root, 'data');
  const directories = { LEAN_COPILOT_DATA_DIR: data, LEAN_COPILOT_CONFIG_DIR: path.join(root, 'config'), LEAN_COPILOT_STATE_DIR: path.join(root, 'state') };
  const server = new Server(root, { settings: typeof settings === 'function' ? settings(root) : settings, env: { ...directories, ...env(root) }, trusted });
  window ??= await Window.launch();
  server.install(options.extension ?? newestVsix());
  prepare(server);
  const taps = tapped ? tap(server, root) : undefined;
  if (taps) {
    Object.assign(server.env, taps.env);
    fs.writeFileSync(server.settingsFile, JSON.stringify({ ...server.settings, 'leanCopilot.binary': taps.setting }, null, 2));
  }
  await server.start();
  await window.go(server, folder);
  return {
    root,
    smoke: options.smoke,
    folder,
    data,
    taps: taps?.file,
    server,
    window,
    page: () => window.page,
    problems: () => window.page.locator('#status\\.problems a').getAttribute('aria-label'),
    async shot(picture) {
      const file = path.join(out, `${picture}.png`);
      await window.shot(file);
      if (!options.pictures) return;
      fs.mkdirSync(images, { recursive: true });
      fs.copyFileSync(file, path.join(images, `vscode-${picture}.png`));
    },
    async end() {
      await server.stop();
      fs.rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function step(c, { name, run }) {
  const begun = performance.now();
  try {
    await run(c);
    results.push({ name, ok: true });
    console.log(`ok      ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    results.push({ name, ok: false });
    console.log(`FAILED  ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)\n${error.stack}`);
    const file = path.join(out, `failed-${results.length}.png`);
    await c.window.shot(file).catch(() => undefined);
    console.log(`        see ${file}`);
    console.log(c.server.logs());
  }
}

const wanted = s => new RegExp(options.only).test(s.name) && (s.smoke || !options.smoke);
try {
  const ours = steps.filter(wanted);
  if (ours.length > 0 || options.latency) {
    const settings = {};
    // Lean's own search takes longest of all; the whole run has it, continuous integration need not wait for it.
    if (options.smoke) settings['leanCopilot.leanSearch'] = false;
    if (patience > 1) settings['leanCopilot.verifyTimeoutMs'] = 3000 * patience;
    for (const [key, value] of options.setting.map(o => o.split('='))) settings[key] = JSON.parse(value);
    const c = await machine('session', { settings, tapped: options.hops });
    for (const s of ours) await step(c, s);
    if (options.latency) {
      await step(c, { name: 'latency', run: () => latency(c, Number(options.latency), { taps: c.taps, settle: options.settle }) });
    }
    await c.end();
  }
  for (const m of machines.filter(wanted)) {
    const c = await machine('machine', m);
    await step(c, m);
    await c.end();
  }
} finally {
  await window?.close();
}
const failed = results.filter(r => !r.ok).length;
console.log(`${results.length - failed} of ${results.length} steps passed`);
process.exitCode = failed === 0 && results.length > 0 ? 0 : 1;
