import assert from 'node:assert/strict';
import { test } from 'node:test';

import { atLeast, places, problemWords, readVersion, stateFolder } from '../src/core/binary';
import { rootOf } from '../src/core/roots';

test('a program is looked for in the setting alone, else in the extension, else on PATH', () => {
  assert.deepEqual(places(' /x/lc ', '/e/bin/lean-copilot', '/a:/b', 'linux'), [{ origin: 'setting', path: '/x/lc' }]);
  assert.deepEqual(
    places('', '/e/bin/lean-copilot', '/a/::/b', 'linux').map(p => p.path),
    ['/e/bin/lean-copilot', '/a/lean-copilot', '/b/lean-copilot'],
  );
  assert.deepEqual(places('', 'e', 'C:\\a;D:\\b', 'win32').map(p => p.path), ['e', 'C:\\a\\lean-copilot.exe', 'D:\\b\\lean-copilot.exe']);
});

test('versions are read and compared', () => {
  assert.equal(readVersion('lean-copilot 1.2.3\n'), '1.2.3');
  assert.equal(readVersion('Lean (version 4.28.0)'), undefined);
  assert.ok(atLeast('1.10.0', '1.9.9') && atLeast('0.1.0', '0.1.0') && !atLeast('0.0.9', '0.1.0'));
});

test('a problem names the program', () => {
  const place = { origin: 'setting', path: '/x/lc' } as const;
  assert.match(problemWords({ kind: 'old', place, version: '0.0.1' }), /`\/x\/lc` is version 0\.0\.1/);
  assert.match(problemWords({ kind: 'broken', place, message: 'no' }), /`\/x\/lc` does not run: no/);
});

test('the state folder is where the sidecar puts it', () => {
  assert.equal(stateFolder({ LEAN_COPILOT_STATE_DIR: '/s' }, 'linux', '/h'), '/s');
  assert.equal(stateFolder({}, 'linux', '/h'), '/h/.local/state/lean-copilot');
  assert.equal(stateFolder({ XDG_STATE_HOME: '/x' }, 'darwin', '/h'), '/x/lean-copilot');
});

test('the nearest project holds a file, else the workspace folder, else its own folder', () => {
  const there = new Set(['/w/sub/lakefile.toml', '/lean-toolchain']);
  const exists = (path: string) => there.has(path);
  assert.equal(rootOf('/w/sub/src/A.lean', '/w', exists), '/w/sub');
  assert.equal(rootOf('/w/other/A.lean', '/w', exists), '/w', 'not above the workspace folder');
  assert.equal(rootOf('/y/z/A.lean', undefined, p => p === '/y/lakefile.lean'), '/y');
  assert.equal(rootOf('/y/z/A.lean', undefined, () => false), '/y/z');
});
