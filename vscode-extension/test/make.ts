// Plain values for tests.

import type { Goal, Recorded, Suggestion } from '../src/protocol';

export function goal(text: string): Goal {
  const lines = text.split('\n');
  const hypotheses = lines
    .filter(l => l.includes(' : ') && !l.startsWith('⊢'))
    .map(l => {
      const [names, type] = l.split(' : ') as [string, string];
      return { names: names.split(' '), type, value: null };
    });
  return { case: null, hypotheses, target: lines.at(-1)!.replace('⊢ ', ''), text };
}

export function suggestion(id: string, tactic: string, more: Partial<Suggestion> = {}): Suggestion {
  const at = { line: 1, character: 2 };
  return {
    id,
    tactic,
    source: 'policy',
    sources: ['policy'],
    log_prob: -1,
    verdict: { kind: 'closes', completes: true, goals: [], message: null, elapsed_ms: 12 },
    edit: { range: { start: at, end: at }, newText: tactic },
    ...more,
  };
}

export function recorded(id: string, time: number, outcomes: [string, string | null][], offers = 1): Recorded {
  const candidates = Array.from({ length: offers + 1 }, (_, i) => ({
    tactic: `t${i}`,
    source: i === 0 ? ('policy' as const) : ('lean' as const),
    sources: [],
    log_prob: null,
    rank: i,
    verdict: null,
    suggestion: i < offers ? `${id}-${i}` : null,
  }));
  return {
    id,
    format: 1,
    time_ms: time,
    project: '/p',
    uri: 'file:///p/A.lean',
    version: 1,
    declaration: 'a',
    line: 3,
    column: 1,
    goal: goal('⊢ p'),
    goals: [],
    goal_key: '',
    document_sha256: '',
    header_sha256: '',
    lean: '',
    bundle: null,
    candidates,
    outcomes: outcomes.map(([kind, suggested]) => ({
      round: id,
      suggestion: suggested,
      kind: kind as Recorded['outcomes'][number]['kind'],
      time_ms: time,
      reason: null,
      tactic: null,
      evidence: 'reported' as const,
      shown: true,
    })),
  };
}
