// What a file needs before Lean opens it: the modules that it imports, compiled, and the options of its project.
//
// Lean's own server asks Lake (`lake setup-file`); here `lean-copilot modules` does it, named in
//   LEAN_COPILOT_SETUP  {"command": [program, arguments…], "always": whether files without imports need it, too}
'use strict';
const { spawn } = require('child_process');
const { fileURLToPath } = require('url');

// A comment may hold the word; then we ask for nothing, which costs a start of a process.
const IMPORTS = /(^|\n)[ \t]*((public|meta|private)[ \t]+)*import[ \t]/;

// Takes the place of a worker until the imports are there; what is sent meanwhile is kept.
class Waiting {
  constructor() {
    this.alive = true;
    this.sent = [];
    this.child = null;
  }

  send(message) { if (this.alive) this.sent.push(message); }

  end() {
    this.alive = false;
    this.child?.kill();
  }
}

class Imports {
  // `setup` is the variable's value; undefined where nobody compiles modules.
  constructor(setup) {
    this.setup = setup ? JSON.parse(setup) : null;
    this.children = new Set();
  }

  // Whether this text needs something done before Lean opens it.
  needed(uri, text) {
    return this.setup !== null && uri.startsWith('file:') && (this.setup.always || IMPORTS.test(text));
  }

  // handlers: progress(done, all, module), ready({ options, problems }).
  prepare(uri, text, waiting, { progress, ready }) {
    let file;
    try { file = fileURLToPath(uri); } catch { return ready({ options: {}, problems: [] }); }
    const [program, ...args] = this.setup.command;
    const child = spawn(program, [...args, file], { stdio: ['pipe', 'pipe', 'pipe'] });
    waiting.child = child;
    this.children.add(child);
    let out = '', errors = '', result, ended = false;
    child.stdout.on('data', data => {
      out += data;
      for (let end; (end = out.indexOf('\n')) >= 0; out = out.slice(end + 1)) {
        let line;
        try { line = JSON.parse(out.slice(0, end)); } catch { continue; }
        if (line.progress) progress(...line.progress); else result = line;
      }
    });
    child.stderr.on('data', data => { errors = (errors + data).slice(-2000); });
    const done = why => {
      if (ended) return;
      ended = true;
      this.children.delete(child);
      ready(result ?? { options: {}, problems: [errors.trim() || why] });
    };
    child.on('error', error => done(`the imports cannot be compiled: ${error.message}`));
    child.on('close', code => done(`the imports were not compiled (exit code ${code})`));
    child.stdin.on('error', () => {});
    child.stdin.end(text);
  }

  killAll() {
    for (const child of this.children) child.kill();
  }
}

module.exports = { Imports, Waiting };
