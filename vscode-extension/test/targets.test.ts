import assert from 'node:assert/strict';
import { test } from 'node:test';

// @ts-expect-error: a script, without types.
import { targetNames, unfit } from '../scripts/targets.mjs';

const says = unfit as (target: string, bytes: Buffer) => string | undefined;

function program(...at: [number, Buffer | number[]][]): Buffer {
  const bytes = Buffer.alloc(4096);
  for (const [offset, part] of at) bytes.set(part, offset);
  return bytes;
}

const elf = (machine: number) => program([0, [0x7f, 0x45, 0x4c, 0x46]], [18, [machine, 0]]);
const mach = (processor: number) => program([0, [0xcf, 0xfa, 0xed, 0xfe]], [4, [processor, 0, 0, 1]]);
const windows = (machine: number) => program([0, Buffer.from('MZ')], [0x3c, [0x80, 0, 0, 0]], [0x80, Buffer.from('PE\0\0')], [0x84, [machine & 255, machine >> 8]]);

test('a program goes only into a VSIX for machines that it runs on', () => {
  const programs = { linux: elf(0x3e), arm: elf(0xb7), intel: mach(7), apple: mach(12), windows: windows(0x8664) };
  const fit = Object.fromEntries(
    Object.entries(programs).map(([name, bytes]) => [name, (targetNames as string[]).filter(t => says(t, bytes) === undefined)]),
  );
  assert.deepEqual(fit, {
    linux: ['linux-x64', 'alpine-x64'],
    arm: ['linux-arm64', 'alpine-arm64'],
    intel: ['darwin-x64'],
    apple: ['darwin-arm64'],
    windows: ['win32-x64'],
  });
  const loaded = program([0, elf(0x3e).subarray(0, 64)], [0x2e0, Buffer.from('/lib64/ld-linux-x86-64.so.2')]);
  assert.equal(says('linux-x64', loaded), undefined);
  assert.equal(says('alpine-x64', loaded), 'it wants glibc, and Alpine has musl');
  assert.equal(says('win32-x64', programs.apple), 'it is a program for darwin-arm64');
  assert.equal(says('linux-x64', Buffer.from('#!/bin/sh\n'.padEnd(100))), 'it is not a program');
});
