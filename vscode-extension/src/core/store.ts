// The suggestions of every open document: the latest round of each, what was refused, what was shown.

import type { Position } from 'vscode-languageserver-protocol';

import type { Goal, Suggestion, Tried } from '../protocol';

/** A place in one version of a document. */
export interface Place {
  /** The document, in the form of the editor. */
  uri: string;
  /** The version for which positions and edits hold. */
  version: number;
  position: Position;
}

/** What is known of a place. */
export interface Round extends Place {
  goal: Goal | null;
  /** Verified, best first, without the refused ones. */
  suggestions: Suggestion[];
  /** How many candidates are still being checked; 0 when the round is over. */
  pending: number;
  /** What Lean refused; undefined until somebody asked. */
  tried: Tried[] | undefined;
}

/** Where the latest round of each document is kept. Pure: who wants to know of changes passes `changed`. */
export class SuggestionStore {
  private readonly rounds = new Map<string, Round>();
  private readonly refused = new Set<string>();
  private readonly seen = new Set<string>();

  constructor(private readonly changed: (round: Round) => void) {}

  /**
   * Takes news of a place. News of an older version than the one that is known are dropped: they came late.
   * `version` is the document's version now; undefined where it is not open.
   */
  put(news: Omit<Round, 'tried'> & { tried?: Tried[] }, version: number | undefined): void {
    if (version !== undefined && news.version < version) return;
    const known = this.rounds.get(news.uri);
    if (known && known.version > news.version) return;
    const tried = news.tried ?? (known && samePlace(known, news) ? known.tried : undefined);
    const round = { ...news, tried, suggestions: news.suggestions.filter(s => !this.refused.has(s.id)) };
    this.rounds.set(news.uri, round);
    this.changed(round);
  }

  /** The round of a place, if what is known holds there: same version, same line or an edit that touches it. */
  at(place: Place): Round | undefined {
    const round = this.rounds.get(place.uri);
    if (round?.version !== place.version) return undefined;
    const { line } = place.position;
    const near =
      round.position.line === line ||
      round.suggestions.some(s => s.edit.range.start.line <= line && line <= s.edit.range.end.line);
    return near ? round : undefined;
  }

  /** The latest round of a document. */
  of(uri: string): Round | undefined {
    return this.rounds.get(uri);
  }

  /** The suggestion of an id, with its round, while it can still be inserted. */
  find(id: string): { round: Round; suggestion: Suggestion } | undefined {
    for (const round of this.rounds.values()) {
      const suggestion = round.suggestions.find(s => s.id === id);
      if (suggestion) return { round, suggestion };
    }
    return undefined;
  }

  /** Takes a suggestion off the list for good. */
  refuse(id: string): void {
    this.refused.add(id);
    const found = this.find(id);
    if (!found) return;
    const round = { ...found.round, suggestions: found.round.suggestions.filter(s => s.id !== id) };
    this.rounds.set(round.uri, round);
    this.changed(round);
  }

  /** Whether a suggestion is seen for the first time: it is then to be reported as shown. */
  firstSight(id: string): boolean {
    if (this.seen.has(id)) return false;
    this.seen.add(id);
    return true;
  }

  /** The document changed or is gone: its suggestions hold no more. */
  forget(uri: string): void {
    const round = this.rounds.get(uri);
    if (!round) return;
    this.rounds.delete(uri);
    this.changed({ ...round, goal: null, suggestions: [], pending: 0, tried: undefined });
  }
}

/** Whether two places are the same one. */
export function samePlace(a: Place, b: Place): boolean {
  return (
    a.uri === b.uri &&
    a.version === b.version &&
    a.position.line === b.position.line &&
    a.position.character === b.position.character
  );
}

/** How much a suggestion settles: 3 the declaration, 2 the goal, 1 progress. */
export function effect(suggestion: Suggestion): number {
  if (suggestion.verdict.completes) return 3;
  return suggestion.verdict.kind === 'closes' ? 2 : 1;
}
