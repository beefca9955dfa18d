// Runs our program for one answer or with progress; nothing of it goes through a shell.

import { spawn, type ChildProcess } from 'node:child_process';

import { Lines } from './core/lines';

/** What a run gave. */
export interface Ran {
  /** The exit code; null where it was ended by a signal. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** How a run is watched and ended. */
export interface RunOptions {
  cwd?: string;
  /** Each line of standard error as it comes. */
  onLine?: (line: string) => void;
  /** Ends the run: first asked, after five seconds by force. */
  signal?: AbortSignal;
  /** Longest time, in milliseconds. */
  timeout?: number;
}

/** Most characters kept of each stream. */
const KEPT = 4_000_000;

/** Runs `program` to its end. Rejects where it cannot be started. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    let stdout = '';
    let stderr = '';
    const lines = new Lines(line => options.onLine?.(line));
    const stop = (): void => end(child);
    const timer = options.timeout === undefined ? undefined : setTimeout(stop, options.timeout);
    options.signal?.addEventListener('abort', stop, { once: true });
    if (options.signal?.aborted) stop();
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout = (stdout + chunk).slice(-KEPT)));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-KEPT);
      lines.push(chunk);
    });
    const done = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', stop);
    };
    child.on('error', error => {
      done();
      reject(error);
    });
    child.on('close', code => {
      done();
      lines.end();
      resolve({ code, stdout, stderr });
    });
  });
}

function end(child: ChildProcess): void {
  if (child.exitCode !== null) return;
  child.kill('SIGINT');
  setTimeout(() => {
    if (child.exitCode === null) child.kill('SIGKILL');
  }, 5000).unref();
}

/** What went wrong in a run, in one line: its last `error:` line, else its last line. */
export function failureWords(ran: Ran): string {
  const lines = ran.stderr.trim().split('\n');
  const error = lines.findLast(l => l.startsWith('error: '))?.slice('error: '.length);
  const hint = lines.findLast(l => l.startsWith('hint: '))?.slice('hint: '.length);
  const what = error ?? lines.at(-1) ?? '';
  const said = what === '' ? `it ended with ${ran.code === null ? 'a signal' : `code ${ran.code}`}` : what;
  return hint === undefined ? said : `${said} (${hint})`;
}
