import assert from 'node:assert/strict';
import { test } from 'node:test';

import { acceptancePlot, type Node } from '../src/core/plot';
import { dayOf, leaning, summarise } from '../src/core/summary';
import { recorded } from './make';

const day = (n: number) => new Date(2026, 0, n, 12).getTime();

const rounds = [
  recorded('c', day(3), [['accepted', 'c-0'], ['undone', 'c-0']]),
  recorded('b', day(2), [['accepted', 'b-1'], ['kept', 'b-1']], 2),
  recorded('a', day(2), [['rejected', 'a-0']]),
  recorded('z', day(1), [], 0),
];

test('days count what was offered and what was taken and left', () => {
  const { days, accepted, undone, rejected, verified, tried } = summarise(rounds, 10);
  assert.deepEqual(days, [
    { start: dayOf(day(1)), offered: 0, accepted: 0 },
    { start: dayOf(day(2)), offered: 2, accepted: 1 },
    { start: dayOf(day(3)), offered: 1, accepted: 0 },
  ]);
  assert.deepEqual({ accepted, undone, rejected, verified, tried }, { accepted: 2, undone: 1, rejected: 1, verified: 4, tried: 8 });
});

test('sources get their own outcomes', () => {
  const { sources } = summarise(rounds, 10);
  assert.deepEqual(sources.find(s => s.source === 'policy'), { source: 'policy', tried: 4, verified: 3, accepted: 1, undone: 1, rejected: 1 });
  assert.deepEqual(sources.find(s => s.source === 'lean'), { source: 'lean', tried: 4, verified: 1, accepted: 1, undone: 0, rejected: 0 });
});

test('a row shows the taken tactic, else the best', () => {
  const { rows } = summarise(rounds, 3);
  assert.deepEqual(rows.map(r => [r.id, r.tactic]), [['c', 't0'], ['b', 't1'], ['a', 't0']]);
  assert.equal(summarise([rounds[3]!], 1).rows[0]?.tactic, null);
});

test('outcomes lean for, against, or neither', () => {
  assert.deepEqual((['kept', 'rejected', 'ignored'] as const).map(leaning), [1, -1, 0]);
});

function all(node: Node, name: string): Node[] {
  const inside = node.children.flatMap(c => (typeof c === 'string' ? [] : all(c, name)));
  return node.name === name ? [node, ...inside] : inside;
}

test('the plot has a point for each day with offers, higher for a larger share', () => {
  const { days } = summarise(rounds, 0);
  const plot = acceptancePlot(days, 'en');
  const points = all(plot, 'circle');
  assert.equal(points.length, 2);
  assert.ok(Number(points[0]!.attributes.cy) < Number(points[1]!.attributes.cy));
  assert.equal(all(plot, 'path').length, 1);
  assert.match(plot.attributes['aria-label'] ?? '', /50 %, 0 %/);
  for (const node of [...points, ...all(plot, 'text')]) {
    for (const value of Object.values(node.attributes)) assert.doesNotMatch(value, /NaN|Infinity/);
  }
});

test('one day, or none, is drawn as well', () => {
  const one = acceptancePlot([{ start: day(1), offered: 4, accepted: 4 }]);
  assert.equal(all(one, 'circle').length, 1);
  assert.equal(all(one, 'path').length, 0);
  assert.equal(all(acceptancePlot([]), 'circle').length, 0);
});
