// The same surfaces with the real official extension, which is not part of this repository.
//
//   npm run e2e:official -- --vsix lean4-0.0.239.vsix [--only WORD] [--pictures]
//
// Its VSIX comes from the Marketplace or from a build of leanprover/vscode-lean4 (`npx vsce package`). The
// embedded Lean serves, so the stand-ins of the program must answer for `lake`, `lean` and `elan`. Prints each
// step and what was seen; leaves screenshots in e2e/out, with `--pictures` also those of docs/images.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { outcomes } from './store.mjs';
import { newestVsix, here, Server, until, Window } from './workbench.mjs';

const { values: options } = parseArgs({ options: { vsix: { type: 'string' }, only: { type: 'string', default: '' }, extension: { type: 'string' }, pictures: { type: 'boolean', default: false } } });
if (!options.vsix || !fs.existsSync(options.vsix)) {
  console.error('error: --vsix PATH must name the VSIX of the official Lean 4 extension');
  process.exit(2);
}

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lean-copilot-official-'));
const folder = path.join(root, 'proofs');
const data = path.join(root, 'data');
fs.mkdirSync(folder);
fs.writeFileSync(path.join(folder, 'lean-toolchain'), 'lean-copilot-embedded\n');
const text = 'theorem chain (a b c : Nat) (h : a = b) (h2 : b = c) : a = c := by\n  \n\n-- the end\n';
fs.writeFileSync(path.join(folder, 'Chain.lean'), text);
fs.writeFileSync(path.join(folder, 'Sorry.lean'), 'theorem both (p q : Prop) (hp : p) (hq : q) : p ∧ q := by\n  sorry\n');
const env = Object.fromEntries(['DATA', 'CONFIG', 'STATE'].map(k => [`LEAN_COPILOT_${k}_DIR`, path.join(root, k.toLowerCase())]));
const server = new Server(root, { env, settings: { 'lean4.alwaysAskBeforeInstallingLeanVersions': false } });
const shot = name => window.shot(path.join(here, 'out', `official-${name}.png`));
let window;

const steps = [
  ['the official extension finds no Lean, and ours asks to stand in front', async () => {
    await window.openFile('Chain.lean');
    await until('its dialog', () => modal().isVisible(), 120_000);
    console.log(`        its dialog: ${(await modal().innerText()).split('\n').filter(l => l.trim()).join(' / ').slice(0, 200)}`);
    await shot('no-lean');
    await until('its dialog closed', async () => {
      if (!(await modal().isVisible())) return true;
      await window.keys('Escape');
      return false;
    }, 30_000, 500);
    await until('our question', () => window.notification('standing between').isVisible(), 120_000);
    await shot('question');
  }],
  ['put in front, the session is ours', async () => {
    await window.press('standing between', 'Put It in Front');
    await until('the setting is written', () => (server.settings['lean4.envPathExtensions'] ?? []).length === 1, 30_000);
    await window.press('reload the window', 'Reload Window');
    await window.page.waitForTimeout(5000);
    await window.page.locator('.statusbar').waitFor();
    await window.openFile('Chain.lean');
    console.log(`        ${await window.waitForStatus(/Ready|Looking|checking/)}`);
    await shot('in-front');
  }],
  ['the infoview shows the goal', async () => {
    await window.cursorTo(2, 3);
    const frame = await window.webview('.tactic-state, .goals, details.info, #infoview_root, #react_root');
    // While it loads it may keep the place at which it began.
    await until('the goal of the cursor in the infoview', async () => {
      if (/Chain\.lean:2:2[\s\S]*Tactic state[\s\S]*⊢ a = c/.test(await frame.locator('body').innerText())) return true;
      await window.cursorTo(1, 1);
      await window.cursorTo(2, 3);
      return false;
    }, 120_000, 3000);
    await shot('infoview');
  }],
  ['ghost text comes and Tab takes it', async () => {
    const ghost = await window.waitForGhost();
    console.log(`        ghost text: ${ghost}`);
    await shot('ghost-text');
    await window.keys('Tab');
    await until('an acceptance in the store', () => outcomes(data).find(o => o.kind === 'accepted' && o.tactic === ghost), 30_000);
    assert.ok((await window.text()).includes(ghost));
    await window.keys('Control+z');
  }],
  ['the panel lists tactics beside the infoview', async () => {
    await window.cursorTo(1, 1);
    await window.cursorTo(2, 3);
    await window.keys('Control+Alt+Enter');
    const frame = await window.webview('[role=option]');
    await until('all are checked', async () => (await frame.locator('[role=option]').count()) > 0 && (await frame.locator('.pending').count()) === 0);
    console.log(`        ${(await frame.locator('[role=option] .head code').allInnerTexts()).join(' | ')}`);
    await shot('panel');
    if (options.pictures) fs.copyFileSync(path.join(here, 'out', 'official-panel.png'), path.join(here, '..', '..', 'docs', 'images', 'vscode-official.png'));
  }],
  ['the light bulb replaces a sorry', async () => {
    await window.openFile('Sorry.lean');
    await window.cursorTo(2, 4);
    await window.lightBulb(/Try `/);
    await shot('light-bulb');
    if (options.pictures) fs.copyFileSync(path.join(here, 'out', 'official-light-bulb.png'), path.join(here, '..', '..', 'docs', 'images', 'vscode-official-light-bulb.png'));
    await window.keys('Escape');
  }],
  ['abbreviations are the official extension\'s alone', async () => {
    await window.openFile('Chain.lean');
    await window.cursorTo(4, 11);
    await window.page.keyboard.type(' \\alpha ', { delay: 60 });
    await until('one symbol', async () => /the end α $/m.test(await window.text()), 20_000, 500);
    await window.keys('Control+z');
  }],
  ['taken out, the setting is gone', async () => {
    await window.command("lean-copilot: Take lean-copilot out of Lean's Path");
    await until('the setting is removed', () => Object.keys(server.settings).length > 0 && server.settings['lean4.envPathExtensions'] === undefined, 30_000);
  }],
];

/**
 * VS Code does not start an extension whose `extensionDependencies` are not there, and offline they cannot be
 * fetched. The official one names a TOML extension, of which it uses no code: an empty one takes its place.
 */
function supplyDependencies() {
  const installed = () => fs.readdirSync(server.extensions).map(f => f.toLowerCase());
  const folder = fs.readdirSync(server.extensions).find(f => f.startsWith('leanprover.lean4-'));
  const manifest = JSON.parse(fs.readFileSync(path.join(server.extensions, folder, 'package.json'), 'utf8'));
  console.log(`        official extension ${manifest.version}`);
  for (const id of manifest.extensionDependencies ?? []) {
    if (installed().some(f => f.startsWith(`${id.toLowerCase()}-`))) continue;
    server.installMade(id);
    console.log(`        an empty extension stands in for ${id}, on which it depends and which is not there`);
  }
}

/** The official extension's modal dialog. */
function modal() {
  return window.page.locator('.monaco-dialog-box').first();
}

let failed = 0;
try {
  server.install(options.extension ?? newestVsix());
  server.install(options.vsix);
  supplyDependencies();
  window = await Window.launch();
  await server.start();
  await window.go(server, folder);
  for (const [name, run] of steps.filter(([n]) => n.includes(options.only))) {
    const begun = performance.now();
    try {
      await run();
      console.log(`ok      ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}\n${error.stack}`);
      await shot(`failed-${failed}`);
      console.log(server.logs(40));
    }
  }
} finally {
  await window?.close();
  await server.stop();
  fs.rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = failed === 0 ? 0 : 1;
