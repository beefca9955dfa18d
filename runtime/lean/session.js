// What passes between the client and the workers of its files.
'use strict';
const { applyChanges, normal, uriOf } = require('./document');
const { Waiting } = require('./imports');

const ERROR = { parse: -32700, invalidRequest: -32600, methodNotFound: -32601, invalidParams: -32602,
  notInitialized: -32002, contentModified: -32801, workerCrashed: -32902, workerExited: -32901 };
// A worker that ends with this code asks for another one: the imports have changed.
const HEADER_CHANGED = 2;
// What Lean announces and this server cannot do: it needs the index of references of a whole project.
const NOT_SERVED = ['referencesProvider', 'renameProvider', 'callHierarchyProvider', 'workspaceSymbolProvider', 'experimental'];
const NOT_SERVED_METHODS = /^(textDocument\/(references|rename|prepareRename|prepareCallHierarchy)|callHierarchy\/|workspace\/symbol$|\$\/lean\/(prepareModuleHierarchy|moduleHierarchy\/))/;
// Notifications of a worker to Lean's own server, which the client must not see.
const FOR_SERVER = /^\$\/lean\/(ilean\w+|importClosure|staleDependency)$/;
// The only notifications besides those of documents that a worker understands; of any other it dies.
const FOR_WORKER = /^\$\/lean\/rpc\/(release|keepAlive)$/;

const WHOLE = { start: { line: 0, character: 0 }, end: { line: 1e9, character: 0 } };
const FIRST_LINE = { start: { line: 0, character: 0 }, end: { line: 1, character: 0 } };

class Session {
  // toClient(message, body?), quit(code); workers: worker.js; imports: imports.js
  constructor({ initializeResult, workers, imports, toClient, quit }) {
    this.initializeResult = initializeResult;
    for (const key of NOT_SERVED) delete this.initializeResult.capabilities[key];
    Object.assign(this, { workers, imports, toClient, quit });
    this.files = new Map();                                // uri → { uri, version, text, worker, pending }
    this.asked = new Map();                                // id that the client sees → { file, id } of a worker's request
    this.nextId = 0;
    this.initParams = null;
    this.shutDown = false;
  }

  fail(id, code, message) { this.toClient({ id, error: { code, message } }); }

  clientGone() { this.quit(this.shutDown ? 0 : 1); }

  // ---------------------------------------------------------------- from the client
  fromClient(message) {
    if (!message) return this.fail(null, ERROR.parse, 'the message is not a JSON object');
    const { method, id } = message;
    if (method === undefined) return this.answered(message);
    if (method === 'exit') return this.clientGone();
    if (method === 'initialize') return this.initialize(message);
    if (id !== undefined && !this.initParams) return this.fail(id, ERROR.notInitialized, 'not initialized yet');
    if (id !== undefined && this.shutDown) return this.fail(id, ERROR.invalidRequest, 'the server was shut down');
    if (id !== undefined) return this.request(message);
    if (this.initParams && !this.shutDown && message.params) this.notification(message);
  }

  initialize({ id, params }) {
    if (this.initParams) return this.fail(id, ERROR.invalidRequest, 'initialized already');
    this.initParams = params ?? { processId: null, capabilities: {} };
    this.workers.prepare();
    this.toClient({ id, result: this.initializeResult });
  }

  request(message) {
    const { id, method, params } = message;
    if (method === 'shutdown') {
      this.shutDown = true;
      for (const file of this.files.values()) file.worker.end();
      return this.toClient({ id, result: null });
    }
    // Lean's server answers once its index is complete; ours has none to wait for.
    if (method === '$/lean/waitForILeans') return this.toClient({ id, result: {} });
    if (NOT_SERVED_METHODS.test(method)) return this.fail(id, ERROR.methodNotFound, `the embedded Lean has no ${method}`);
    const uri = uriOf(params, u => this.files.has(u)), file = this.files.get(uri);
    if (!uri) return this.fail(id, ERROR.methodNotFound, `no file is named in ${method}`);
    if (!file) return this.fail(id, ERROR.contentModified, `the file is not open: ${uri}`);
    if (!file.worker.alive) return this.fail(id, ERROR.workerCrashed, `Lean has stopped for ${uri}; it starts again with the next edit`);
    file.pending.set(id, message);
    file.worker.send(message);
  }

  notification(message) {
    const { method, params } = message;
    switch (method) {
      case 'textDocument/didOpen': return this.open(params);
      case 'textDocument/didChange': return this.change(message);
      case 'textDocument/didClose': return this.close(params);
      case '$/cancelRequest':
        for (const file of this.files.values()) if (file.pending.has(params.id)) file.worker.send(message);
        return;
    }
    if (FOR_WORKER.test(method)) this.files.get(uriOf(params, u => this.files.has(u)))?.worker.send(message);
  }

  open({ textDocument: d, dependencyBuildMode }) {
    if (typeof d?.uri !== 'string' || typeof d.text !== 'string') return;
    const before = this.files.get(d.uri);
    if (before) this.drop(before, 'the file was opened again');
    const file = { uri: d.uri, version: d.version ?? 0, text: normal(d.text), buildMode: dependencyBuildMode ?? 'always', pending: new Map() };
    this.files.set(d.uri, file);
    this.start(file);
  }

  change(message) {
    const { textDocument, contentChanges } = message.params;
    const file = this.files.get(textDocument?.uri);
    if (!file || !Array.isArray(contentChanges)) return;
    file.text = applyChanges(file.text, contentChanges);
    file.version = textDocument.version ?? file.version + 1;
    if (file.worker.alive) file.worker.send(message); else this.start(file);
  }

  close({ textDocument }) {
    const file = this.files.get(textDocument?.uri);
    if (!file) return;
    this.files.delete(file.uri);
    this.drop(file, 'the file was closed');
    this.toClient({ method: 'textDocument/publishDiagnostics', params: { uri: file.uri, diagnostics: [] } });
  }

  // The client's response to a request of a worker.
  answered(message) {
    const asked = this.asked.get(message.id);
    this.asked.delete(message.id);
    asked?.file.worker.send({ ...message, id: asked.id });
  }

  // ---------------------------------------------------------------- workers
  start(file) {
    if (!this.imports.needed(file.uri, file.text)) return this.begin(file, {});
    const waiting = new Waiting(), textDocument = { uri: file.uri, version: file.version };
    const diagnostics = list => this.toClient({ method: 'textDocument/publishDiagnostics', params: { uri: file.uri, version: file.version, diagnostics: list } });
    let told = false;
    file.worker = waiting;
    this.toClient({ method: '$/lean/fileProgress', params: { textDocument, processing: [{ range: WHOLE, kind: 1 }] } });
    this.imports.prepare(file.uri, file.text, waiting, {
      progress: (done, all, module) => {
        if (file.worker !== waiting || !waiting.alive) return;
        told = true;
        diagnostics([{ range: FIRST_LINE, severity: 3, source: 'Lean 4', message: `compiling imports: ${module} (${done + 1} of ${all})` }]);
      },
      ready: ({ options, problems }) => {
        if (file.worker !== waiting || !waiting.alive || this.shutDown) return;
        if (told) diagnostics([]);
        if (problems.length > 0) this.toClient({ method: 'window/showMessage', params: { type: 2, message: problems.join('\n') } });
        this.begin(file, options);
        // The text that Lean gets is the present one: changes are in it.
        for (const message of waiting.sent) if (message.method !== 'textDocument/didChange') file.worker.send(message);
      },
    });
  }

  begin(file, options) {
    const worker = this.workers.start(file.uri, options, {
      message: (message, body) => { if (file.worker === worker) this.fromWorker(file, message, body); },
      exit: code => { if (file.worker === worker) this.workerExited(file, code); },
    });
    file.worker = worker;
    worker.send({ id: 'lean-copilot-initialize', method: 'initialize', params: this.initParams });
    const textDocument = { uri: file.uri, languageId: 'lean', version: file.version, text: file.text };
    worker.send({ method: 'textDocument/didOpen', params: { textDocument, dependencyBuildMode: file.buildMode } });
  }

  drop(file, why) {
    this.failPending(file, ERROR.contentModified, why);
    file.worker.end();
  }

  failPending(file, code, message) {
    for (const id of file.pending.keys()) this.fail(id, code, message);
    file.pending.clear();
    this.forgetAsked(file);
  }

  forgetAsked(file) {
    for (const [id, asked] of this.asked) if (asked.file === file) this.asked.delete(id);
  }

  workerExited(file, code) {
    if (this.files.get(file.uri) !== file || this.shutDown) return;
    if (code === HEADER_CHANGED) {
      this.forgetAsked(file);
      this.start(file);
      for (const message of file.pending.values()) file.worker.send(message);   // asked of the text, not of the worker
      return;
    }
    const how = code === null ? 'by a signal' : `exit code ${code}`;
    this.failPending(file, code === 0 ? ERROR.workerExited : ERROR.workerCrashed, `Lean has stopped for ${file.uri} (${how})`);
    const lines = file.text.split('\n').length, fatalError = 2;
    const range = { start: { line: 0, character: 0 }, end: { line: lines, character: 0 } };
    const textDocument = { uri: file.uri, version: file.version };
    this.toClient({ method: '$/lean/fileProgress', params: { textDocument, processing: [{ range, kind: fatalError }] } });
  }

  fromWorker(file, message, body) {
    const { id, method } = message;
    if (method === undefined) {                            // a response; that to our `initialize` is nobody's
      if (file.pending.delete(id)) this.toClient(message, body);
    } else if (id === undefined) {
      if (!FOR_SERVER.test(method)) this.toClient(message, body);
    } else this.workerAsks(file, message);
  }

  workerAsks(file, message) {
    const { id, method, params } = message;
    // A search over all modules of the project, for code actions on unknown names: there is no index here.
    if (method === '$/lean/queryModule') {
      return file.worker.send({ id, result: { queryResults: (params?.queries ?? []).map(() => []) } });
    }
    const refresh = /^workspace\/(\w+)\/refresh$/.exec(method);
    if (refresh && !this.initParams.capabilities?.workspace?.[refresh[1]]?.refreshSupport) {
      return file.worker.send({ id, result: null });
    }
    // Two workers use the same numbers: the client sees one of ours.
    const seen = `lean-worker-${this.nextId++}`;
    this.asked.set(seen, { file, id });
    this.toClient({ ...message, id: seen });
  }
}

module.exports = { Session };
