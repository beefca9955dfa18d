// The panel's page: goals, verified suggestions, what failed. Keyboard first.

import type { FromPanel, PanelState, ToPanel } from '../core/messages';
import { confidenceWords, effectWords, sourceWords, timeWords, verdictWords } from '../core/words';
import type { Suggestion, Tried } from '../protocol';
import { byId, element } from './dom';
import { changedGoal, printedGoal } from './goal';
import { listen, post } from './host';

const send: (message: FromPanel) => void = post;
const root = byId('root');

let state: PanelState | undefined;
let selected: string | undefined;
/** Whether the person chose it; until then the best one is selected. */
let chosen = false;
let refusing: string | undefined;
let triedOpen = false;
let wantsFocus = false;

function effectClass(s: Suggestion): string {
  if (s.verdict.completes) return 'completes';
  return s.verdict.kind === 'closes' ? 'closes' : 'progress';
}

function draw(): void {
  if (!state) return;
  const had = document.activeElement;
  const inList = had instanceof HTMLElement && had.closest('[role=listbox]') !== null;
  const reason = had instanceof HTMLInputElement ? { value: had.value, at: had.selectionStart } : undefined;
  if (state.empty) {
    const { message, action } = state.empty;
    const button = action && element('button', { onclick: () => send({ kind: 'command', command: action.command }) }, action.label);
    root.replaceChildren(element('p', { class: 'empty' }, message), button ?? '');
    return;
  }
  if (!chosen || !state.suggestions.some(s => s.id === selected)) {
    selected = state.suggestions[0]?.id;
    chosen = false;
  }
  if (!state.suggestions.some(s => s.id === refusing)) refusing = undefined;
  root.replaceChildren(...[goals(state), heading(state), list(state), tried(state)].filter(e => e !== undefined));
  if (reason && refusing !== undefined) {
    const input = root.querySelector('input');
    if (input) {
      input.value = reason.value;
      input.focus();
      input.setSelectionRange(reason.at, reason.at);
    }
  } else if (inList || wantsFocus) {
    focusSelected();
  }
}

function goals(s: PanelState): HTMLElement | undefined {
  if (!s.goals) return undefined;
  const title = s.goals.length === 0 ? 'No goals' : s.goals.length === 1 ? 'Goal' : `${s.goals.length} goals`;
  const shown = s.goals.slice(0, 1).map(printedGoal);
  const others = s.goals.slice(1).map(printedGoal);
  const more =
    others.length > 0 &&
    element('details', {}, element('summary', {}, others.length === 1 ? '1 more goal' : `${others.length} more goals`), ...others);
  return element('section', { 'aria-label': title }, element('h2', {}, title), ...shown, more);
}

function heading(s: PanelState): HTMLElement {
  const checking = s.pending > 0 && element('span', { class: 'pending' }, s.pending === 1 ? 'checking' : `checking ${s.pending}`);
  return element('h2', { class: 'tactics', id: 'tactics' }, element('span', {}, 'Verified tactics'), checking);
}

function list(s: PanelState): HTMLElement {
  if (s.suggestions.length === 0) {
    const text =
      s.pending > 0
        ? 'Lean is checking candidates.'
        : s.busy
          ? 'Looking for tactics.'
          : s.goals?.length === 0
            ? 'Nothing is left to prove here.'
            : s.paused
              ? 'Suggestions are paused.'
              : s.asked
                ? 'Nothing that Lean accepts was found.'
                : 'No tactics were looked for here yet.';
    const ask =
      s.pending === 0 &&
      !s.busy &&
      s.goals?.length !== 0 &&
      element('button', { onclick: () => send({ kind: 'command', command: 'leanCopilot.suggest' }) }, 'Ask Now');
    return element('div', { class: 'empty' }, element('p', {}, text), ask);
  }
  const options = s.suggestions.map((x, i) => option(s, x, i));
  return element('div', { role: 'listbox', 'aria-labelledby': 'tactics', onkeydown: keys }, ...options);
}

function option(s: PanelState, x: Suggestion, index: number): HTMLElement {
  const isSelected = x.id === selected;
  const effect = effectWords(x);
  const from = x.sources.map(sourceWords).join(', ');
  const sure = confidenceWords(x.log_prob);
  const facts = [from, sure && `${sure} sure`, `checked in ${timeWords(x.verdict.elapsed_ms)}`].filter(t => t !== undefined).join(' · ');
  const label = `${index + 1} of ${s.suggestions.length}: ${x.tactic}, ${effect}, ${facts}. Enter inserts, Delete refuses, C copies.`;
  const button = (name: string, key: string, run: () => void): HTMLElement =>
    element('button', { class: 'quiet', tabindex: -1, title: `${name} (${key})`, 'aria-label': name, onclick: event => { event.stopPropagation(); run(); } }, name);
  const left = x.verdict.goals.slice(0, 4).map(g => changedGoal(s.goal, g));
  return element(
    'div',
    {
      role: 'option',
      id: `s-${x.id}`,
      'data-id': x.id,
      class: `option ${effectClass(x)}`,
      tabindex: isSelected ? 0 : -1,
      'aria-selected': isSelected ? 'true' : 'false',
      'aria-label': label,
      // What is within an option screen readers do not read by themselves.
      'aria-describedby': isSelected && left.length > 0 ? `left-${x.id}` : undefined,
      onclick: () => choose(x.id),
      ondblclick: () => send({ kind: 'insert', id: x.id }),
    },
    element('div', { class: 'head' }, element('code', {}, x.tactic), element('span', { class: 'effect' }, effect)),
    element('div', { class: 'facts' }, facts),
    x.verdict.message && element('div', { class: 'note' }, x.verdict.message),
    isSelected && left.length > 0 && element('div', { class: 'left', id: `left-${x.id}` }, ...left),
    isSelected &&
      element(
        'div',
        { class: 'buttons' },
        element('button', { tabindex: -1, title: 'Insert (Enter)', onclick: event => { event.stopPropagation(); send({ kind: 'insert', id: x.id }); } }, 'Insert'),
        button('Refuse', 'Delete', () => ask(x.id)),
        button('Copy', 'C', () => copy(x.id)),
      ),
    refusing === x.id && reasonForm(x),
  );
}

function reasonForm(x: Suggestion): HTMLElement {
  const input = element('input', { type: 'text', placeholder: 'Why? (optional)', 'aria-label': `Why \`${x.tactic}\` is refused; optional`, maxlength: 500 });
  return element(
    'form',
    {
      class: 'reason',
      onclick: event => event.stopPropagation(),
      onsubmit: event => {
        event.preventDefault();
        refusing = undefined;
        wantsFocus = true;
        send({ kind: 'refuse', id: x.id, reason: input.value });
      },
      onkeydown: event => {
        event.stopPropagation();
        if ((event as KeyboardEvent).key !== 'Escape') return;
        refusing = undefined;
        wantsFocus = true;
        draw();
      },
    },
    input,
    element('button', { type: 'submit' }, 'Refuse'),
  );
}

function tried(s: PanelState): HTMLElement {
  const rows = s.tried?.map(failed) ?? [];
  const count = s.tried ? ` (${s.tried.length})` : '';
  const body = s.tried ? (rows.length > 0 ? rows : [element('p', { class: 'empty' }, 'Nothing was refused.')]) : [element('p', { class: 'empty' }, 'Asking.')];
  return element(
    'details',
    {
      class: 'tried',
      open: triedOpen,
      ontoggle: event => {
        const open = (event.currentTarget as HTMLDetailsElement).open;
        if (open === triedOpen) return;
        triedOpen = open;
        if (open) send({ kind: 'tried' });
      },
    },
    element('summary', {}, `What Lean refused${count}`),
    ...body,
  );
}

function failed(t: Tried): HTMLElement {
  return element(
    'div',
    { class: 'failed' },
    element('div', { class: 'head' }, element('code', {}, t.tactic), element('span', { class: 'effect' }, verdictWords(t.verdict.kind))),
    element('div', { class: 'facts' }, t.sources.map(sourceWords).join(', ')),
    t.verdict.message && element('pre', {}, t.verdict.message),
  );
}

function choose(id: string): void {
  chosen = true;
  if (selected === id) return;
  selected = id;
  wantsFocus = true;
  draw();
}

function ask(id: string): void {
  selected = id;
  chosen = true;
  refusing = id;
  draw();
  root.querySelector('input')?.focus();
}

function copy(id: string): void {
  send({ kind: 'copy', id });
  byId('live').textContent = 'Copied';
}

function focusSelected(): void {
  const target = selected === undefined ? undefined : document.getElementById(`s-${selected}`);
  if (!target) return;
  wantsFocus = false;
  target.focus();
}

function keys(event: Event): void {
  const { key, ctrlKey, metaKey, altKey } = event as KeyboardEvent;
  if (!state || ctrlKey || metaKey || altKey) return;
  const ids = state.suggestions.map(s => s.id);
  const at = ids.indexOf(selected ?? '');
  const digit = /^[1-9]$/.test(key) ? ids[Number(key) - 1] : undefined;
  const moves: Record<string, number> = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: ids.length - 1 };
  const move = moves[key];
  if (move !== undefined) choose(ids[Math.max(0, Math.min(ids.length - 1, move))] ?? '');
  else if (digit !== undefined) send({ kind: 'insert', id: digit });
  else if (key === 'Escape') send({ kind: 'dismiss' });
  else if (selected === undefined) return;
  else if (key === 'Enter' || key === ' ') send({ kind: 'insert', id: selected });
  else if (key === 'Delete' || key === 'Backspace' || key === 'r') ask(selected);
  else if (key === 'c') copy(selected);
  else return;
  event.preventDefault();
}

/** What changed, for screen readers: how many there are, once the round is over. */
function announce(before: PanelState | undefined, now: PanelState): void {
  const over = now.pending === 0 && (before?.pending ?? 0) > 0;
  if (!over) return;
  const best = now.suggestions[0];
  byId('live').textContent = best
    ? `${now.suggestions.length} verified tactics; best: ${best.tactic}, ${effectWords(best)}`
    : 'No tactic was verified';
}

listen(data => {
  const message = data as ToPanel;
  if (message.kind === 'focus') {
    wantsFocus = true;
    focusSelected();
    return;
  }
  const before = state;
  state = message.state;
  if (before?.goal?.text !== state.goal?.text) triedOpen = false;
  draw();
  announce(before, state);
  // An open list of refusals belongs to the round that is shown, whole once the round is over.
  const ended = state.pending === 0 && (before?.pending ?? 0) > 0;
  if (triedOpen && !state.empty && (state.tried === null || ended)) send({ kind: 'tried' });
});
window.addEventListener('blur', () => send({ kind: 'left' }));
send({ kind: 'ready' });
