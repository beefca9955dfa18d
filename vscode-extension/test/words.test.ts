import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bundleEntries } from '../src/core/bundles';
import { Lines, progressEvent } from '../src/core/lines';
import { installProgress, reportLines, trainingProgress } from '../src/core/progress';
import { byteWords, confidenceWords, effectWords, sourceWords, statusWords, timeWords } from '../src/core/words';
import type { StatusParams } from '../src/protocol';
import { goal, suggestion } from './make';

test('an effect says what is left', () => {
  const of = (kind: 'closes' | 'progress', completes: boolean, left: number) =>
    effectWords({ verdict: { kind, completes, goals: Array.from({ length: left }, () => goal('⊢ p')), message: null, elapsed_ms: 1 } });
  assert.equal(of('closes', true, 0), 'completes the proof');
  assert.equal(of('closes', false, 0), 'closes the goal');
  assert.equal(of('closes', false, 1), 'closes the goal, 1 goal left');
  assert.equal(of('progress', false, 2), '2 goals left');
});

test('numbers are short', () => {
  assert.deepEqual([confidenceWords(null), confidenceWords(0), confidenceWords(-9)], [undefined, '100 %', '< 1 %']);
  assert.deepEqual([timeWords(0.2), timeWords(340.4), timeWords(2345)], ['1 ms', '340 ms', '2.3 s']);
  assert.deepEqual([byteWords(12), byteWords(1234), byteWords(116_000_000)], ['12 B', '1.2 kB', '116 MB']);
});

test('a source that a newer sidecar knows has its own name', () => {
  assert.equal(sourceWords(suggestion('a', 'a').source), 'model');
  assert.equal(sourceWords('oracle' as 'policy'), 'oracle');
});

const status = (more: Partial<StatusParams>): StatusParams => ({ state: 'ready', device: 'cpu', bundle: 'b@1', lean: 'Lean 4', ...more });

test('the status bar names the state, the remedy, the model and the device', () => {
  const words = statusWords({ kind: 'running', status: status({ state: 'degraded', message: 'no ONNX Runtime', remedy: 'run it' }) });
  assert.equal(words.severity, 'warning');
  assert.deepEqual(words.lines.slice(1, 3), ['no ONNX Runtime', 'Remedy: run it']);
  assert.ok(words.lines.includes('Model: b@1') && words.lines.includes('Runs on: cpu'));
  for (const state of ['ready', 'thinking', 'checking', 'paused'] as const) {
    assert.equal(statusWords({ kind: 'running', status: status({ state }) }).severity, 'none');
  }
  assert.equal(statusWords({ kind: 'off', reason: 'noBinary', message: 'm' }).severity, 'error');
  assert.equal(statusWords({ kind: 'off', reason: 'untrusted', message: 'm' }).severity, 'none');
});

test('lines come whole however the stream is cut', () => {
  const seen: string[] = [];
  const lines = new Lines(l => seen.push(l));
  for (const chunk of ['{"a"', ':1}\nx\r\n', 'last']) lines.push(chunk);
  lines.end();
  assert.deepEqual(seen, ['{"a":1}', 'x', 'last']);
});

test('only JSON objects with an event are progress', () => {
  assert.equal(progressEvent('{"event":"note","message":"m"}')?.event, 'note');
  for (const line of ['error: no', '{"event":3}', '{', '']) assert.equal(progressEvent(line), undefined);
});

test('an installation tells its share', () => {
  const fetch = installProgress({ event: 'fetch', component: 'lean', package: 'x', done: 58e6, total: 116e6 });
  assert.deepEqual(fetch, { text: 'Fetching Lean: 58 MB of 116 MB', done: 0.5 });
  assert.equal(installProgress({ event: 'fetch', component: 'lean', done: 5, total: 0 })?.done, null);
  assert.equal(installProgress({ event: 'unheard' }), undefined);
});

test('training tells its share and the report what it means', () => {
  const step = { event: 'step', step: 3, loss: 1.25, done: 0.5, tokens_per_second: 812.3, seconds_left: 200 };
  assert.deepEqual(trainingProgress(step), { text: 'Step 3, loss 1.250, 812 tokens/s, 3 min left', done: 0.5 });
  const report = { bundle: 'tuned@2', bundle_before: 'core@1', heldout_before: 1.2, heldout_after: 1.1, heldout_steps: 9, loss_before: 2, loss_after: 1, rows: 4, steps: 8, elapsed_ms: 5000, in_use: true };
  assert.deepEqual(reportLines(report).lines[0], ['Bundle', 'core@1 → tuned@2']);
  assert.match(reportLines(report).note, /in use/);
  assert.match(reportLines({ ...report, in_use: false }).note, /worse/);
});

test('bundles are read as `model list` lists them', () => {
  const listed = {
    bundles: [
      { id: 'core-small@237a', in_use: true, kind: 'decoder', name: 'core-small', parameters: 7028160, path: '/m/core-small', problem: null },
      { id: null, in_use: false, kind: null, name: 'torn', parameters: null, path: '/m/torn', problem: 'no weights' },
    ],
  };
  assert.deepEqual(bundleEntries(JSON.stringify(listed)), [
    { name: 'core-small', path: '/m/core-small', description: 'core-small@237a · 7.0 M parameters · in use' },
    { name: 'torn', path: '/m/torn', description: 'cannot be used: no weights' },
  ]);
  assert.deepEqual([bundleEntries('nonsense'), bundleEntries('{}')], [undefined, undefined]);
});
