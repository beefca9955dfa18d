import assert from 'node:assert/strict';
import { test } from 'node:test';

import { continued, ghostOf, isTacticPosition, partTaken, shown } from '../src/core/ghost';

const range = (from: number, to: number, line = 1) => ({ start: { line, character: from }, end: { line, character: to } });
const at = (character: number, line = 1) => ({ line, character });

test('an empty tactic position has nothing behind the cursor and an opener or space before it', () => {
  for (const line of ['', '  ', 'theorem a : p := by', 'theorem a : p := by ', '  · ', '  | inl h =>', '  constructor <;> ']) {
    assert.ok(isTacticPosition(line, line.length), JSON.stringify(line));
  }
  for (const [line, character] of [['  exact h', 9], ['  ', -1], ['standby', 7], ['  exact h', 2], ['-- \\al', 6]] as const) {
    if (character >= 0) assert.ok(!isTacticPosition(line, character), line);
  }
});

test('a blank line keeps its indentation as the beginning of what is inserted', () => {
  const edit = { range: range(0, 2), newText: '  exact h' };
  assert.deepEqual(ghostOf(edit, '  ', at(2)), { insertText: '  exact h', range: range(0, 2) });
  assert.equal(ghostOf(edit, '  ', at(0)), undefined, 'the cursor stands before the indentation');
});

test('behind `by` a line of its own is inserted, space at the end of the line or not', () => {
  const edit = { range: range(19, 20), newText: '\n  rfl' };
  assert.deepEqual(ghostOf(edit, 'theorem a : p := by ', at(20)), { insertText: '\n  rfl', range: range(20, 20) });
  const exact = { range: range(19, 19), newText: '\n  rfl' };
  assert.deepEqual(ghostOf(exact, 'theorem a : p := by', at(19)), { insertText: '\n  rfl', range: range(19, 19) });
});

test('what stands in place of text is no ghost text', () => {
  assert.equal(ghostOf({ range: range(2, 7), newText: 'rfl' }, '  sorry', at(7)), undefined);
  assert.equal(ghostOf({ range: range(0, 2, 3), newText: '  rfl' }, '  ', at(2)), undefined, 'another line');
});

const before = shown('u', 'a\n  \nb', 4, at(2), [
  { id: '1', insertText: '  exact h', range: range(0, 2) },
  { id: '2', insertText: '  rfl', range: range(0, 2) },
]);

test('typing along a ghost text leaves the rest of it', () => {
  assert.deepEqual(continued(before, 'u', 'a\n  exa\nb', 7), [{ id: '1', text: 'ct h' }]);
  assert.deepEqual(continued(before, 'u', 'a\n  r\nb', 5), [{ id: '2', text: 'fl' }]);
});

test('another change leaves nothing', () => {
  assert.deepEqual(continued(before, 'u', 'a\n  exa\nB', 7), [], 'a change elsewhere');
  assert.deepEqual(continued(before, 'u', 'a\n  simp\nb', 8), [], 'other text');
  assert.deepEqual(continued(before, 'v', 'a\n  exa\nb', 7), [], 'another document');
  assert.deepEqual(continued(before, 'u', 'a\n  exact h\nb', 11), [], 'all of it');
});

test('a word at once is a part taken, a key is not', () => {
  assert.equal(partTaken(before, 4, 0, 'exact'), '1');
  assert.equal(partTaken(before, 4, 0, 'e'), undefined);
  assert.equal(partTaken(before, 4, 0, 'exact h'), undefined, 'all of it is no part');
  assert.equal(partTaken(before, 3, 0, 'exact'), undefined, 'another place');
  assert.equal(partTaken(before, 4, 1, 'exact'), undefined, 'something was replaced');
});
