// What a tactic changed: a goal beside the one before it, hypothesis by hypothesis and word by word.

import type { Goal, Hypothesis } from '../protocol';

/** A piece of text and whether it is new. */
export interface Piece {
  text: string;
  changed: boolean;
}

/** A line of a goal. */
export interface Line {
  /** The names of a hypothesis, new ones marked; empty for the target. */
  names: Piece[];
  /** The type, or the target. */
  type: Piece[];
  value: Piece[] | undefined;
}

/** A goal with what is new in it. */
export interface GoalDiff {
  case: string | null;
  hypotheses: Line[];
  target: Piece[];
  /** Names that are gone. */
  gone: string[];
}

/** Longest texts that are compared word by word; longer ones are new or old as a whole. */
const LONGEST = 400;

/** Words, space and single signs, so that nothing is lost when they are joined. */
export function words(text: string): string[] {
  return text.match(/\s+|[\p{L}\p{N}_.'✝]+|[^\s\p{L}\p{N}_.'✝]/gu) ?? [];
}

/** The words of `after`, those marked that are not in `before` at their place. */
export function diffWords(before: string, after: string): Piece[] {
  const a = words(before);
  const b = words(after);
  if (before === after) return [{ text: after, changed: false }];
  if (a.length > LONGEST || b.length > LONGEST) return [{ text: after, changed: true }];
  // Longest common subsequence; `length[i][j]` is that of a[i..] and b[j..].
  const length = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  const at = (i: number, j: number): number => length[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = length[i];
      if (row) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pieces: Piece[] = [];
  const push = (text: string, changed: boolean): void => {
    const last = pieces.at(-1);
    if (last?.changed === changed) last.text += text;
    else pieces.push({ text, changed });
  };
  for (let i = 0, j = 0; j < b.length; ) {
    if (i < a.length && a[i] === b[j]) {
      push(b[j] ?? '', false);
      i++;
      j++;
    } else if (i < a.length && at(i + 1, j) >= at(i, j + 1)) {
      i++;
    } else {
      push(b[j] ?? '', true);
      j++;
    }
  }
  return pieces;
}

/** A goal beside the one before the tactic. */
export function diffGoal(before: Goal | null, after: Goal): GoalDiff {
  const known = new Map<string, Hypothesis>();
  for (const h of before?.hypotheses ?? []) for (const name of h.names) known.set(name, h);
  const left = new Set(after.hypotheses.flatMap(h => h.names));
  const line = (h: Hypothesis): Line => {
    const old = h.names.map(n => known.get(n)).find(k => k !== undefined);
    const names = h.names.map(text => ({ text, changed: before !== null && !known.has(text) }));
    const compare = (was: string | null | undefined, is: string): Piece[] =>
      before === null ? [{ text: is, changed: false }] : diffWords(was ?? '', is);
    return {
      names,
      type: old || before === null ? compare(old?.type, h.type) : [{ text: h.type, changed: true }],
      value: h.value === null ? undefined : compare(old?.value, h.value),
    };
  };
  return {
    case: after.case,
    hypotheses: after.hypotheses.map(line),
    target: before === null ? [{ text: after.target, changed: false }] : diffWords(before.target, after.target),
    gone: [...known.keys()].filter(name => !left.has(name)),
  };
}
