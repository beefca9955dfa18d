// What a person does in VS Code, step by step, and what must then be on the screen and in the feedback store.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { outcomes, rounds } from './store.mjs';
import { until } from './workbench.mjs';

/** Lean files of the workspace, by name. */
export const files = {
  'Ghost.lean': 'theorem add_zero_again (n : Nat) : n + 0 = n := by\n  \n\n-- the end\n',
  'Panel.lean':
    'theorem chain (a b c : Nat) (h : a = b) (h2 : b = c) : a = c := by\n  \n\n-- the end\n',
  'Sorry.lean': 'theorem both (p q : Prop) (hp : p) (hq : q) : p ∧ q := by\n  sorry\n',
  'Words.lean': 'theorem pair (p q : Prop) (hp : p) (hq : q) : p ∧ q ∧ p := by\n  \n\n-- the end\n',
  'Record.lean': 'theorem two (a b : Nat) (h : a = b) : b = a := by\n  \n\ntheorem three (a b : Nat) : a + b = b + a := by\n  \n',
  'Unicode.lean': '-- \n',
};

/** Waits for an outcome in the store. */
function outcome(c, what, fits) {
  return until(`an outcome in the store: ${what}`, () => outcomes(c.data).find(fits), 30_000);
}

async function options(c) {
  const frame = await c.window.webview('[role=option]');
  return { frame, list: await frame.locator('[role=option]').all() };
}

/** Waits until the panel lists at least `n` tactics and the round is over. */
async function settled(c, n) {
  const frame = await c.window.webview('[role=option]', 180_000);
  await until(`${n} tactics in the panel, none pending`, async () => {
    const count = await frame.locator('[role=option]').count();
    const pending = await frame.locator('.pending').count();
    return count >= n && pending === 0;
  }, 180_000);
  return frame;
}

const tactic = option => option.locator('.head code').innerText();

/** Every step: its name, whether the smoke run has it, what is done. */
export const steps = [
  {
    name: 'ghost text is taken with Tab and the goal closes',
    smoke: true,
    async run(c) {
      await c.window.openFile('Ghost.lean');
      await c.window.cursorTo(2, 3);
      await c.window.waitForStatus(/Ready|Looking|checking/);
      const ghost = await c.window.waitForGhost();
      await c.shot('ghost-text');
      await c.window.keys('Tab');
      await until('the ghost text is in the file', async () => (await c.window.ghost()) === '', 20_000);
      const kept = await c.window.text();
      assert.equal(kept, files['Ghost.lean'].replace('  \n', `  ${ghost}\n`));
      const taken = await outcome(c, 'accepted', o => o.kind === 'accepted' && o.tactic === ghost);
      assert.equal(taken.shown, 1, 'what was taken had been seen');
      await c.window.keys('Control+s');
      await until('no problem is left', async () => /^No Problems|^0/.test((await c.problems()) ?? ''), 60_000);
    },
  },
  {
    name: 'the panel shows the goal and the tactics with what they leave',
    smoke: true,
    async run(c) {
      await c.window.openFile('Panel.lean');
      await c.window.cursorTo(2, 3);
      await c.window.keys('Control+Alt+Enter');
      const frame = await settled(c, 3);
      const text = await frame.locator('#root').innerText();
      assert.match(text, /a b c : Nat/);
      assert.match(text, /⊢ a = c/);
      const labels = await frame.locator('[role=option]').evaluateAll(all => all.map(o => o.getAttribute('aria-label')));
      assert.ok(labels.every(l => /closes|completes|goals? left/.test(l)), labels.join('\n'));
      await c.shot('panel');
    },
  },
  {
    name: 'the second tactic is inserted by keys, and taken back',
    smoke: true,
    async run(c) {
      const { frame, list } = await options(c);
      const second = await tactic(list[1]);
      await frame.locator('[role=option][tabindex="0"]').focus();
      await c.window.keys('ArrowDown', 'Enter');
      await outcome(c, 'accepted from the panel', o => o.kind === 'accepted' && o.tactic === second && o.uri.endsWith('Panel.lean'));
      await c.window.command('View: Focus Active Editor Group');
      assert.ok((await c.window.text()).includes(`\n  ${second}\n`), 'the tactic stands in its line');
      await until('the panel says that nothing is left', async () => {
        const again = await c.window.webview('h2');
        await c.window.cursorTo(2, second.length + 3);
        return /No goals/i.test(await again.locator('#root').innerText());
      }, 90_000, 1500);
      await c.window.keys('Control+z');
      await outcome(c, 'undone', o => o.kind === 'undone' && o.tactic === second);
    },
  },
  {
    name: 'the third tactic is refused with a reason and does not come back',
    smoke: true,
    async run(c) {
      await c.window.cursorTo(2, 3);
      await c.window.keys('Control+Alt+Enter');
      const frame = await settled(c, 3);
      const { list } = await options(c);
      const third = await tactic(list[2]);
      await frame.locator('[role=option]').first().click();
      await c.window.keys('ArrowDown', 'ArrowDown', 'Delete');
      await frame.locator('.reason input').waitFor();
      await c.page().keyboard.type('too clever');
      await c.shot('refuse');
      await c.window.keys('Enter');
      await outcome(c, 'rejected', o => o.kind === 'rejected' && o.tactic === third && o.reason === 'too clever');
      await until('the refused tactic is gone', async () => {
        const now = await frame.locator('[role=option] .head code').allInnerTexts();
        return now.length > 0 && !now.includes(third);
      }, 20_000);
    },
  },
  {
    name: 'what Lean refused is listed with its answer and cannot be inserted',
    async run(c) {
      const frame = await settled(c, 1);
      await frame.locator('details.tried summary').click();
      await frame.locator('.failed').first().waitFor();
      assert.ok((await frame.locator('.failed pre').count()) > 0, "Lean's answers are there");
      assert.equal(await frame.locator('.failed button').count(), 0);
      await c.shot('refused-by-lean');
      await frame.locator('details.tried summary').click();
    },
  },
  {
    name: 'the light bulb replaces a sorry',
    smoke: true,
    async run(c) {
      await c.window.openFile('Sorry.lean');
      await c.window.cursorTo(2, 4);
      const menu = c.page().locator('.action-widget, .context-view .monaco-list');
      await until('actions of ours in the menu', async () => {
        await c.window.keys('Control+.');
        await c.page().waitForTimeout(1500);
        if ((await menu.getByText(/Try `/).count()) > 0) return true;
        await c.window.keys('Escape');
        return false;
      }, 120_000, 500);
      await c.shot('light-bulb');
      const entry = menu.getByText(/Try `.*completes the proof/).first();
      const title = await entry.innerText();
      await entry.click();
      const chosen = /Try `(.+?)` \(/.exec(title)[1];
      await until('the sorry is gone', async () => !(await c.window.text()).includes('sorry'), 20_000, 500);
      await outcome(c, 'accepted from the menu', o => o.kind === 'accepted' && o.uri.endsWith('Sorry.lean') && o.tactic.replace(/\s+/g, ' ') === chosen);
    },
  },
  {
    name: 'ghost text is taken word by word, and the next one is shown',
    async run(c) {
      await c.window.openFile('Words.lean');
      await c.window.cursorTo(2, 3);
      const first = await c.window.waitForGhost(g => g.includes(' '));
      await c.window.keys('Control+ArrowRight');
      await outcome(c, 'a part accepted', o => o.kind === 'accepted_part' && o.uri.endsWith('Words.lean'));
      await until('the rest is still there', async () => first.endsWith(await c.window.ghost()) && (await c.window.ghost()) !== '', 20_000);
      await c.window.keys('Control+z', 'Escape');
      await c.window.cursorTo(1, 1);
      await c.window.cursorTo(2, 3);
      const again = await c.window.waitForGhost();
      await c.window.keys('Alt+]');
      await c.window.waitForGhost(g => g !== '' && g !== again, 20_000);
    },
  },
  {
    name: 'with recording off nothing is kept, with it on again it is',
    async run(c) {
      await c.window.command('lean-copilot: Turn Recording On or Off in This Project');
      await until('the setting stands in the workspace', () => {
        const file = path.join(c.folder, '.vscode', 'settings.json');
        return fs.existsSync(file) && JSON.parse(fs.readFileSync(file, 'utf8'))['leanCopilot.recording'] === false;
      }, 20_000);
      const before = rounds(c.data);
      await c.window.openFile('Record.lean');
      await c.window.cursorTo(2, 3);
      await c.window.waitForGhost();
      await c.page().waitForTimeout(4000);
      assert.equal(rounds(c.data), before, 'no round was kept');
      await c.window.command('lean-copilot: Turn Recording On or Off in This Project');
      await c.window.cursorTo(5, 3);
      await c.window.waitForGhost();
      await until('a round is kept', () => rounds(c.data) > before, 90_000);
    },
  },
  {
    name: 'Lean is killed, and the session goes on',
    smoke: true,
    async run(c) {
      await c.window.openFile('Panel.lean');
      await c.window.cursorTo(2, 3);
      const pids = serverProcesses(c.root);
      assert.ok(pids.length > 0, 'a Lean server runs');
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      await c.window.waitForStatus(/Starting/, 30_000).catch(() => undefined);
      await until('new servers run', () => serverProcesses(c.root).some(p => !pids.includes(p)), 60_000);
      await c.window.cursorTo(1, 1);
      await c.window.cursorTo(2, 3);
      await c.window.waitForGhost();
    },
  },
  {
    name: 'abbreviations become symbols',
    smoke: true,
    async run(c) {
      await c.window.openFile('Unicode.lean');
      await c.window.cursorTo(1, 4);
      await c.page().keyboard.type('\\al \\to ', { delay: 60 });
      await until('symbols stand in the text', async () => (await c.window.text()).startsWith('-- α → '), 20_000, 500);
    },
  },
  {
    name: 'what is recorded is shown and deleted',
    smoke: true,
    async run(c) {
      const before = rounds(c.data);
      await c.window.command('lean-copilot: Show What Is Recorded');
      const frame = await c.window.webview('table');
      const counts = await frame.locator('.figures').innerText();
      assert.match(counts, new RegExp(`\\b${before}\\b`));
      assert.ok((await frame.locator('svg.plot circle').count()) >= 1);
      await c.shot('feedback');
      await frame.locator('button[aria-label^="Delete the row"]').first().click();
      await c.page().locator('.monaco-dialog-box').getByText('Delete', { exact: true }).click();
      await until('a row fewer', () => rounds(c.data) === before - 1, 20_000);
      await c.window.command('View: Close Editor');
    },
  },
  {
    name: 'the status bar has a menu, and pausing pauses',
    async run(c) {
      await c.window.openFile('Panel.lean');
      await c.window.status().click();
      await c.page().locator('.quick-input-list').getByText('Pause Suggestions').waitFor();
      await c.shot('menu');
      await c.window.keys('Escape');
      await c.window.command('lean-copilot: Pause Suggestions');
      await c.window.waitForStatus(/Paused/, 60_000);
      await c.window.command('lean-copilot: Resume Suggestions');
      await c.window.waitForStatus(/Ready|Looking|checking/, 60_000);
    },
  },
  {
    name: 'light and high-contrast themes',
    async run(c) {
      await c.window.openFile('Words.lean');
      await c.window.cursorTo(2, 3);
      await c.window.keys('Control+Alt+Enter');
      await settled(c, 1);
      for (const [theme, name] of [['Default Light Modern', 'panel-light'], ['Default High Contrast', 'panel-contrast']]) {
        c.setSetting('workbench.colorTheme', theme);
        await c.page().waitForTimeout(2500);
        await c.shot(name);
      }
      c.setSetting('workbench.colorTheme', 'Default Dark Modern');
    },
  },
  {
    name: 'the model learns from it, with progress and a report',
    async run(c) {
      await c.window.command('lean-copilot: Learn from What Is Recorded');
      await c.page().locator('.monaco-dialog-box').getByText('Learn', { exact: true }).click();
      const frame = await c.window.webview('progress', 60_000);
      await frame.locator('section[aria-label="Report"]').waitFor({ timeout: 540_000 });
      assert.match(await frame.locator('section[aria-label="Report"]').innerText(), /→/);
      await c.shot('report');
    },
  },
];

/** Lean servers that descend from this test's code-server. */
function serverProcesses(root) {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  const all = lines.map(l => /^\s*(\d+) (.*)$/.exec(l)).filter(m => m);
  return all
    .filter(([, pid, args]) => /runtime\/lean\/server\.js/.test(args) && environment(pid).includes(root))
    .map(m => Number(m[1]));
}

function environment(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

/** Machines on which something is missing: each gets a server of its own. */
export const machines = [
  {
    name: 'a machine with no Lean at all offers to install one',
    smoke: true,
    env: root => ({ LEAN_COPILOT_CACHE_DIR: path.join(root, 'empty-cache') }),
    async run(c) {
      await c.window.openFile('Ghost.lean');
      const notice = c.window.notification(/lean-copilot: /);
      await notice.getByText('Install').first().waitFor({ timeout: 60_000 });
      await c.window.waitForStatus(/missing|not installed|No Lean/i, 60_000);
      await c.shot('no-lean');
    },
  },
  {
    name: 'a program that is not there is said, and choosing one mends it',
    smoke: true,
    settings: { 'leanCopilot.binary': '/nowhere/lean-copilot' },
    async run(c) {
      await c.window.openFile('Ghost.lean');
      const notice = c.window.notification('/nowhere/lean-copilot');
      await notice.getByText('Choose the Program').waitFor({ timeout: 60_000 });
      await c.shot('no-program');
      c.setSetting('leanCopilot.binary', '');
      await c.window.waitForStatus(/Ready|Looking|checking/, 120_000);
    },
  },
  {
    name: 'in a workspace that is not trusted nothing is started',
    trusted: false,
    async run(c) {
      const dialog = c.page().locator('.monaco-dialog-box');
      await dialog.getByText(/No, I don't trust|No, browse/).first().click({ timeout: 60_000 });
      await c.window.openFile('Ghost.lean');
      await c.window.waitForStatus(/not trusted/, 60_000);
      assert.deepEqual(serverProcesses(c.root), []);
      await c.shot('untrusted');
    },
  },
];

/** From a key to ghost text, in milliseconds, measured in the page. */
export async function latency(c, count) {
  const lines = Array.from({ length: count }, (_, i) => `theorem t${i} (a b c d : Nat) (h : a + ${i} = b) : ${i} + a = b := by`);
  fs.writeFileSync(path.join(c.folder, 'Latency.lean'), `${lines.join('\n\n')}\n`);
  await c.window.openFile('Latency.lean');
  await c.page().evaluate(() => {
    window.seen = [];
    let pressed = 0;
    window.addEventListener('keydown', e => { if (e.key === 'Enter') pressed = performance.now(); }, true);
    new MutationObserver(() => {
      if (pressed === 0) return;
      const ghost = document.querySelector('.monaco-editor .ghost-text-decoration, .monaco-editor .ghost-text-decoration-preview');
      if (!ghost || ghost.textContent.trim() === '') return;
      window.seen.push(performance.now() - pressed);
      pressed = 0;
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const times = [];
  for (let i = 0; i < count; i++) {
    // From the last to the first, so that a taken line moves no other.
    const line = 2 * (count - 1 - i) + 1;
    await c.window.cursorTo(line, 1);
    await c.window.keys('End');
    await c.page().waitForTimeout(500);
    await c.window.keys('Escape');
    const before = times.length;
    await c.window.keys('Enter');
    await until('a time', async () => {
      const seen = await c.page().evaluate(() => window.seen.splice(0));
      times.push(...seen);
      return times.length > before;
    }, 60_000, 50);
    await c.window.keys('Tab');
    await c.page().waitForTimeout(300);
  }
  times.sort((a, b) => a - b);
  const at = share => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  return { count: times.length, median_ms: Math.round(at(0.5)), p95_ms: Math.round(at(0.95)), min_ms: Math.round(times[0]) };
}

