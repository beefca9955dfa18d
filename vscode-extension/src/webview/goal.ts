// Goals as elements: as Lean prints them, or beside the goal before with what changed marked.

import { diffGoal, type Line, type Piece } from '../core/goaldiff';
import type { Goal } from '../protocol';
import { element } from './dom';

/** A goal as Lean prints it, its parts told apart by colour. */
export function printedGoal(text: string): HTMLElement {
  const lines = text.split('\n').map(line => {
    const parts = /^(case )(.*)$/.exec(line) ?? /^(⊢ ?)(.*)$/s.exec(line);
    if (parts) {
      const isCase = line.startsWith('case');
      return element('div', { class: isCase ? 'case' : 'target' }, element('span', { class: 'sign' }, parts[1] ?? ''), parts[2] ?? '');
    }
    const colon = line.startsWith(' ') ? -1 : line.indexOf(' : ');
    if (colon < 0) return element('div', {}, line || ' ');
    return element('div', {}, element('span', { class: 'names' }, line.slice(0, colon)), line.slice(colon));
  });
  return element('div', { class: 'goal' }, ...lines);
}

/** A goal that a tactic leaves, beside the one before it. */
export function changedGoal(before: Goal | null, after: Goal): HTMLElement {
  const diff = diffGoal(before, after);
  return element(
    'div',
    { class: 'goal' },
    diff.case !== null && element('div', { class: 'case' }, element('span', { class: 'sign' }, 'case '), diff.case),
    ...diff.hypotheses.map(hypothesis),
    diff.gone.length > 0 &&
      element('div', { class: 'gone' }, element('span', { class: 'visually-hidden' }, 'gone: '), ...gone(diff.gone)),
    element('div', { class: 'target' }, element('span', { class: 'sign' }, '⊢ '), ...pieces(diff.target)),
  );
}

function hypothesis(line: Line): HTMLElement {
  const names = line.names.flatMap((n, i) => [i > 0 ? ' ' : '', mark(n)]);
  const value = line.value ? [' := ', ...pieces(line.value)] : [];
  return element('div', {}, element('span', { class: 'names' }, ...names), ' : ', ...pieces(line.type), ...value);
}

function gone(names: string[]): (Node | string)[] {
  return names.flatMap((name, i) => [i > 0 ? ' ' : '', element('del', {}, name)]);
}

function pieces(list: Piece[]): (Node | string)[] {
  return list.map(mark);
}

/** New text is marked by an element of its own, which screen readers can tell, not by colour alone. */
function mark(piece: Piece): Node | string {
  return piece.changed ? element('ins', {}, piece.text) : piece.text;
}
