// All sessions of this window: which kind there is, when they start, which one serves a document.

import { existsSync } from 'node:fs';
import * as vscode from 'vscode';

import { rootOf } from './core/roots';
import type { State } from './core/words';
import { OFFICIAL, OfficialSessions } from './officialSession';
import { OwnSession } from './ownSession';
import type { Program } from './program';
import { method, type StatusParams, type SuggestionsParams } from './protocol';
import type { Session, SessionEvents } from './session';
import { changedSettings } from './settings';

/** Owns the sessions; tells of them by events. */
export class Sessions implements vscode.Disposable, SessionEvents {
  private readonly ownSessions = new Map<string, OwnSession>();
  private readonly starting_ = new Map<string, Promise<void>>();
  private official: OfficialSessions | undefined;
  private readonly subscriptions: vscode.Disposable[] = [];
  private state_: State = { kind: 'off', reason: 'idle', message: 'No Lean file was opened yet.' };

  private readonly suggested = new vscode.EventEmitter<{ session: Session; params: SuggestionsParams }>();
  private readonly stateChanged = new vscode.EventEmitter<State>();
  private readonly came = new vscode.EventEmitter<Session>();
  private readonly withoutUs = new vscode.EventEmitter<void>();

  /** News of suggestions. */
  readonly onSuggestions = this.suggested.event;
  readonly onState = this.stateChanged.event;
  /** A session runs, for the first time or again. */
  readonly onRunning = this.came.event;
  /** The official extension's server runs without us. */
  readonly onNotInFront = this.withoutUs.event;

  constructor(
    private readonly program: Program,
    private readonly output: vscode.LogOutputChannel,
  ) {}

  /** How it stands. */
  get state(): State {
    return this.state_;
  }

  /** Whether the official extension's client is used. */
  get usesOfficial(): boolean {
    const wanted = vscode.workspace.getConfiguration('leanCopilot').get<string>('server', 'auto');
    if (wanted === 'own') return false;
    return wanted === 'official' || vscode.extensions.getExtension(OFFICIAL) !== undefined;
  }

  /** Starts what the workspace's trust allows, now and when documents are opened. */
  async start(): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      this.enter({ kind: 'off', reason: 'untrusted', message: 'This workspace is not trusted: nothing is started.' });
      this.subscriptions.push(vscode.workspace.onDidGrantWorkspaceTrust(() => void this.start()));
      return;
    }
    this.subscriptions.push(
      vscode.workspace.onDidChangeConfiguration(event => {
        if (!event.affectsConfiguration('leanCopilot')) return;
        for (const session of this.all()) {
          const changed = changedSettings(event, session.root);
          if (Object.keys(changed).length > 0) session.notify(method.configure, changed);
        }
      }),
    );
    if (this.usesOfficial) {
      this.enter({ kind: 'off', reason: 'idle', message: 'The Lean 4 extension has not started Lean yet.' });
      this.official = new OfficialSessions(this, () => this.notInFront());
      const problem = await this.official.start();
      if (problem !== undefined) {
        this.enter({ kind: 'off', reason: 'stopped', message: problem });
        void vscode.window.showWarningMessage(`lean-copilot: ${problem}`);
      }
      return;
    }
    this.subscriptions.push(vscode.workspace.onDidOpenTextDocument(d => void this.ensure(d)));
    for (const document of vscode.workspace.textDocuments) void this.ensure(document);
  }

  /** The session that serves a document. */
  of(document: vscode.TextDocument): Session | undefined {
    return this.all().find(s => s.serves(document));
  }

  /** All that lead to a sidecar. */
  all(): Session[] {
    return this.official ? this.official.all() : [...this.ownSessions.values()];
  }

  /** Starts everything anew: Lean, and where the program changed, the program. */
  async restart(): Promise<void> {
    if (!vscode.workspace.isTrusted) return;
    if (this.official) {
      await vscode.commands.executeCommand('lean4.restartServer');
      return;
    }
    for (const session of this.ownSessions.values()) session.dispose();
    this.ownSessions.clear();
    for (const document of vscode.workspace.textDocuments) await this.ensure(document);
  }

  private rootOf(document: vscode.TextDocument): string {
    const folder = vscode.workspace.getWorkspaceFolder(document.uri);
    return rootOf(document.uri.fsPath.replaceAll('\\', '/'), folder?.uri.fsPath.replaceAll('\\', '/'), existsSync);
  }

  private async ensure(document: vscode.TextDocument): Promise<void> {
    if (document.languageId !== 'lean4' || document.uri.scheme !== 'file') return;
    const root = this.rootOf(document);
    if (this.ownSessions.has(root)) return;
    const starting = this.starting_.get(root) ?? this.startOwn(root);
    this.starting_.set(root, starting);
    await starting.finally(() => this.starting_.delete(root));
  }

  private async startOwn(root: string): Promise<void> {
    const program = await this.program.path();
    if (program === undefined) {
      this.enter({ kind: 'off', reason: 'noBinary', message: 'The lean-copilot program was not found.' });
      return;
    }
    const isMine = (d: vscode.TextDocument): boolean => this.rootOf(d) === root;
    const session = new OwnSession(vscode.Uri.file(root), program, this.output, this, isMine);
    this.ownSessions.set(root, session);
    await session.start();
  }

  private enter(state: State): void {
    this.state_ = state;
    this.stateChanged.fire(state);
  }

  private notInFront(): void {
    this.enter({
      kind: 'off',
      reason: 'notInFront',
      message: "lean-copilot does not stand in front of Lean: run \"Put lean-copilot in Front of Lean\".",
    });
    this.withoutUs.fire();
  }

  suggestions(session: Session, params: SuggestionsParams): void {
    this.suggested.fire({ session, params });
  }

  status(_session: Session, status: StatusParams): void {
    this.enter({ kind: 'running', status });
  }

  running(session: Session): void {
    this.came.fire(session);
  }

  starting(): void {
    this.enter({ kind: 'starting' });
  }

  ended(session: Session, message: string): void {
    this.enter({ kind: 'off', reason: 'stopped', message });
    if (!session.own) return;
    void vscode.window.showErrorMessage(`lean-copilot: ${message}`, 'Restart', 'Open the Log').then(answer => {
      if (answer === 'Restart') void session.restart();
      if (answer === 'Open the Log') void vscode.commands.executeCommand('leanCopilot.openLog');
    });
  }

  dispose(): void {
    for (const s of this.subscriptions) s.dispose();
    for (const s of this.ownSessions.values()) s.dispose();
    this.official?.dispose();
  }
}
