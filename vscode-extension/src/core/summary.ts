// What was recorded, counted for people. Pure.

import type { OutcomeKind, Recorded, Source } from '../protocol';

/** What became of a suggestion or a round, at its end. */
const agreed: readonly OutcomeKind[] = ['accepted', 'accepted_part', 'typed_same'];
const refused: readonly OutcomeKind[] = ['rejected', 'undone', 'dismissed', 'ignored', 'typed_other'];

/** Counts of a day. */
export interface Day {
  /** The day's start in milliseconds since 1970, local time. */
  start: number;
  /** Rounds in which something verified was there to take. */
  offered: number;
  /** Of these, those in which a suggestion was taken and not taken back. */
  accepted: number;
}

/** Counts of a source. */
export interface BySource {
  source: Source;
  tried: number;
  verified: number;
  accepted: number;
  /** Taken, and taken back. */
  undone: number;
  rejected: number;
}

/** A row of the list. */
export interface Row {
  id: string;
  time: number;
  file: string;
  line: number;
  declaration: string | null;
  goal: string;
  /** The taken suggestion's text, else the best one's. */
  tactic: string | null;
  outcomes: OutcomeKind[];
  tried: number;
  verified: number;
}

/** All of it. */
export interface Summary {
  rounds: number;
  verified: number;
  tried: number;
  accepted: number;
  /** Taken, and taken back. */
  undone: number;
  rejected: number;
  days: Day[];
  sources: BySource[];
  rows: Row[];
}

/** Whether a person took a suggestion of a round and left it. */
function taken(r: Recorded): boolean {
  return r.outcomes.some(o => agreed.includes(o.kind)) && !r.outcomes.some(o => o.kind === 'undone');
}

/** The start of a time's day. */
export function dayOf(time: number): number {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Counts rounds, newest first as the sidecar lists them; `shownRows` of them become rows. */
export function summarise(rounds: readonly Recorded[], shownRows: number): Summary {
  const days = new Map<number, Day>();
  const sources = new Map<Source, BySource>();
  const total = { rounds: rounds.length, verified: 0, tried: 0, accepted: 0, undone: 0, rejected: 0 };
  for (const r of rounds) {
    const offered = r.candidates.filter(c => c.suggestion !== null);
    const start = dayOf(r.time_ms);
    const day = days.get(start) ?? { start, offered: 0, accepted: 0 };
    if (offered.length > 0) {
      day.offered++;
      if (taken(r)) day.accepted++;
    }
    days.set(start, day);
    total.tried += r.candidates.length;
    total.verified += offered.length;
    for (const o of r.outcomes) {
      if (o.kind === 'accepted' || o.kind === 'accepted_part') total.accepted++;
      if (o.kind === 'undone') total.undone++;
      if (o.kind === 'rejected') total.rejected++;
    }
    for (const c of r.candidates) {
      const by = sources.get(c.source) ?? { source: c.source, tried: 0, verified: 0, accepted: 0, undone: 0, rejected: 0 };
      by.tried++;
      if (c.suggestion !== null) by.verified++;
      const own = r.outcomes.filter(o => c.suggestion !== null && o.suggestion === c.suggestion).map(o => o.kind);
      if (own.some(k => agreed.includes(k))) by.accepted++;
      if (own.includes('undone')) by.undone++;
      if (own.includes('rejected')) by.rejected++;
      sources.set(c.source, by);
    }
  }
  return {
    ...total,
    days: [...days.values()].sort((a, b) => a.start - b.start),
    sources: [...sources.values()].sort((a, b) => b.verified - a.verified),
    rows: rounds.slice(0, shownRows).map(row),
  };
}

function row(r: Recorded): Row {
  const offered = r.candidates.filter(c => c.suggestion !== null);
  const chosen = r.outcomes.find(o => agreed.includes(o.kind) && o.suggestion !== null)?.suggestion;
  const tactic = offered.find(c => c.suggestion === chosen) ?? offered[0];
  return {
    id: r.id,
    time: r.time_ms,
    file: r.uri.split('/').at(-1) ?? r.uri,
    line: r.line,
    declaration: r.declaration,
    goal: r.goal.target,
    tactic: tactic?.tactic ?? null,
    outcomes: [...new Set(r.outcomes.map(o => o.kind))],
    tried: r.candidates.length,
    verified: offered.length,
  };
}

const outcomeNames: Record<OutcomeKind, string> = {
  accepted: 'taken',
  accepted_part: 'taken in part',
  typed_same: 'typed by hand',
  typed_other: 'typed another',
  rejected: 'refused',
  dismissed: 'closed',
  ignored: 'left',
  undone: 'undone',
  kept: 'kept',
};

/** An outcome in words. */
export function outcomeWords(kind: OutcomeKind): string {
  return (outcomeNames as Partial<Record<string, string>>)[kind] ?? kind;
}

/** How an outcome speaks of the suggestion: 1 for it, -1 against it, 0 neither. */
export function leaning(kind: OutcomeKind): number {
  if (agreed.includes(kind) || kind === 'kept') return 1;
  return refused.includes(kind) && kind !== 'ignored' && kind !== 'typed_other' ? -1 : 0;
}
