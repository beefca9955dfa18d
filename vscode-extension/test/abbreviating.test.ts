import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AbbreviationProvider } from '@leanprover/unicode-input';

import { Abbreviating } from '../src/core/abbreviating';

const symbols = new AbbreviationProvider({ abbreviationCharacter: '\\', customTranslations: {}, eagerReplacementEnabled: true });

/** Types a text key by key; `lag` keys pass before an edit of ours gets through, as long as nobody types meanwhile. */
function typed(keys: string, lag: number, text = ''): string {
  const a = new Abbreviating(symbols);
  let refused = 0;
  const change = (offset: number, removed: number, inserted: string): void => {
    text = text.slice(0, offset) + inserted + text.slice(offset + removed);
    a.changed([{ offset, removed, text: inserted }]);
  };
  const replace = (): void => {
    const [first] = a.due;
    if (!first) return;
    change(first.start, first.end - first.start, first.text);
    a.forget([first]);
  };
  for (const key of keys) {
    change(text.length, 0, key);
    a.selected([text.length]);
    if (a.due.length > 0 && refused++ >= lag) {
      replace();
      refused = 0;
    }
  }
  while (a.due.length > 0) replace();
  return text;
}

test('abbreviations become symbols, however late the edits get through', () => {
  for (const lag of [0, 1, 3, 7, 100]) {
    assert.equal(typed('\\alpha \\to \\lambda x, \\beta ', lag), 'α → λ x, β ', `${lag} keys late`);
    assert.equal(typed('h \\and k\\or\\not p ', lag), 'h ∧ k∨¬ p ', `${lag} keys late`);
  }
});

test('a symbol stands at once where nothing longer can come, else at the next sign', () => {
  const a = new Abbreviating(symbols);
  a.changed([{ offset: 0, removed: 0, text: '\\' }]);
  for (const [i, key] of ['t', 'o'].entries()) a.changed([{ offset: 1 + i, removed: 0, text: key }]);
  assert.ok(a.isOpen);
  assert.deepEqual(a.due, [], '`\\to` begins `\\top` too');
  a.changed([{ offset: 3, removed: 0, text: ' ' }]);
  assert.deepEqual(a.due, [{ start: 0, end: 3, text: '→', cursor: undefined }]);
  assert.equal(typed('\\alpha', 0), 'α');
});

test('what is due moves with text before it and is dropped where its own text changes', () => {
  const due = (offset: number, removed: number, text: string): unknown[] => {
    const a = new Abbreviating(symbols);
    a.changed([{ offset: 5, removed: 0, text: '\\' }]);
    a.changed([{ offset: 6, removed: 0, text: 'to' }]);
    a.finish();
    a.changed([{ offset, removed, text }]);
    return a.due.map(r => [r.start, r.end]);
  };
  assert.deepEqual(due(0, 0, 'abc'), [[8, 11]]);
  assert.deepEqual(due(0, 2, ''), [[3, 6]]);
  assert.deepEqual(due(8, 0, 'more'), [[5, 8]]);
  assert.deepEqual(due(6, 1, ''), []);
});

test('the cursor that leaves ends an abbreviation, and what is no abbreviation stays', () => {
  const a = new Abbreviating(symbols);
  a.changed([{ offset: 0, removed: 0, text: '\\' }]);
  a.changed([{ offset: 1, removed: 0, text: 'to' }]);
  a.selected([2]);
  assert.deepEqual(a.due, []);
  a.selected([9]);
  assert.equal(a.due.length, 1);
  assert.equal(typed('\\ a \\\\ b', 0), '\\ a \\ b');
  assert.equal(typed('\\ö ', 0), '\\ö ');
});

test('a symbol with a place for the cursor says where', () => {
  const a = new Abbreviating(symbols);
  a.changed([{ offset: 0, removed: 0, text: '\\' }]);
  a.changed([{ offset: 1, removed: 0, text: '<>' }]);
  a.finish();
  assert.deepEqual(a.due, [{ start: 0, end: 3, text: '⟨⟩', cursor: 1 }]);
});
