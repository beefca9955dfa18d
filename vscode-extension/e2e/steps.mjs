// What a person does in VS Code, step by step, and what must then be on the screen and in the feedback store.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { serverProcesses } from './processes.mjs';
import { outcomes, rounds } from './store.mjs';
import { until } from './workbench.mjs';

/** A string of Lean that would run a script, were it taken for HTML. */
const MARKUP = `"<img src=x onerror='window.ran=1'><script>window.ran=1</script>"`;

/** Lean files of the workspace, by name. */
export const files = {
  'Ghost.lean': 'theorem add_zero_again (n : Nat) : n + 0 = n := by\n  \n\n-- the end\n',
  'Panel.lean':
    'theorem chain (a b c : Nat) (h : a = b) (h2 : b = c) : a = c := by\n  \n\n-- the end\n',
  'Sorry.lean': 'theorem both (p q : Prop) (hp : p) (hq : q) : p ∧ q := by\n  sorry\n',
  'Words.lean': 'theorem back (a b c : Nat) (h : a = b) (h2 : b = c) : c = a := by\n  \n\n-- the end\n',
  'Record.lean': 'theorem two (a b : Nat) (h : a = b) : b = a := by\n  \n\ntheorem three (a b : Nat) : a + b = b + a := by\n  \n',
  'Unicode.lean': '-- \n',
  'Markup.lean': `theorem shown (s : String) (h : s = ${MARKUP}) : ${MARKUP} = s := by\n  \n\n-- the end\n`,
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

/** Opens a file, goes to its empty line, gives the panel the keyboard, waits as `settled`. */
async function panelAt(c, file, n, goal) {
  await c.window.openFile(file);
  await c.window.cursorTo(2, 3);
  await c.window.keys('Control+Alt+Enter');
  const frame = await settled(c, n, goal);
  await until('the panel has the keyboard', () => frame.evaluate(() => document.hasFocus() && document.activeElement.closest('[role=option]') !== null), 20_000);
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
      // Although it was opened before VS Code knew the language.
      await until('two spaces', async () => (await c.page().locator('[id="status.editor.indentation"]').innerText()).trim() === 'Spaces: 2', 30_000);
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
      const frame = await panelAt(c, 'Panel.lean', 3, '⊢ a = c');
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
    name: 'a screen reader reads the panel, and a tactic is copied',
    async run(c) {
      const frame = await panelAt(c, 'Panel.lean', 3, '⊢ a = c');
      const first = frame.locator('[role=option]').first();
      await first.focus();
      // What is left is read with the tactic that leaves it.
      const leaves = frame.locator('[role=option]').filter({ hasText: /\d goals? left/ }).first();
      await leaves.click();
      const described = await leaves.getAttribute('aria-describedby');
      assert.match(await frame.locator(`[id="${described}"]`).innerText(), /⊢/);
      await c.window.keys('End', 'Home');
      const tree = await frame.locator('body').ariaSnapshot();
      const { list } = await options(c);
      const best = await tactic(list[0]);
      // What the tree of the page has, as a screen reader gets it.
      for (const has of [/- region "Goal":/, /- listbox "Verified tactics.*":/, /option "1 of \d+: .*(closes|completes|left).*checked in.*Enter inserts, Delete refuses, C copies\." \[selected\]/, /option "2 of \d+: [^"]*"/, /- button "Insert"/, /- button "Refuse"/, /- button "Copy"/, /What Lean refused/]) {
        assert.match(tree, has, tree);
      }
      assert.equal(await first.evaluate(o => o === document.activeElement), true, 'the chosen tactic has the keyboard');
      await c.window.keys('c');
      await until('the tactic is in the clipboard', async () => (await c.page().evaluate(() => navigator.clipboard.readText()).catch(() => '')) === best, 10_000);
      assert.equal(await frame.locator('[role=status]').innerText(), 'Copied');
      console.log(tree.split('\n').slice(0, 12).map(l => `        ${l}`).join('\n'));
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
    name: 'what Lean says is text, and no page runs what it did not bring',
    async run(c) {
      const frame = await panelAt(c, 'Markup.lean', 1, 'onerror');
      await frame.locator('details.tried summary').click();
      await frame.locator('.failed').first().waitFor();
      assert.ok((await frame.locator('#root').innerText()).includes(`⊢ ${MARKUP} = s`), 'the goal as Lean prints it');
      assert.equal(await frame.locator('img, #root script').count(), 0);
      // Even markup that found its way in would load and run nothing.
      const refused = await frame.evaluate(async () => {
        const seen = [];
        document.addEventListener('securitypolicyviolation', e => seen.push(e.effectiveDirective));
        const inject = (name, set) => document.body.append(Object.assign(document.createElement(name), set));
        inject('script', { textContent: 'window.ran = 1' });
        inject('script', { src: 'https://example.org/a.js' });
        inject('img', { src: 'data:image/gif;base64,R0lGODlhAQABAAAAACw=' });
        inject('div', { innerHTML: '<img src=x onerror="window.ran = 1">' });
        inject('iframe', { src: 'https://example.org/' });
        await fetch('https://example.org/').catch(() => undefined);
        await new Promise(resolve => setTimeout(resolve, 500));
        for (const e of document.querySelectorAll('body > img, body > iframe, body > script:not([nonce]), body > div:not([id])')) e.remove();
        return { seen: [...new Set(seen)].sort(), ran: window.ran };
      });
      assert.equal(refused.ran, undefined, 'no script ran');
      assert.deepEqual(refused.seen, ['connect-src', 'frame-src', 'img-src', 'script-src-attr', 'script-src-elem']);
      await c.shot('markup');
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
      await panelAt(c, 'Words.lean', 3, '⊢ c = a');
      // From the panel back to the editor, whose ghost text is there again.
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
      // What it opens is to be read: it takes no key, and closes without a question.
      for (const [entry, tab, says] of [['Open the Log', 'serve.log', /lean_copilot::/], ['Run Doctor', 'Doctor', /embedded_lean/]]) {
        await c.window.status().click();
        await c.page().locator('.quick-input-list').getByText(entry).click();
        await c.page().locator(`.tab.active[data-resource-name="${tab}"]`).waitFor();
        await until(`${entry} opens a text that says ${says}`, async () => says.test(await c.window.text()), 60_000, 500);
        await c.page().keyboard.type('x');
        assert.match(await c.window.text(), says);
        await c.window.closeTab(tab);
      }
    },
  },
  {
    name: 'a bundle is picked in the menu',
    async run(c) {
      await c.window.openFile('Panel.lean');
      const pick = async entry => {
        await c.window.status().click();
        await c.page().locator('.quick-input-list').getByText('Pick a Model Bundle').click();
        await c.page().locator('.quick-input-list').getByText('Choose a Folder').waitFor();
        await c.page().locator('.quick-input-list .monaco-list-row').filter({ hasText: entry }).first().click();
      };
      await pick('core-small');
      await until('the setting names it', () => c.server.settings['leanCopilot.bundle'] === 'core-small', 20_000);
      await c.window.cursorTo(1, 1);
      await c.window.cursorTo(2, 3);
      await c.window.waitForGhost();
      await c.window.waitForStatus(/Model: core-small/, 60_000);
      await pick('the newest that you trained');
      await until('the setting is gone', () => Object.keys(c.server.settings).length > 0 && !('leanCopilot.bundle' in c.server.settings), 20_000);
    },
  },
  {
    name: 'light and high-contrast themes',
    async run(c) {
      const frame = await panelAt(c, 'Words.lean', 1, '⊢ c = a');
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
      // What is recorded after that goes with all projects.
      await c.window.openFile('Record.lean');
      await c.window.cursorTo(2, 3);
      await until('a round is kept', () => rounds(c.data) > 0, 60_000);
      await c.window.waitForStatus(/Ready/);
      await c.window.command('lean-copilot: Show What Is Recorded');
      await frame.getByText('Delete Everything…', { exact: true }).click();
      await c.page().locator('.monaco-dialog-box').getByText('Delete', { exact: true }).click();
      await until('no row is left', () => rounds(c.data) === 0, 20_000);
    },
  },
  {
    name: 'the walkthrough leads from nothing to the record',
    async run(c) {
      await c.window.command('Welcome: Open Walkthrough');
      await c.page().locator('.quick-input-list .monaco-list-row').filter({ hasText: 'Get Started with lean-copilot' }).first().click();
      const page = c.page().locator('.gettingStartedContainer');
      const steps = page.locator('.getting-started-step');
      await until('four steps', async () => (await steps.count()) === 4, 30_000);
      const open = async title => {
        const step = steps.filter({ hasText: title });
        if (!(await step.evaluate(s => s.classList.contains('expanded')))) await step.locator('.step-title, h3').first().click();
        await until(`${title} is open`, () => step.evaluate(s => s.classList.contains('expanded')), 10_000);
        return step;
      };
      const lean = await open('A Lean to prove with');
      await lean.getByText('Run Doctor').click();
      await c.page().locator('.tab.active[data-resource-name="Doctor"]').waitFor();
      await c.window.closeTab('Doctor');
      // Its pages lie in the VSIX.
      await c.window.webview('text=stands in front of it');
      await c.shot('walkthrough');
      await (await open('Take the next step')).getByText('Open an Example').click();
      await c.page().locator('.tab.active[data-resource-name="Plus.lean"]').waitFor();
      await c.window.closeTab('Plus.lean');
      await (await open('See all of them')).getByText('Show Tactics').click();
      await c.window.webview('h2, .empty');
      await (await open('What is recorded, and for what')).getByText('Show What Is Recorded').click();
      await c.window.webview('h1:has-text("What is recorded")');
    },
  },
];
