// The official extension's clients as sessions of ours. Its API is unversioned: everything is looked at before
// it is used, and what is not there is said.

import * as vscode from 'vscode';

import { method, type StatusParams, type SuggestionsParams } from './protocol';
import type { Session, SessionEvents } from './session';
import { sidecarSettings } from './settings';

export const OFFICIAL = 'leanprover.lean4';

type Listen<T> = (listener: (value: T) => void) => vscode.Disposable;

/** What we use of the official extension's `LeanClient`. */
interface LeanClient {
  sendRequest(method: string, params: unknown, token?: vscode.CancellationToken): Promise<unknown>;
  sendNotification(method: string, params: unknown): Promise<void> | undefined;
  customNotification: Listen<{ method: string; params: unknown }>;
  restarted: Listen<unknown>;
  restarting?: Listen<unknown>;
  stopped?: Listen<unknown>;
  initializeResult: { capabilities?: { experimental?: { leanCopilot?: { version?: string } } } } | undefined;
  getClientFolder(): { scheme: string; fsPath?: string };
}

/** What we use of its `LeanClientProvider`. */
interface ClientProvider {
  getClients(): LeanClient[];
  clientAdded: Listen<LeanClient>;
  clientRemoved: Listen<LeanClient>;
}

/** Whether an object has functions of these names. */
function has(object: unknown, ...names: string[]): boolean {
  const record = object as Record<string, unknown> | null | undefined;
  return typeof record === 'object' && record !== null && names.every(n => typeof record[n] === 'function');
}

function isClient(client: unknown): client is LeanClient {
  return has(client, 'sendRequest', 'sendNotification', 'customNotification', 'restarted', 'getClientFolder');
}

class OfficialSession implements Session {
  readonly own = false;
  readonly root: vscode.Uri;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    readonly client: LeanClient,
    private readonly events: SessionEvents,
  ) {
    this.root = vscode.Uri.file(client.getClientFolder().fsPath ?? '');
    this.subscriptions = [
      client.customNotification(({ method: name, params }) => {
        if (name === method.suggestions) events.suggestions(this, params as SuggestionsParams);
        if (name === method.status) events.status(this, params as StatusParams);
      }),
    ];
  }

  /** Whether the sidecar stands before this client's server. */
  get isInFront(): boolean {
    return this.client.initializeResult?.capabilities?.experimental?.leanCopilot !== undefined;
  }

  /** The server runs: it is told that we know its methods, and the settings. */
  greet(): void {
    this.notify(method.configure, sidecarSettings(this.root));
    this.events.running(this);
  }

  async request<R>(name: string, params: object, token?: vscode.CancellationToken): Promise<R> {
    const asked = token ? this.client.sendRequest(name, params, token) : this.client.sendRequest(name, params);
    return (await asked) as R;
  }

  notify(name: string, params: object): void {
    // It gives nothing where its server does not run.
    void Promise.resolve(this.client.sendNotification(name, params)).catch(() => undefined);
  }

  serves(document: vscode.TextDocument): boolean {
    return this.isInFront && isWithin(document.uri, this.root);
  }

  async restart(): Promise<void> {
    await vscode.commands.executeCommand('lean4.restartServer');
  }

  dispose(): void {
    for (const s of this.subscriptions) s.dispose();
  }
}

function isWithin(uri: vscode.Uri, folder: vscode.Uri): boolean {
  return uri.scheme === 'file' && uri.fsPath.startsWith(folder.fsPath + (folder.fsPath.endsWith('/') ? '' : '/'));
}

/** Follows the official extension's clients. */
export class OfficialSessions implements vscode.Disposable {
  private readonly sessions = new Map<LeanClient, OfficialSession>();
  private readonly subscriptions: vscode.Disposable[] = [];

  constructor(
    private readonly events: SessionEvents,
    /** A client's server runs without us in front of it. */
    private readonly notInFront: () => void,
  ) {}

  /** Begins to follow; an explanation where the extension is not as we know it. */
  async start(): Promise<string | undefined> {
    const extension = vscode.extensions.getExtension<unknown>(OFFICIAL);
    if (!extension) return 'The official Lean 4 extension is not installed or not enabled.';
    let exported: { lean4EnabledFeatures?: Promise<unknown> } | undefined;
    try {
      exported = (await extension.activate()) as typeof exported;
    } catch (error) {
      // An extension that it depends on is not there, for example.
      const reason = error instanceof Error ? error.message : String(error);
      return `The official Lean 4 extension could not be started: ${reason}. Mend or disable it; without it lean-copilot brings a session of its own.`;
    }
    const strange = (what: string): string =>
      `The official Lean 4 extension ${(extension.packageJSON as { version?: string }).version ?? ''} has no ${what} that ` +
      'lean-copilot knows. Suggestions still come as code actions; update lean-copilot for the rest.';
    if (!exported?.lean4EnabledFeatures) return strange('exports');
    // What it could not start it rejects; then there is no client either.
    const features = (await Promise.resolve(exported.lean4EnabledFeatures).catch(() => undefined)) as { clientProvider?: unknown } | undefined;
    const provider = features?.clientProvider;
    if (!has(provider, 'getClients', 'clientAdded', 'clientRemoved')) return strange('client provider');
    const clients = provider as ClientProvider;
    this.subscriptions.push(
      clients.clientAdded(client => this.add(client)),
      clients.clientRemoved(client => this.remove(client)),
    );
    for (const client of clients.getClients()) this.add(client);
    const odd = clients.getClients().some(c => !isClient(c));
    return odd ? strange('client') : undefined;
  }

  /** The sessions that lead to a sidecar. */
  all(): Session[] {
    return [...this.sessions.values()].filter(s => s.isInFront);
  }

  private add(client: LeanClient): void {
    if (!isClient(client) || this.sessions.has(client)) return;
    if (client.getClientFolder().scheme !== 'file') return;
    const session = new OfficialSession(client, this.events);
    this.sessions.set(client, session);
    const look = (): void => {
      if (client.initializeResult === undefined) return;
      if (session.isInFront) session.greet();
      else this.notInFront();
    };
    this.subscriptions.push(client.restarted(look));
    if (client.restarting) this.subscriptions.push(client.restarting(() => this.events.starting()));
    if (client.stopped) {
      this.subscriptions.push(client.stopped(() => this.events.ended(session, "Lean's server was stopped.")));
    }
    look();
  }

  private remove(client: LeanClient): void {
    this.sessions.get(client)?.dispose();
    this.sessions.delete(client);
  }

  dispose(): void {
    for (const s of this.subscriptions) s.dispose();
    for (const s of this.sessions.values()) s.dispose();
    this.sessions.clear();
  }
}
