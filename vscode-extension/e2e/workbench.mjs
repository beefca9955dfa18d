// VS Code in a browser: code-server with our VSIX, Chromium with playwright, and what a person does in it.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

export const here = path.dirname(fileURLToPath(import.meta.url));
const codeServer = path.join(here, 'node_modules', 'code-server', 'out', 'node', 'entry.js');

/** All waits are as many times as long as this says (`E2E_PATIENCE`, for a machine that does other things). */
export const patience = Number(process.env.E2E_PATIENCE ?? 1);

/** Waits until `probe` gives something truthy; fails with `what` after `timeout` ms. */
export async function until(what, probe, timeout = 120_000, pause = 150) {
  const end = performance.now() + timeout * patience;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited ${(timeout * patience) / 1000} s in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, pause));
  }
}

function freePort() {
  return new Promise(resolve => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function chromiumPath() {
  const names = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = names.find(n => n && fs.existsSync(n));
  if (!found) throw new Error('no Chromium found\nhint: apt-get install chromium, or set CHROMIUM');
  return found;
}

/** The newest VSIX that `npm run package` made. */
export function newestVsix() {
  const folder = path.dirname(here);
  const found = fs.readdirSync(folder).filter(f => f.endsWith('.vsix')).map(f => path.join(folder, f));
  found.sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
  if (!found[0]) throw new Error('no VSIX\nhint: npm run package');
  return found[0];
}

/** Servers that run: ended with this process, however it ends. */
const running = new Set();
for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) process.once(signal, () => process.exit(128 + number));
process.on('exit', () => {
  for (const server of running) {
    server.kill('SIGKILL');
    fs.rmSync(server.root, { recursive: true, force: true });
  }
});

/** code-server in a folder of its own, with extensions installed. */
export class Server {
  /** `settings` are the user's; `env` adds to the environment; `trusted: false` leaves workspace trust on. */
  constructor(root, { settings = {}, env = {}, trusted = true } = {}) {
    this.root = root;
    this.extensions = path.join(root, 'extensions');
    this.userData = path.join(root, 'user');
    this.env = { ...process.env, ...env };
    this.trusted = trusted;
    fs.mkdirSync(path.join(this.userData, 'User'), { recursive: true });
    this.settingsFile = path.join(this.userData, 'User', 'settings.json');
    fs.writeFileSync(this.settingsFile, JSON.stringify({ ...quiet, ...settings }, null, 2));
  }

  /** The user's settings; empty in the moment in which VS Code writes them. */
  get settings() {
    try {
      return JSON.parse(fs.readFileSync(this.settingsFile, 'utf8'));
    } catch {
      return {};
    }
  }

  args(...more) {
    return [codeServer, '--user-data-dir', this.userData, '--extensions-dir', this.extensions, ...more];
  }

  install(vsix) {
    const ran = spawnSync(process.execPath, this.args('--install-extension', vsix, '--force'), { env: this.env, encoding: 'utf8' });
    if (ran.status !== 0 || !/successfully installed/.test(ran.stdout)) {
      throw new Error(`${vsix} was not installed: ${ran.stdout}${ran.stderr}`);
    }
  }

  /** Where an extension is installed. */
  extensionFolder(id) {
    return path.join(this.extensions, fs.readdirSync(this.extensions).find(f => f.startsWith(`${id}-`)));
  }

  /** Installs an extension that is made here: a manifest's fields beside the name; what it exports, if it has code. */
  installMade(id, { version = '99.0.0', exports, ...manifest } = {}) {
    const [publisher, name] = id.split('.');
    const cwd = path.join(this.root, id);
    fs.mkdirSync(cwd);
    const fields = { name, publisher, version, engines: { vscode: '^1.75.0' }, ...manifest };
    if (exports !== undefined) {
      fields.main = './main.js';
      fs.writeFileSync(path.join(cwd, 'main.js'), `exports.activate = () => (${exports});\n`);
    }
    fs.writeFileSync(path.join(cwd, 'package.json'), JSON.stringify(fields));
    fs.writeFileSync(path.join(cwd, 'README.md'), 'Made by a test.\n');
    const vsix = path.join(this.root, `${id}.vsix`);
    const vsce = path.join(here, '..', 'node_modules', '@vscode', 'vsce', 'vsce');
    const args = ['package', '--out', vsix, '--allow-missing-repository', '--skip-license', '--no-dependencies'];
    execFileSync(process.execPath, [vsce, ...args], { cwd, stdio: 'pipe' });
    this.install(vsix);
  }

  async start() {
    this.port = await freePort();
    const options = ['--bind-addr', `127.0.0.1:${this.port}`, '--auth', 'none', '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'];
    if (this.trusted) options.push('--disable-workspace-trust');
    this.log = fs.openSync(path.join(this.root, 'code-server.log'), 'a');
    this.child = spawn(process.execPath, this.args(...options), { env: this.env, stdio: ['ignore', this.log, this.log], detached: true });
    running.add(this);
    await until('code-server answers', () => fetch(`http://127.0.0.1:${this.port}/healthz`).then(r => r.ok, () => false), 60_000);
  }

  kill(signal) {
    try {
      process.kill(-this.child.pid, signal);
    } catch {
      // It is gone already.
    }
  }

  async stop() {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise(resolve => this.child.once('exit', resolve));
    this.kill('SIGTERM');
    const killer = setTimeout(() => this.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(killer);
    // What it started may have outlived it.
    this.kill('SIGKILL');
    running.delete(this);
  }

  /** The last lines of logs that tell why something did not work: ours, and the Lean extension's. */
  logs(lines = 25) {
    const wanted = [path.join(this.root, 'state', 'log', 'serve.log')];
    const folder = path.join(this.userData, 'logs');
    if (fs.existsSync(folder)) {
      const all = fs.readdirSync(folder, { recursive: true }).filter(f => /(lean|remoteexthost)[^/]*\.log$/i.test(f));
      wanted.push(...all.map(f => path.join(folder, f)));
    }
    const texts = wanted.filter(f => fs.existsSync(f) && fs.statSync(f).size > 0).map(f => {
      const text = fs.readFileSync(f, 'utf8').split('\n').filter(l => !/ort::logging/.test(l)).slice(-lines).join('\n');
      return `        ${path.relative(this.root, f)}:\n${text}`;
    });
    return texts.join('\n');
  }
}

/** Settings that keep everything but Lean and us from the screen. */
const quiet = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.sideBar.location': 'left',
  'workbench.layoutControl.enabled': false,
  'workbench.colorTheme': 'Dark Modern',
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'window.commandCenter': false,
  'extensions.ignoreRecommendations': true,
  'extensions.autoCheckUpdates': false,
  'update.mode': 'none',
  'telemetry.telemetryLevel': 'off',
  'git.enabled': false,
  'editor.minimap.enabled': false,
  'editor.cursorBlinking': 'solid',
  'editor.fontFamily': 'DejaVu Sans Mono',
  'breadcrumbs.enabled': false,
  'files.autoSave': 'off',
};

/** A window of VS Code in a browser. */
export class Window {
  static async launch() {
    const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
    const window = new Window();
    window.browser = browser;
    return window;
  }

  /** Opens a folder on a server, in a fresh profile. */
  async go(server, folder) {
    await this.context?.close();
    this.context = await this.browser.newContext({
      viewport: { width: 1360, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    this.page = await this.context.newPage();
    this.console = [];
    this.page.on('console', m => this.console.push(`${m.type()}: ${m.text()}`));
    this.page.setDefaultTimeout(90_000 * patience);
    const address = `http://127.0.0.1:${server.port}/?folder=${encodeURIComponent(folder)}`;
    await this.page.goto(address, { waitUntil: 'commit', timeout: 120_000 * patience });
    await this.page.locator('.statusbar').waitFor({ timeout: 180_000 * patience });
  }

  async close() {
    await this.browser.close();
  }

  async keys(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** A command by its name, through the palette. */
  async command(name) {
    await this.keys('F1');
    const input = this.page.locator('.quick-input-widget input').first();
    await input.waitFor();
    await input.fill(`>${name}`);
    await this.page.locator('.quick-input-list .monaco-list-row').first().waitFor();
    await this.keys('Enter');
  }

  /** Opens a file of the folder and waits until its text is there. */
  async openFile(name) {
    await this.page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`).first().dblclick();
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
    await this.page.locator('.monaco-editor .view-line').first().waitFor();
    // In a window's first seconds VS Code knows no extension yet: neither the language nor a key of ours.
    if (name.endsWith('.lean')) await this.page.locator('[id="status.editor.mode"]', { hasText: 'Lean 4' }).waitFor();
  }

  /** Closes the tab of a name; nothing may be asked. */
  async closeTab(name) {
    const tab = this.page.locator(`.tab[data-resource-name="${name}"]`);
    await tab.click({ button: 'middle' });
    await tab.waitFor({ state: 'detached' });
    if ((await this.page.locator('.monaco-dialog-box').count()) > 0) throw new Error(`closing ${name} asks`);
  }

  /** Puts the cursor to a line and column, both from 1. */
  async cursorTo(line, column) {
    await this.keys('Control+g');
    const input = this.page.locator('.quick-input-widget input').first();
    await input.waitFor();
    await input.fill(`:${line}:${column}`);
    await this.keys('Enter');
    await input.waitFor({ state: 'hidden' });
  }

  /** The text of the active editor, as VS Code has it. */
  async text() {
    await this.keys('Control+a', 'Control+c');
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  /** The ghost text on the screen; empty where there is none. */
  async ghost() {
    const parts = await this.page
      .locator('.monaco-editor .ghost-text-decoration, .monaco-editor .ghost-text-decoration-preview, .monaco-editor .suggest-preview-text')
      .allInnerTexts();
    return parts.map(p => p.replaceAll('\u00a0', ' ')).join('\n').trim();
  }

  /** Waits for ghost text that fits. */
  async waitForGhost(fits = g => g !== '', timeout = 180_000) {
    return until('ghost text', async () => {
      const ghost = await this.ghost();
      return fits(ghost) ? ghost : undefined;
    }, timeout, 100);
  }

  /** From now on keeps every ghost text that the page draws. */
  async recordGhosts() {
    await this.page.evaluate(() => {
      window.ghostTexts = [];
      window.ghostObserver?.disconnect();
      window.ghostObserver = new MutationObserver(() => {
        const parts = [...document.querySelectorAll('.monaco-editor .ghost-text-decoration, .monaco-editor .ghost-text-decoration-preview')];
        const text = parts.map(e => e.textContent.replaceAll('\u00a0', ' ')).join('\n').trim();
        if (text !== '' && window.ghostTexts.at(-1) !== text) window.ghostTexts.push(text);
      });
      window.ghostObserver.observe(document.body, { subtree: true, childList: true, characterData: true });
    });
  }

  /** The ghost texts since then, each once as long as it stood. */
  recordedGhosts() {
    return this.page.evaluate(() => {
      window.ghostObserver.disconnect();
      return window.ghostTexts;
    });
  }

  /** Opens the light bulb's menu at the cursor, again and again until it has an entry that fits: verdicts come one by one. */
  async lightBulb(pattern, timeout = 120_000) {
    const menu = this.page.locator('.action-widget');
    await until(`${pattern} in the light bulb's menu`, async () => {
      // In the open menu the same key would choose the first entry.
      if (!(await menu.isVisible())) await this.keys('Control+.');
      await menu.waitFor({ timeout: 5000 * patience }).catch(() => undefined);
      if ((await menu.getByText(pattern).count()) > 0) return true;
      await this.keys('Escape');
      await menu.waitFor({ state: 'hidden', timeout: 5000 * patience });
      return false;
    }, timeout, 500);
    return menu;
  }

  /** Our entry in the status bar. */
  status() {
    return this.page.locator('.statusbar-item[id*="leanCopilot.status"]');
  }

  async waitForStatus(pattern, timeout = 180_000) {
    return until(`status ${pattern}`, async () => {
      const label = (await this.status().locator('a').getAttribute('aria-label').catch(() => null)) ?? '';
      return pattern.test(label) ? label : undefined;
    }, timeout);
  }

  /** The content of a webview that has this text or element. */
  async webview(selector, timeout = 120_000) {
    return until(`a webview with ${selector}`, async () => {
      for (const frame of this.page.frames()) {
        if (!/fake\.html|index\.html|webview/.test(frame.url()) && frame.name() !== 'active-frame') continue;
        const found = await frame.locator(selector).count().catch(() => 0);
        if (found > 0) return frame;
      }
      return undefined;
    }, timeout);
  }

  /** The notification with this text. */
  notification(text) {
    return this.page.locator('.notification-toast, .notification-list-item').filter({ hasText: text }).first();
  }

  /** Presses a button of a notification. One that is not answered soon is put away; then it is brought back. */
  async press(text, button, timeout = 60_000) {
    const wanted = this.notification(text).locator('.monaco-button', { hasText: button }).first();
    const soon = performance.now() + 3000;
    await until(`the button ${button} of the notification ${text}`, async () => {
      if (await wanted.isVisible().catch(() => false)) return true;
      if (performance.now() > soon) {
        await this.command('Notifications: Show Notifications');
        await this.page.waitForTimeout(1000);
      }
      return false;
    }, timeout, 300);
    await wanted.click();
  }

  async dismissNotifications() {
    await this.command('Notifications: Clear All Notifications');
  }

  async shot(file) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    await this.page.screenshot({ path: file });
  }
}
