// LSP server on stdio: our replacement for Lean's watchdog (`lean --server`), which spawns native
// processes. One Node process with Lean-in-wasm (`lean --worker <uri>`) per open file.
//   node watchdog.js [-D opt=val ...]
'use strict';
const { spawn } = require('child_process'), path = require('path'), fs = require('fs');
const { frame, reader } = require('./rpc');
const OPTS = process.argv.slice(2);
const init = JSON.parse(fs.readFileSync(path.join(process.env.LEAN_COPILOT_LEAN, 'capabilities.json')));
// Features of Lean's watchdog that need the .ilean reference index, which this one does not build.
for (const k of ['referencesProvider', 'renameProvider', 'callHierarchyProvider', 'workspaceSymbolProvider', 'experimental']) delete init.capabilities[k];
const toClient = m => process.stdout.write(frame(m));
const files = new Map();            // uri -> worker state
const clientReq = new Map();        // id of a worker's request as the client sees it -> {worker, id}
let initParams = null, nextId = 0, shuttingDown = false;
const ERR = { ContentModified: -32801, WorkerCrashed: -32902, WorkerExited: -32901, MethodNotFound: -32601, InvalidParams: -32602 };
// Notifications from a worker that are meant for the watchdog only.
const PRIVATE = new Set(['$/lean/ileanInfoUpdate', '$/lean/ileanInfoFinal', '$/lean/ileanHeaderInfo', '$/lean/ileanHeaderSetupInfo', '$/lean/importClosure']);

// One process is kept on standby: wasm compiled, threads loaded, waiting for its arguments.
let spare = null;
const launch = () => spawn(process.execPath, [...process.execArgv, path.join(__dirname, 'launcher.js')],
  { stdio: ['pipe', 'pipe', 'pipe', 'ipc'], env: { ...process.env, LEAN_WASM_STANDBY: '1' } });

function startWorker(f) {
  const c = f.proc = spare ?? launch(); spare = null;
  c.send(['--worker', ...OPTS, f.uri]);
  setTimeout(() => { spare ??= launch(); }, 8000).unref();   // the next standby, once this file had its CPU time
  f.pending = new Map();
  f.alive = true;
  c.stdin.on('error', () => {});
  reader(c.stdout, m => { if (f.proc === c) fromWorker(f, m); });
  c.stderr.on('data', d => { for (const l of String(d).split('\n')) if (l && !/^\[DEBUG|^\[\d+ \w+\] open|^  mainModule\?|^  - \//.test(l)) process.stderr.write(l + '\n'); });
  c.on('exit', code => { if (f.proc === c) workerExited(f, code); });
  toWorker(f, { id: 0, method: 'initialize', params: initParams });
  toWorker(f, { method: 'textDocument/didOpen', params: { textDocument: { uri: f.uri, languageId: 'lean', version: f.version, text: f.text }, dependencyBuildMode: f.buildMode } });
}
const toWorker = (f, m) => f.proc.stdin.write(frame(m));
function failPending(f, code, message) {
  for (const id of f.pending.keys()) toClient({ id, error: { code, message } });
  f.pending.clear();
  for (const [id, r] of clientReq) if (r.f === f) clientReq.delete(id);
}
function workerExited(f, code) {
  f.alive = false;
  if (files.get(f.uri) !== f) return;
  if (code === 2) {                                       // the header changed: restart with the current text, resend requests
    const again = [...f.pending.values()]; f.pending.clear(); failPending(f);
    startWorker(f); for (const m of again) { f.pending.set(m.id, m); toWorker(f, m); }
    return;
  }
  failPending(f, code ? ERR.WorkerCrashed : ERR.WorkerExited, `Lean worker for ${f.uri} ended with code ${code}`);
  toClient({ method: '$/lean/fileProgress', params: { textDocument: { uri: f.uri, version: f.version }, processing: [{ range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } }, kind: 2 }] } });
}
function fromWorker(f, m) {
  if (m.method && m.id !== undefined) {                   // request
    if (m.method === '$/lean/queryModule') return toWorker(f, { id: m.id, result: { queryResults: (m.params.queries ?? []).map(() => []) } });
    const ws = initParams.capabilities?.workspace;
    const refresh = /^workspace\/(\w+)\/refresh$/.exec(m.method);
    if (refresh && !ws?.[refresh[1]]?.refreshSupport) return toWorker(f, { id: m.id, result: null });
    const id = 'w' + nextId++; clientReq.set(id, { f, id: m.id });
    return toClient({ ...m, id });
  }
  if (m.method) { if (!PRIVATE.has(m.method)) toClient(m); return; }
  if (f.pending.delete(m.id)) toClient(m);                // response
}
function offset(text, { line, character }) {              // LSP position (UTF-16) -> string index
  let i = 0;
  while (line-- > 0) { const j = text.indexOf('\n', i); if (j < 0) return text.length; i = j + 1; }
  const end = text.indexOf('\n', i); return Math.min(i + character, end < 0 ? text.length : end);
}
function uriOf(p) {                                       // which file does this request belong to?
  if (!p) return;
  const direct = p.textDocument?.uri ?? p.uri; if (direct) return direct;
  let found; JSON.stringify(p.data ?? null, (_, v) => { if (typeof v !== 'string') return v; if (files.has(v)) found ??= v;
    const x = /^«external:(.*)»$/.exec(v)?.[1]; if (files.has(x)) found ??= x; return v; });   // completionItem/resolve names the module, not the URI
  return found;
}
function fromClient(m) {
  const p = m.params;
  if (m.method === undefined) {                           // response to a worker's request
    const r = clientReq.get(m.id); clientReq.delete(m.id);
    if (r?.f.alive) toWorker(r.f, { ...m, id: r.id });
    return;
  }
  switch (m.method) {
    case 'initialize': initParams = p; spare = launch(); return toClient({ id: m.id, result: init });
    case 'initialized': return;
    case 'shutdown': shuttingDown = true; for (const f of files.values()) f.proc.stdin.end(); return toClient({ id: m.id, result: null });
    case 'exit': spare?.kill('SIGKILL'); for (const f of files.values()) f.proc.kill('SIGKILL'); process.exit(shuttingDown ? 0 : 1);
    case 'textDocument/didOpen': {
      const d = p.textDocument, f = { uri: d.uri, version: d.version, text: d.text.replaceAll('\r\n', '\n'), buildMode: p.dependencyBuildMode ?? 'always' };
      files.get(d.uri)?.proc.kill('SIGKILL'); files.set(d.uri, f); return startWorker(f);
    }
    case 'textDocument/didChange': {
      const f = files.get(p.textDocument.uri); if (!f) return;
      for (const c of p.contentChanges) f.text = c.range ? f.text.slice(0, offset(f.text, c.range.start)) + c.text + f.text.slice(offset(f.text, c.range.end)) : c.text;
      f.version = p.textDocument.version ?? f.version + 1;
      return f.alive ? toWorker(f, m) : startWorker(f);
    }
    case 'textDocument/didClose': {
      const f = files.get(p.textDocument.uri); if (!f) return;
      files.delete(f.uri); failPending(f, ERR.ContentModified, 'file closed');
      f.proc.stdin.end(); setTimeout(() => f.proc.kill('SIGKILL'), 500).unref();
      return toClient({ method: 'textDocument/publishDiagnostics', params: { uri: f.uri, diagnostics: [] } });
    }
    case '$/cancelRequest': for (const f of files.values()) if (f.pending.has(p.id)) toWorker(f, m); return;
  }
  // A worker dies of a notification that Lean's own watchdog keeps for itself (textDocument/didSave, ...).
  if (m.id === undefined && !/^\$\/lean\/rpc\/(release|keepAlive)$/.test(m.method)) return;
  const f = files.get(uriOf(p));
  if (m.id !== undefined) {
    if (!f) return toClient({ id: m.id, error: { code: p ? ERR.InvalidParams : ERR.MethodNotFound, message: `no open file for ${m.method}` } });
    if (!f.alive) return toClient({ id: m.id, error: { code: ERR.WorkerCrashed, message: 'the Lean worker of this file is not running' } });
    f.pending.set(m.id, m);
  }
  if (f?.alive) toWorker(f, m);
}
reader(process.stdin, fromClient);
process.stdin.on('end', () => { spare?.kill('SIGKILL'); for (const f of files.values()) f.proc.kill('SIGKILL'); process.exit(0); });
