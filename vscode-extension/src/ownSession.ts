// A session of our own: a language client for `lean-copilot serve`, where the official extension is not there.

import path from 'node:path';
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type ClientCapabilities,
  type LanguageClientOptions,
  type StaticFeature,
} from 'vscode-languageclient/node';

import { method, type StatusParams, type SuggestionsParams } from './protocol';
import type { Session, SessionEvents } from './session';
import { sidecarSettings } from './settings';

/** Ends of the server within `WITHIN` ms after which it is not started again by itself. */
const MOST_RESTARTS = 5;
const WITHIN = 180_000;

/** Announces that this client knows the sidecar's own methods. */
const announcement: StaticFeature = {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const experimental = (capabilities.experimental ?? {}) as object;
    capabilities.experimental = { ...experimental, leanCopilot: {} };
  },
  initialize: () => undefined,
  getState: () => ({ kind: 'static' }),
  clear: () => undefined,
};

/** See [`Session`]. */
export class OwnSession implements Session {
  readonly own = true;
  private readonly client: LanguageClient;
  private readonly ends: number[] = [];
  private disposed = false;

  constructor(
    readonly root: vscode.Uri,
    program: string,
    output: vscode.LogOutputChannel,
    private readonly events: SessionEvents,
    private readonly isMine: (document: vscode.TextDocument) => boolean,
  ) {
    const folder = root.fsPath;
    const command = { command: program, args: ['serve'], options: { cwd: folder } };
    this.client = new LanguageClient('leanCopilot', 'lean-copilot', command, this.options(output));
    this.client.registerFeature(announcement);
    const convert = this.client.code2ProtocolConverter;
    const open = convert.asOpenTextDocumentParams.bind(convert);
    // Without it Lake builds what a file imports at every opening.
    convert.asOpenTextDocumentParams = document => ({ ...open(document), dependencyBuildMode: 'once' });
    this.client.onNotification(method.suggestions, (p: SuggestionsParams) => events.suggestions(this, p));
    this.client.onNotification(method.status, (p: StatusParams) => events.status(this, p));
    this.client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) events.running(this);
      if (newState === State.Starting) events.starting();
    });
  }

  private options(output: vscode.LogOutputChannel): LanguageClientOptions {
    const escaped = this.root.fsPath.replace(/[?*()[\]{}]/g, '[$&]').replaceAll(path.sep, '/');
    const mine = <A extends vscode.TextDocument, R>(document: A, next: (d: A) => Promise<R>): Promise<R | undefined> =>
      this.isMine(document) ? next(document) : Promise.resolve(undefined);
    return {
      documentSelector: [{ scheme: 'file', language: 'lean4', pattern: `${escaped}/**/*` }],
      outputChannel: output,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: () => ({ hasWidgets: false, leanCopilot: sidecarSettings(this.root) }),
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.closed(),
      },
      // A project within a project has a session of its own.
      middleware: {
        didOpen: async (document, next) => {
          await mine(document, next);
        },
        didClose: async (document, next) => {
          await mine(document, next);
        },
        didSave: async (document, next) => {
          await mine(document, next);
        },
        didChange: async (change, next) => {
          if (this.isMine(change.document)) await next(change);
        },
      },
    };
  }

  private closed(): { action: CloseAction; handled: boolean } {
    const now = Date.now();
    this.ends.push(now);
    const recent = this.ends.filter(t => now - t < WITHIN).length;
    if (this.disposed || recent < MOST_RESTARTS) return { action: CloseAction.Restart, handled: true };
    this.events.ended(this, `Lean's server ended ${recent} times within ${WITHIN / 60_000} minutes and is not started again.`);
    return { action: CloseAction.DoNotRestart, handled: true };
  }

  async start(): Promise<void> {
    this.events.starting();
    try {
      await this.client.start();
    } catch (error) {
      this.events.ended(this, `Lean could not be started: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async restart(): Promise<void> {
    this.ends.length = 0;
    if (this.client.state === State.Stopped) await this.start();
    else await this.client.restart();
  }

  async request<R>(name: string, params: object, token?: vscode.CancellationToken): Promise<R> {
    if (this.client.state !== State.Running) throw new Error("Lean's server does not run");
    // A token that is undefined would count as a second parameter, and both would travel as a list.
    return await (token ? this.client.sendRequest<R>(name, params, token) : this.client.sendRequest<R>(name, params));
  }

  notify(name: string, params: object): void {
    if (this.client.state !== State.Running) return;
    this.client.sendNotification(name, params).catch(() => undefined);
  }

  serves(document: vscode.TextDocument): boolean {
    return document.uri.scheme === 'file' && this.isMine(document);
  }

  dispose(): void {
    this.disposed = true;
    // A server that does not end in time is killed by the client.
    void this.client.dispose(3000).catch(() => undefined);
  }
}
