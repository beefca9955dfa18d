import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LatestOnly } from '../src/core/latest';
import { effect, SuggestionStore, type Round } from '../src/core/store';
import { suggestion } from './make';

const uri = 'file:///p/A.lean';
const place = (version: number, line = 1, character = 2) => ({ uri, version, position: { line, character } });
const news = (version: number, ids: string[], pending = 0) => ({
  ...place(version),
  goal: null,
  suggestions: ids.map(id => suggestion(id, id)),
  pending,
});

function store() {
  const changes: Round[] = [];
  return { store: new SuggestionStore(r => changes.push(r)), changes };
}

test('a place finds its round by version and line', () => {
  const { store: s } = store();
  s.put(news(3, ['a']), 3);
  assert.equal(s.at(place(3, 1, 0))?.suggestions.length, 1);
  assert.equal(s.at(place(4)), undefined, 'another version');
  assert.equal(s.at(place(3, 2)), undefined, 'another line');
});

test('news that come late are dropped', () => {
  const { store: s, changes } = store();
  s.put(news(2, ['old']), 3);
  s.put(news(4, ['new']), 4);
  s.put(news(3, ['late']), undefined);
  assert.deepEqual(s.of(uri)?.suggestions.map(x => x.id), ['new']);
  assert.equal(changes.length, 1);
});

test('a refused suggestion stays away, also from later news', () => {
  const { store: s } = store();
  s.put(news(1, ['a', 'b'], 2), 1);
  s.refuse('a');
  assert.deepEqual(s.of(uri)?.suggestions.map(x => x.id), ['b']);
  s.put(news(1, ['a', 'b', 'c']), 1);
  assert.deepEqual(s.of(uri)?.suggestions.map(x => x.id), ['b', 'c']);
  assert.equal(s.find('a'), undefined);
});

test('what Lean refused is kept while news of the same place come, and belongs to no other', () => {
  const { store: s } = store();
  const tried = [{ ...suggestion('x', 'x'), verdict: { kind: 'error' as const, completes: false, goals: [], message: 'no', elapsed_ms: 1 } }];
  s.put({ ...news(1, []), tried }, 1);
  s.put(news(1, ['a']), 1);
  assert.equal(s.of(uri)?.tried?.length, 1);
  s.put(news(2, ['a']), 2);
  assert.equal(s.of(uri)?.tried, undefined);
});

test('a document that changed has no suggestions, and who looks is told', () => {
  const { store: s, changes } = store();
  s.put(news(1, ['a']), 1);
  s.forget(uri);
  assert.equal(s.of(uri), undefined);
  assert.deepEqual(changes.at(-1)?.suggestions, []);
});

test('a suggestion is seen for the first time once', () => {
  const { store: s } = store();
  assert.deepEqual([s.firstSight('a'), s.firstSight('a')], [true, false]);
});

test('what settles more counts more', () => {
  const v = suggestion('a', 'a').verdict;
  const of = (verdict: typeof v) => effect(suggestion('a', 'a', { verdict }));
  assert.deepEqual(
    [of(v), of({ ...v, completes: false }), of({ ...v, completes: false, kind: 'progress' })],
    [3, 2, 1],
  );
});

test('of what piles up behind a running piece of work only the latest is done', async () => {
  const done: number[] = [];
  const aborted: number[] = [];
  let release = (): void => undefined;
  const queue = new LatestOnly<number>(async (n, signal) => {
    await new Promise<void>(resolve => {
      release = resolve;
      signal.addEventListener('abort', () => {
        aborted.push(n);
        resolve();
      });
    });
    done.push(n);
  });
  queue.push(1);
  queue.push(2);
  queue.push(3);
  await new Promise(resolve => setTimeout(resolve, 5));
  release();
  await new Promise(resolve => setTimeout(resolve, 5));
  assert.deepEqual({ done, aborted }, { done: [1, 3], aborted: [1] });
  queue.push(4);
  release();
  await new Promise(resolve => setTimeout(resolve, 5));
  assert.deepEqual(done, [1, 3, 4], 'it works again after it was idle');
});
