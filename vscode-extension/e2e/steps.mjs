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
  'Words.lean': 'theorem back (a b c : Nat) (h : a = b) (h2 : b = c) : c = a := by\n  \n\n-- the end\n',
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

/** Waits until the panel lists at least `n` tactics, for a goal that it names where one is given, and the round is over. */
async function settled(c, n, goal = '') {
  const frame = await c.window.webview('[role=option]', 180_000);
  await until(`${n} tactics in the panel, none pending`, async () => {
    const count = await frame.locator('[role=option]').count();
    const pending = await frame.locator('.pending').count();
    return count >= n && pending === 0 && (await frame.locator('#root').innerText()).includes(goal);
  }, 180_000);
  return frame;
}

/** What the panel's first tactic does, and what each of them does. */
async function bestEffect(c) {
  const { frame } = await options(c);
  const rows = await frame.locator('[role=option] .head').evaluateAll(all => all.map(h => [...h.children].map(e => e.textContent)));
  return { effect: rows[0][1], of: new Map(rows) };
}

const tactic = option => option.locator('.head code').innerText();

/** Every step: its name, whether the smoke run has it, what is done. */
export const steps = [
  {
    name: 'ghost text is taken with Tab and the goal closes',
    smoke: true,
    async run(c) {
      await c.window.openFile('Ghost.lean');
      // What is recorded is said on first use.
      await c.window.press('lean-copilot keeps the goals that you look at', 'Fine', 90_000);
      await c.window.cursorTo(2, 3);
      await c.window.waitForStatus(/Ready|Looking|checking/);
      await c.window.waitForGhost();
      // A first one may give way to a better one until all are checked.
      await c.window.waitForStatus(/Ready/);
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
      // One that leaves a goal shows it, with what it changed marked.
      const leaves = frame.locator('[role=option]').filter({ has: frame.locator('.effect', { hasText: /^1 goal left$/ }) });
      const one = (await leaves.count()) > 0 ? leaves : frame.locator('[role=option]').filter({ has: frame.locator('.effect', { hasText: 'left' }) });
      await one.first().click();
      await frame.locator('[aria-selected=true] .left .goal ins').first().waitFor();
      await c.shot('panel');
      await c.window.keys('Home');
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
    async run(c) {
      await c.window.openFile('Sorry.lean');
      await c.window.cursorTo(2, 4);
      const menu = await c.window.lightBulb(/Try `.*completes the proof/);
      await c.shot('light-bulb');
      const entry = menu.getByText(/Try `.*completes the proof/).first();
      const title = (await entry.innerText()).replaceAll('\u00a0', ' ');
      await entry.click();
      const chosen = /Try `(.+?)` \(/.exec(title)[1];
      await until('the sorry is gone', async () => !(await c.window.text()).includes('sorry'), 20_000, 500);
      await outcome(c, 'accepted from the menu', o => o.kind === 'accepted' && o.uri.endsWith('Sorry.lean') && o.tactic.replace(/\s+/g, ' ') === chosen);
    },
  },
  {
    name: 'ghost text gives way to a better tactic',
    smoke: true,
    async run(c) {
      await c.window.openFile('Words.lean');
      await c.window.recordGhosts();
      // Shows the panel and leaves the keyboard to the editor, whose ghost text would otherwise be drawn anew.
      await c.window.cursorTo(2, 3);
      await c.window.keys('Control+Alt+Space');
      await settled(c, 3, '⊢ c = a');
      const best = await bestEffect(c);
      await until(`ghost text that ${best.effect}`, async () => best.of.get(await c.window.ghost()) === best.effect, 20_000);
      console.log(`        one after the other: ${(await c.window.recordedGhosts()).join(' | ')}`);
    },
  },
  {
    name: 'the next ghost text is shown, and taken word by word',
    async run(c) {
      await c.window.openFile('Words.lean');
      await c.window.cursorTo(2, 3);
      await c.window.keys('Control+Alt+Enter');
      const frame = await settled(c, 3, '⊢ c = a');
      // From the panel back to the editor, whose ghost text is there again.
      await frame.locator('[role=option]').first().focus();
      await c.window.keys('Escape');
      let ghost = await c.window.waitForGhost();
      const first = ghost;
      const best = await bestEffect(c);
      assert.equal(best.of.get(first), best.effect, `nothing better than the ghost text \`${first}\` in the panel: ${[...best.of].join('; ')}`);
      // One of several words, if the first is not.
      for (let i = 0; i < 8 && (ghost === first || !ghost.includes(' ')); i++) {
        await c.window.keys('Alt+]');
        ghost = await c.window.waitForGhost(g => g !== '' && g !== ghost, 30_000);
      }
      assert.ok(ghost.includes(' '), `a tactic of several words: ${ghost}`);
      await c.window.keys('Control+ArrowRight');
      await outcome(c, 'a part accepted', o => o.kind === 'accepted_part' && o.tactic === ghost);
      await until('the rest is still there', async () => {
        const rest = await c.window.ghost();
        return rest !== '' && rest !== ghost && ghost.endsWith(rest);
      }, 20_000);
      await c.shot('words');
      await c.window.keys('Control+z', 'Escape');
    },
  },
  {
    name: 'the list of completions has verified tactics',
    async run(c) {
      await c.window.openFile('Words.lean');
      await c.window.cursorTo(1, 1);
      await c.window.cursorTo(2, 3);
      await c.window.waitForGhost();
      const ours = c.page().locator('.suggest-widget .monaco-list-row').filter({ hasText: 'lean-copilot' });
      await until('an entry of ours', async () => {
        await c.window.keys('Control+Space');
        await c.page().waitForTimeout(2500);
        if ((await ours.count()) > 0) return true;
        await c.window.keys('Escape');
        return false;
      }, 60_000, 500);
      await c.shot('completions');
      await c.window.keys('Escape');
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
      await until('new servers run', () => serverProcesses(c.root).some(p => !pids.includes(p)), 60_000);
      await c.window.cursorTo(1, 1);
      await c.window.cursorTo(2, 3);
      await c.window.waitForGhost();
    },
  },
  {
    name: 'abbreviations become symbols',
    async run(c) {
      await c.window.openFile('Unicode.lean');
      await c.window.cursorTo(1, 4);
      for (const [typed, then] of [['\\alpha ', '-- α '], ['\\to ', '-- α → ']]) {
        await c.page().keyboard.type(typed, { delay: 60 });
        await until(`${then}stands in the text`, async () => (await c.window.text()).startsWith(then), 20_000, 500);
        await c.window.cursorTo(1, then.length + 1);
      }
    },
  },
  {
    name: 'what is recorded is shown and deleted',
    smoke: true,
    async run(c) {
      await c.window.command('lean-copilot: Show What Is Recorded');
      const frame = await c.window.webview('table');
      let before;
      await until('the page counts what the store has', async () => {
        before = rounds(c.data);
        await frame.getByText('Refresh', { exact: true }).click();
        return new RegExp(`\\b${before}\\b`).test(await frame.locator('.figures').innerText());
      }, 30_000, 1000);
      assert.ok((await frame.locator('svg.plot circle').count()) >= 1);
      await c.shot('feedback');
      await frame.locator('button[aria-label^="Delete the row"]').first().click();
      await c.page().locator('.monaco-dialog-box').getByText('Delete', { exact: true }).click();
      await until('a row fewer', () => rounds(c.data) === before - 1, 20_000);
    },
  },
  {
    name: 'what is recorded is exported',
    async run(c) {
      await c.window.openFile('Panel.lean');
      await c.window.command('lean-copilot: Export What Is Recorded');
      await c.page().locator('.quick-input-list').getByText('every candidate with its goal').waitFor();
      await c.window.keys('Enter');
      const name = c.page().locator('.quick-input-widget input').first();
      await until('a name is offered', async () => /lean-feedback-events\.jsonl$/.test(await name.inputValue()), 20_000);
      await c.window.keys('Enter');
      const file = path.join(c.folder, 'lean-feedback-events.jsonl');
      await until('the file is written', () => fs.existsSync(file) && fs.statSync(file).size > 0, 20_000);
      const lines = fs.readFileSync(file, 'utf8').trim().split('\n').map(l => JSON.parse(l));
      assert.ok(lines.length >= rounds(c.data), `${lines.length} rows`);
    },
  },
  {
    name: 'the status bar has a menu, and pausing pauses',
    async run(c) {
      await c.window.openFile('Panel.lean');
      await c.window.status().click();
      await c.page().locator('.quick-input-list').getByText('Pause Suggestions').waitFor();
      // It fades in.
      await c.page().waitForTimeout(500);
      await c.shot('menu');
      await c.window.keys('Escape');
      await c.window.command('lean-copilot: Pause Suggestions');
      await c.window.waitForStatus(/Paused/, 60_000);
      await c.window.command('lean-copilot: Resume Suggestions');
      await c.window.waitForStatus(/Ready|Looking|checking/, 60_000);
      // The menu's other end: what helps where something is wrong.
      for (const [entry, says] of [['Run Doctor', /\blean\b/i], ['Open the Log', /lean_copilot::/]]) {
        await c.window.status().click();
        await c.page().locator('.quick-input-list').getByText(entry).click();
        await until(`${entry} opens a text that says ${says}`, async () => says.test(await c.page().locator('.editor-instance .view-lines').first().innerText()), 60_000, 500);
      }
    },
  },
  {
    name: 'light and high-contrast themes',
    async run(c) {
      await c.window.openFile('Words.lean');
      await c.window.cursorTo(2, 3);
      await c.window.keys('Control+Alt+Enter');
      await settled(c, 1);
      const frame = await c.window.webview('[role=option]');
      const paper = () => frame.locator('body').evaluate(body => window.getComputedStyle(body).getPropertyValue('--vscode-sideBar-background'));
      const seen = new Set([await paper()]);
      for (const [theme, kind, name] of [['Light Modern', 'vs', 'panel-light'], ['Dark High Contrast', 'hc-black', 'panel-contrast'], ['Dark Modern', 'vs-dark', '']]) {
        // By its keys: the palette's first entry of that name would search the Marketplace.
        await c.window.keys('Control+k', 'Control+t');
        const input = c.page().locator('.quick-input-widget input').first();
        await input.fill(theme);
        await c.page().locator('.quick-input-list .monaco-list-row.focused').getByText(theme, { exact: true }).waitFor();
        await c.window.keys('Enter');
        await input.waitFor({ state: 'hidden' });
        await c.page().locator(`.monaco-workbench.${kind}`).waitFor();
        await until('the panel has the colours of the theme', async () => name === '' || !seen.has(await paper()), 20_000);
        seen.add(await paper());
        if (name !== '') await c.shot(name);
      }
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
  {
    name: 'all that is recorded here is deleted, and the page says so',
    async run(c) {
      await c.window.command('lean-copilot: Show What Is Recorded');
      const frame = await c.window.webview('table');
      assert.ok(rounds(c.data) > 0);
      await frame.getByText("Delete This Project's…", { exact: true }).click();
      await c.page().locator('.monaco-dialog-box').getByText('Delete', { exact: true }).click();
      await until('no row is left', () => rounds(c.data) === 0, 20_000);
      await frame.getByText('No rows.', { exact: true }).waitFor();
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
      c.setSetting('leanCopilot.binary', '');
      await c.window.waitForStatus(/Ready|Looking|checking/, 120_000);
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
];

/**
 * From the key that opens a line below `by` to the ghost text that is drawn there, in milliseconds, measured in the
 * page by the key's own event and the change of the document. `unanswered`: no ghost text within 20 s.
 */
export async function latency(c, count) {
  const lines = Array.from({ length: count }, (_, i) => `theorem t${i} (a b c d : Nat) (h : a + ${i} = b) : ${i} + a = b := by`);
  fs.writeFileSync(path.join(c.folder, 'Latency.lean'), `${lines.join('\n\n')}\n`);
  await c.window.openFile('Latency.lean');
  await c.page().evaluate(() => {
    window.seen = [];
    window.pressed = 0;
    window.addEventListener('keydown', e => { if (e.key === 'Enter') window.pressed = performance.now(); }, true);
    new MutationObserver(() => {
      if (window.pressed === 0) return;
      const ghost = document.querySelector('.monaco-editor .ghost-text-decoration, .monaco-editor .ghost-text-decoration-preview');
      if (!ghost || ghost.textContent.trim() === '') return;
      window.seen.push(performance.now() - window.pressed);
      window.pressed = 0;
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const times = [];
  let unanswered = 0;
  for (let i = 0; i < count; i++) {
    // From the last to the first, so that a taken line moves no other.
    await c.window.cursorTo(2 * (count - 1 - i) + 1, 1);
    await c.window.keys('End');
    await c.page().waitForTimeout(500);
    await c.window.keys('Escape');
    await c.page().evaluate(() => {
      window.seen = [];
      window.pressed = 0;
    });
    await c.window.keys('Enter');
    try {
      times.push(await until('a time', () => c.page().evaluate(() => window.seen.splice(0)[0]), 20_000, 50));
      await c.window.keys('Tab');
    } catch {
      unanswered++;
    }
    await c.page().waitForTimeout(300);
  }
  const first = Math.round(times[0]);
  times.sort((a, b) => a - b);
  const at = share => Math.round(times[Math.min(times.length - 1, Math.floor(share * times.length))]);
  return { keystrokes: count, unanswered, median_ms: at(0.5), p95_ms: at(0.95), min_ms: at(0), max_ms: at(1), first_ms: first };
}
