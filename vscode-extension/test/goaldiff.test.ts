import assert from 'node:assert/strict';
import { test } from 'node:test';

import { diffGoal, diffWords, words } from '../src/core/goaldiff';
import { goal } from './make';

const marked = (pieces: { text: string; changed: boolean }[]) => pieces.map(p => (p.changed ? `[${p.text}]` : p.text)).join('');

test('words lose nothing', () => {
  const text = 'a✝.1 + f (x_1  :=  ℕ) ≤ “β”';
  assert.equal(words(text).join(''), text);
});

test('only the new words of a target are marked', () => {
  assert.equal(marked(diffWords('n + 0 = n', 'n = n')), 'n = n');
  assert.equal(marked(diffWords('p ∧ q', 'p')), 'p');
  assert.equal(marked(diffWords('a = c', 'b = c')), '[b] = c');
  assert.equal(marked(diffWords('x', 'x')), 'x');
});

test('all text is there, marked or not', () => {
  const [a, b] = ['f (x + y) = z', 'f (y + x) * 1 = z'];
  assert.equal(diffWords(a, b).map(p => p.text).join(''), b);
});

test('new hypotheses, changed types and lost names are told apart', () => {
  const diff = diffGoal(goal('p q : Prop\nh : p ∧ q\n⊢ q'), goal('p q : Prop\nhp : p\nh : q\n⊢ q'));
  assert.deepEqual(diff.hypotheses.map(h => h.names.map(n => n.changed)), [[false, false], [true], [false]]);
  assert.equal(marked(diff.hypotheses[1]!.type), '[p]');
  assert.equal(marked(diff.hypotheses[0]!.type), 'Prop');
  assert.equal(marked(diff.target), 'q');
  assert.deepEqual(diff.gone, []);
  assert.deepEqual(diffGoal(goal('n : Nat\nh : p\n⊢ q'), goal('n : Nat\n⊢ q')).gone, ['h']);
});

test('without a goal before nothing is marked', () => {
  const diff = diffGoal(null, goal('h : p\n⊢ q'));
  assert.ok(!diff.hypotheses[0]!.names[0]!.changed && !diff.target.some(p => p.changed));
});
