// Machines on which something is missing or is not as it should be, and what a person is then told.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { serverProcesses } from './processes.mjs';
import { until } from './workbench.mjs';

/** Machines on which something is missing: each gets a server of its own. */
export const machines = [
  {
    name: 'a machine with no Lean at all offers to install one',
    env: root => ({ LEAN_COPILOT_CACHE_DIR: path.join(root, 'empty-cache') }),
    async run(c) {
      await c.window.openFile('Ghost.lean');
      const notice = c.window.notification('no Lean on this machine');
      await notice.getByText('Install').first().waitFor({ timeout: 60_000 });
      await c.window.waitForStatus(/missing|not installed|No Lean/i, 60_000);
      // Nothing is recorded without a Lean, so there is nothing to say about it yet.
      assert.equal(await c.window.notification('keeps the goals that you look at').count(), 0);
      await c.shot('no-lean');
      if (c.smoke) return;
      await c.window.press('no Lean on this machine', 'Install');
      const installing = c.window.notification('installing the runtime');
      await installing.waitFor();
      await c.shot('install');
      await c.window.press('installing the runtime', 'Cancel');
      await installing.waitFor({ state: 'hidden' });
      await c.window.waitForStatus(/No Lean/i, 20_000);
      await c.window.command('lean-copilot: Install the Runtime');
      await installing.waitFor();
      await until('the runtime is there', () => fs.existsSync(path.join(c.root, 'empty-cache', 'runtime')), 300_000);
      await c.window.waitForStatus(/Ready|Looking|checking/, 400_000);
      await c.window.cursorTo(1, 1);
      await c.window.cursorTo(2, 3);
      await c.window.waitForGhost();
    },
  },
  {
    name: 'a program that is not there is said, and choosing one mends it',
    settings: { 'leanCopilot.binary': '/nowhere/lean-copilot' },
    async run(c) {
      await c.window.openFile('Ghost.lean');
      const notice = c.window.notification('/nowhere/lean-copilot');
      await notice.getByText('Choose the Program').waitFor({ timeout: 60_000 });
      await c.shot('no-program');
      await c.window.press('/nowhere/lean-copilot', 'Choose the Program');
      const program = path.join(c.server.extensionFolder('lean-copilot.lean-copilot'), 'bin', 'lean-copilot');
      const name = c.page().locator('.quick-input-widget input').first();
      // First it looks into the folder of the workspace.
      await until('the dialog is ready', async () => (await name.inputValue()).startsWith(c.folder), 20_000);
      await name.fill(program);
      await c.page().locator('.quick-input-list .monaco-list-row').filter({ hasText: 'lean-copilot' }).first().waitFor();
      await c.page().locator('.quick-input-widget').getByText('Use This Program').click();
      await c.window.waitForStatus(/Ready|Looking|checking/, 120_000);
    },
  },
  {
    name: 'a program that is too old is said, with what mends it',
    // There is no older release to try it with.
    settings: root => {
      const program = path.join(root, 'old-program');
      fs.writeFileSync(program, '#!/bin/sh\necho lean-copilot 0.0.1\n', { mode: 0o755 });
      return { 'leanCopilot.binary': program };
    },
    async run(c) {
      await c.window.openFile('Ghost.lean');
      const notice = c.window.notification(/old-program` is version 0\.0\.1; this extension needs 0\.1\.0 or newer/);
      await notice.getByText('Choose the Program').waitFor({ timeout: 60_000 });
      assert.equal(await c.page().locator('.notification-toast').filter({ hasText: 'old-program' }).count(), 1, 'said once');
      assert.deepEqual(serverProcesses(c.root), []);
    },
  },
  {
    name: 'in a workspace that is not trusted nothing is started',
    trusted: false,
    async run(c) {
      // Versions differ in whether they ask first; not to answer is not to trust.
      await c.page().locator('.statusbar-item').filter({ hasText: 'Restricted Mode' }).waitFor();
      const no = c.page().locator('.monaco-dialog-box').getByText(/No, I don't trust|No, browse/).first();
      if (await no.isVisible()) await no.click();
      await c.window.openFile('Ghost.lean');
      await c.window.waitForStatus(/not trusted/, 60_000);
      assert.deepEqual(serverProcesses(c.root), []);
      await c.shot('untrusted');
    },
  },
  {
    name: 'an official extension whose interface is not the known one is said, and the rest works',
    // The real one cannot be made to have another interface.
    prepare: server =>
      server.installMade('leanprover.lean4', {
        version: '99.1.2',
        activationEvents: ['onLanguage:lean4'],
        exports: '{ lean4EnabledFeatures: Promise.resolve({ clientProvider: { getClients: () => [] } }) }',
      }),
    async run(c) {
      await c.window.openFile('Ghost.lean');
      await c.window.notification(/official Lean 4 extension 99\.1\.2 has no client provider that lean-copilot knows/).waitFor({ timeout: 60_000 });
      await c.window.waitForStatus(/has no client provider/, 20_000);
      // No second Lean beside that extension's.
      assert.deepEqual(serverProcesses(c.root), []);
      await c.shot('unknown-interface');
      await c.window.status().click();
      await c.page().locator('.quick-input-list').getByText('Run Doctor').waitFor();
      await c.window.keys('Escape');
    },
  },
];
