// Lean's processes, one for each open file, and one on standby.
'use strict';
const { spawn } = require('child_process');
const path = require('path');
const { frame, reader } = require('./rpc');

// The next standby process waits until the file that took the last one has had the processor to itself.
const STANDBY_DELAY_MS = 8000;
// Time that a worker gets to end by itself.
const GRACE_MS = 1000;

class Worker {
  // handlers: message(message, body), exit(code). `process` is a launcher that waits for its arguments.
  constructor(child, args, handlers) {
    this.child = child;
    this.alive = true;
    child.send(args, () => {});                            // it may have died on standby: 'exit' tells
    child.stdin.on('error', () => {});
    reader(child.stdout, (message, body) => { if (message && this.alive) handlers.message(message, body); },
      () => child.kill('SIGKILL'));
    // What Lean or the user's code writes there is the user's to see, as with a native Lean. (What this
    // build writes about itself was dropped in host-stdio.js.)
    child.stderr.on('data', data => { if (this.alive) process.stderr.write(data); });
    child.on('exit', code => {
      if (!this.alive) return;
      this.alive = false;
      handlers.exit(code);
    });
  }

  send(message) { if (this.alive) this.child.stdin.write(frame(message)); }

  // Ends it without a word to the handlers.
  end() {
    if (!this.alive) return;
    this.child.stdin.write(frame({ method: 'exit' }));
    this.alive = false;
    this.child.stdin.end();
    setTimeout(() => this.child.kill('SIGKILL'), GRACE_MS).unref();
  }
}

class Workers {
  constructor({ options, standby }) {
    this.options = options;
    this.useStandby = standby;
    this.standby = null;
    this.children = new Set();
  }

  // Makes a process ready up to Lean's `main`. It lasts no longer than we do: its channel closes with us.
  launch() {
    const launcher = path.join(__dirname, 'launcher.js');
    const child = spawn(process.execPath, [...process.execArgv, launcher, '--lean-copilot-standby'],
      { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] });
    this.children.add(child);
    child.on('error', () => {});
    child.on('exit', () => {
      this.children.delete(child);
      if (this.standby === child) this.standby = null;
    });
    return child;
  }

  prepare() {
    if (this.useStandby) this.standby ??= this.launch();
  }

  // `options`: those of the file's project, by name. `weak`: one that this Lean does not know is no error.
  start(uri, options, handlers) {
    const child = this.standby ?? this.launch();
    this.standby = null;
    setTimeout(() => this.prepare(), STANDBY_DELAY_MS).unref();
    const own = Object.entries(options).map(([name, value]) => `-Dweak.${name}=${value}`);
    return new Worker(child, ['--worker', ...own, ...this.options, uri], handlers);
  }

  killAll() {
    for (const child of this.children) child.kill('SIGKILL');
  }
}

module.exports = { Workers };
