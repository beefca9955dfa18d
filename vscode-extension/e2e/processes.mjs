// What runs below a test's code-server and browser, as /proc tells it.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import process from 'node:process';

/** Lean servers that descend from this test's code-server. */
export function serverProcesses(root) {
  return all()
    .filter(({ pid, args }) => /runtime\/lean\/server\.js/.test(args) && environment(pid).includes(root))
    .map(({ pid }) => pid);
}

function all() {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap(l => {
    const parts = /^\s*(\d+)\s+(\d+) (.*)$/.exec(l);
    return parts ? [{ pid: Number(parts[1]), parent: Number(parts[2]), args: parts[3] }] : [];
  });
}

function environment(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

/** Processor time of a process and of its children that have ended, in milliseconds. */
function used(pid) {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    // utime, stime, cutime, cstime, in hundredths of a second.
    return 10 * fields.slice(11, 15).reduce((sum, f) => sum + Number(f), 0);
  } catch {
    return 0;
  }
}

/** What a process is, given what its parent is; undefined: of the same kind as its parent. */
function kind({ args }, parent) {
  if (/--type=gpu-process/.test(args)) return 'Chromium, drawing';
  if (/chromium|chrome/.test(args)) return 'Chromium, pages';
  if (/lean-copilot\S* serve\b/.test(args)) return 'lean-copilot';
  if (/--type=extensionHost/.test(args)) return "VS Code's extension host";
  if (/code-server/.test(args)) return parent?.startsWith('VS Code') ? undefined : "VS Code's server";
  return undefined;
}

/**
 * Processor time by kind of process below this one so far, and of the whole machine, in milliseconds. The first
 * Lean server that the sidecar starts is the editor's, the others verify.
 */
export function processorTimes() {
  const children = new Map();
  for (const p of all()) children.set(p.parent, [...(children.get(p.parent) ?? []), p]);
  const times = {};
  const visit = (p, name) => {
    times[name] = (times[name] ?? 0) + used(p.pid);
    const below = (children.get(p.pid) ?? []).sort((a, b) => a.pid - b.pid);
    below.forEach((child, i) => {
      const lean = name === 'lean-copilot' && !/lean-copilot\S* serve\b/.test(child.args) && (i === 0 ? "Lean, the editor's" : 'Lean, verifying');
      visit(child, lean || (kind(child, name) ?? name));
    });
  };
  visit({ pid: process.pid, args: '' }, 'the test');
  const [, ...fields] = fs.readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].trim().split(/\s+/).map(Number);
  const idle = fields[3] + fields[4];
  const total = fields.slice(0, 8).reduce((a, b) => a + b, 0);
  return { times, machine: 10 * (total - idle), possible: 10 * total };
}
