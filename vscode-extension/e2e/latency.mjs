// From a key to ghost text, measured in the page; with a tap before the program also hop by hop.

import fs from 'node:fs';
import path from 'node:path';

import { processorTimes } from './processes.mjs';
import { here, until } from './workbench.mjs';

/** The program with the tap before it: the setting and the environment that put it there. */
export function tap(server, root) {
  const program = path.join(server.extensionFolder('lean-copilot.lean-copilot'), 'bin', 'lean-copilot');
  const file = path.join(root, 'tap.jsonl');
  return { file, setting: path.join(here, 'tap.mjs'), env: { LEAN_COPILOT_TAP: `${program}:${file}` } };
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
const ms = value => (value === undefined ? undefined : Math.round(value));

/**
 * From the key that opens a line below `by` to the ghost text that is drawn there, in milliseconds, measured in the
 * page by the key's own event and the change of the document. `unanswered`: no ghost text within 20 s; `first_ms`: the
 * very first, for which the verifying Lean starts. `taps`: the
 * file that the tap writes, for the table of hops. `settle`: each key waits until the round of the one before is over.
 */
export async function latency(c, count, { taps, settle }) {
  const lines = Array.from({ length: count }, (_, i) => `theorem t${i} (a b c d : Nat) (h : a + ${i} = b) : ${i} + a = b := by`);
  fs.writeFileSync(path.join(c.folder, 'Latency.lean'), `${lines.join('\n\n')}\n`);
  await c.window.openFile('Latency.lean');
  await c.window.waitForStatus(/Ready/);
  await c.page().evaluate(() => {
    window.seen = [];
    window.pressed = 0;
    const wall = () => performance.timeOrigin + performance.now();
    window.addEventListener('keydown', e => { if (e.key === 'Enter') window.pressed = performance.timeOrigin + e.timeStamp; }, true);
    new MutationObserver(() => {
      if (window.pressed === 0) return;
      const ghost = document.querySelector('.monaco-editor .ghost-text-decoration, .monaco-editor .ghost-text-decoration-preview');
      if (!ghost || ghost.textContent.trim() === '') return;
      window.seen.push({ pressed: window.pressed, drawn: wall() });
      window.pressed = 0;
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  // The Lean that verifies starts with the first question; that is told apart.
  const asked = performance.now();
  await c.window.cursorTo(1, 1);
  await c.window.keys('End', 'Enter');
  await c.window.waitForGhost();
  const first = performance.now() - asked;
  await c.window.keys('Escape', 'Control+z');
  await c.window.waitForStatus(/Ready/);
  const seen = [];
  let unanswered = 0;
  const before = processorTimes();
  const began = Date.now();
  for (let i = 0; i < count; i++) {
    // From the last to the first, so that a taken line moves no other.
    await c.window.cursorTo(2 * (count - 1 - i) + 1, 1);
    await c.window.keys('End');
    await c.page().waitForTimeout(500);
    if (settle) await c.window.waitForStatus(/Ready/);
    await c.window.keys('Escape');
    await c.page().evaluate(() => {
      window.seen = [];
      window.pressed = 0;
    });
    await c.window.keys('Enter');
    try {
      seen.push(await until('a time', () => c.page().evaluate(() => window.seen.splice(0)[0]), 20_000, 50));
      await c.window.keys('Tab');
    } catch {
      unanswered++;
    }
    await c.page().waitForTimeout(300);
  }
  const shares = compare(before, processorTimes());
  const times = seen.map(s => s.drawn - s.pressed).sort((a, b) => a - b);
  const figures = { keystrokes: count, unanswered, median_ms: ms(at(times, 0.5)), p95_ms: ms(at(times, 0.95)), min_ms: ms(times[0]), max_ms: ms(times.at(-1)), first_ms: ms(first) };
  console.log(`        ${JSON.stringify(figures)}`);
  if (!taps) return;
  const messages = fs.readFileSync(taps, 'utf8').trim().split('\n').map(l => JSON.parse(l));
  console.log(table(['hop', 'median ms', 'p95 ms'], hops(seen, messages)));
  console.log(table(['the editor asks', 'times', 'median ms', 'p95 ms'], questions(messages.filter(m => m.at >= began))));
  console.log(table(['processor time', 's', 'of all that was used'], shares));
}

/** What passes between a key and its ghost text, one row a hop: each from the row before. */
function hops(seen, messages) {
  const names = [
    'VS Code: the key → the change reaches the program',
    'extension: → the question for the goal reaches it',
    "the editor's Lean: → the goal's answer leaves it",
    'program and verifying Lean: → the first suggestion leaves it',
    'VS Code and extension: → drawn',
  ];
  const rounds = seen.map(({ pressed, drawn }) => {
    const between = messages.filter(m => m.at >= pressed && m.at <= drawn);
    const asked = between.filter(m => m.method === '$/lean/plainGoal');
    const times = [
      pressed,
      between.find(m => m.method === 'textDocument/didChange')?.at,
      asked[0]?.at,
      between.find(m => m.from === 'program' && !m.method && !m.failed && asked.some(a => a.id === m.id))?.at,
      between.find(m => m.method === '$/leanCopilot/suggestions' && m.suggestions > 0)?.at,
      drawn,
    ];
    return times.slice(1).map((t, i) => t - times[i]);
  });
  return [...names, 'all of it'].map((name, i) => {
    const times = i < names.length ? rounds.map(r => r[i]) : seen.map(s => s.drawn - s.pressed);
    return [name, ...medians(times)];
  });
}

/** What the editor asks most, and how long the answers take. */
function questions(messages) {
  const byMethod = Map.groupBy(messages.filter(m => m.from === 'editor' && m.method && m.id !== undefined), m => m.method);
  const answers = new Map(messages.filter(m => m.from === 'program' && !m.method).map(m => [m.id, m.at]));
  const rows = [...byMethod].map(([name, asked]) => [name, asked.length, ...medians(asked.map(a => answers.get(a.id) - a.at))]);
  return rows.sort((a, b) => b[1] - a[1]);
}

/** The median and the 95th percentile, in milliseconds, of those that are known. */
function medians(times) {
  const sorted = times.filter(t => !Number.isNaN(t)).sort((a, b) => a - b);
  return [ms(at(sorted, 0.5)) ?? '–', ms(at(sorted, 0.95)) ?? '–'];
}

/** Who used the processors between two looks. */
function compare(before, after) {
  const machine = after.machine - before.machine;
  const rows = Object.entries(after.times).map(([name, time]) => [name, time - (before.times[name] ?? 0)]);
  rows.push(['others on this machine', machine - rows.reduce((sum, [, time]) => sum + time, 0)]);
  rows.sort((a, b) => b[1] - a[1]);
  const share = (time, of) => `${Math.round((100 * time) / of)} %`;
  return [
    ...rows.map(([name, time]) => [name, (time / 1000).toFixed(1), share(time, machine)]),
    ['all, of what the processors could give', (machine / 1000).toFixed(1), share(machine, after.possible - before.possible)],
  ];
}

function table(heads, rows) {
  const widths = heads.map((h, i) => Math.max(h.length, ...rows.map(r => String(r[i]).length)));
  const line = cells => `        ${cells.map((c, i) => (i === 0 ? String(c).padEnd(widths[i]) : String(c).padStart(widths[i]))).join('  ')}`;
  return [heads, ...rows].map(line).join('\n');
}
