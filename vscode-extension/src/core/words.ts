// How things are said: effects, sources, times, states. Pure.

import type { Source, StatusParams, Suggestion, VerdictKind } from '../protocol';

/** What a suggestion does. */
export function effectWords(suggestion: Pick<Suggestion, 'verdict'>): string {
  const { completes, kind, goals } = suggestion.verdict;
  if (completes) return 'completes the proof';
  if (kind === 'closes' && goals.length === 0) return 'closes the goal';
  const left = goals.length === 1 ? '1 goal left' : `${goals.length} goals left`;
  return kind === 'closes' ? `closes the goal, ${left}` : left;
}

const sources: Record<Source, string> = {
  policy: 'model',
  portfolio: 'standard tactic',
  lean: "Lean's search",
  neighbours: 'similar goal',
  scope: 'names in scope',
};

/** Where a candidate came from. */
export function sourceWords(source: Source): string {
  // A newer sidecar may know a source that this extension does not.
  return (sources as Partial<Record<string, string>>)[source] ?? source;
}

/** The model's probability of a whole tactic, as a percentage. */
export function confidenceWords(logProb: number | null): string | undefined {
  if (logProb === null) return undefined;
  const percent = 100 * Math.exp(logProb);
  return percent < 1 ? '< 1 %' : `${Math.round(percent)} %`;
}

/** A duration in milliseconds. */
export function timeWords(ms: number): string {
  return ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

const answers: Record<VerdictKind, string> = {
  closes: 'closes the goal',
  progress: 'goals left',
  no_progress: 'changes nothing',
  breaks_rest: 'works here, but breaks what follows',
  error: 'refused by Lean',
  timeout: 'no answer in time',
};

/** Lean's answer to a candidate. */
export function verdictWords(kind: VerdictKind): string {
  return (answers as Partial<Record<string, string>>)[kind] ?? kind;
}

/** A number of bytes. */
export function byteWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit] ?? ''}`;
}

/** What the extension knows about the sidecar. */
export type State =
  /** Nothing runs, and why. */
  | { kind: 'off'; reason: 'untrusted' | 'noBinary' | 'notInFront' | 'stopped' | 'idle'; message: string }
  | { kind: 'starting' }
  | { kind: 'running'; status: StatusParams };

/** What the status bar says. */
export interface StatusWords {
  text: string;
  /** Lines of the tooltip. */
  lines: string[];
  severity: 'none' | 'warning' | 'error';
}

/** The status bar's words for a state. */
export function statusWords(state: State): StatusWords {
  if (state.kind === 'off') {
    const quiet = state.reason === 'idle' || state.reason === 'untrusted';
    const icon = quiet ? 'circle-slash' : 'error';
    return { text: `$(${icon}) tactics`, lines: [state.message], severity: quiet ? 'none' : 'error' };
  }
  if (state.kind === 'starting') {
    return { text: '$(loading~spin) tactics', lines: ['Starting Lean'], severity: 'none' };
  }
  const s = state.status;
  const icon = {
    ready: 'sparkle',
    thinking: 'loading~spin',
    checking: 'beaker',
    paused: 'debug-pause',
    degraded: 'warning',
  }[s.state] as string | undefined;
  const said = {
    ready: 'Ready',
    thinking: 'Looking for tactics',
    checking: 'Lean is checking tactics',
    paused: 'Paused: suggestions come when you ask for them',
    degraded: 'A part is missing; the rest works',
  }[s.state] as string | undefined;
  const lines = [said ?? s.state];
  if (s.message) lines.push(s.message);
  if (s.remedy) lines.push(`Remedy: ${s.remedy}`);
  lines.push(`Lean: ${s.lean || 'none'}`, `Model: ${s.bundle ?? 'not loaded yet'}`, `Runs on: ${s.device || 'not loaded yet'}`);
  return { text: `$(${icon ?? 'question'}) tactics`, lines, severity: s.state === 'degraded' ? 'warning' : 'none' };
}
