// The suggestions of this window: takes news in, inserts, refuses, reports what the person did.

import * as vscode from 'vscode';

import { type Place, SuggestionStore, type Round } from './core/store';
import { method, type EventParams, type SuggestResult, type SuggestionsParams } from './protocol';
import type { Session } from './session';
import type { Sessions } from './sessions';

/** Owns the store of suggestions. */
export class Tactics implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Round>();
  private readonly subscriptions: vscode.Disposable[];

  /** The suggestions of a document changed. */
  readonly onChange = this.changed.event;
  readonly store = new SuggestionStore(round => this.changed.fire(round));

  constructor(private readonly sessions: Sessions) {
    this.subscriptions = [
      sessions.onSuggestions(({ params }) => this.take(params)),
      vscode.workspace.onDidChangeTextDocument(e => {
        if (e.contentChanges.length > 0) this.store.forget(e.document.uri.toString());
      }),
      vscode.workspace.onDidCloseTextDocument(d => this.store.forget(d.uri.toString())),
    ];
  }

  /** The form of a URI that documents have in the editor: a server may escape it otherwise. */
  private take(params: SuggestionsParams): void {
    const uri = vscode.Uri.parse(params.textDocument.uri).toString();
    const { version, position, goal, suggestions, pending } = params;
    this.store.put({ uri, version, position, goal, suggestions, pending }, documentOf(uri)?.version);
  }

  /**
   * Asks for suggestions at a place, for a person. `wait`: longest wait for the whole round in milliseconds;
   * absent: until the first. Rejects with what to tell where that cannot be.
   */
  async ask(place: Place, options: { wait?: number; tried?: boolean; token?: vscode.CancellationToken }): Promise<void> {
    const document = documentOf(place.uri);
    const session = document && this.sessions.of(document);
    if (!session) throw new Error('no Lean server serves this document');
    const { line, character } = place.position;
    const params = {
      textDocument: { uri: place.uri },
      position: { line, character },
      tried: options.tried ?? false,
      ...(options.wait === undefined ? {} : { wait_ms: options.wait }),
    };
    const answer = await session.request<SuggestResult>(method.suggest, params, options.token);
    const { goal, suggestions, pending, tried } = answer;
    const news = { uri: place.uri, version: place.version, position: { line, character }, goal, suggestions, pending };
    this.store.put(options.tried ? { ...news, tried } : news, document.version);
  }

  /** Reports what the person did, without waiting. */
  report(uri: string, id: string, kind: EventParams['kind'], reason?: string): void {
    this.sessionOf(uri)?.notify(method.event, { id, kind, ...(reason ? { reason } : {}) });
  }

  /** Reports that suggestions can be seen; each is reported once. */
  seen(uri: string, ids: readonly string[]): void {
    for (const id of ids) if (this.store.firstSight(id)) this.report(uri, id, 'shown');
  }

  /** Inserts a suggestion where it was verified; false where the document is not as it was. */
  async insert(id: string): Promise<boolean> {
    const found = this.store.find(id);
    const document = found && documentOf(found.round.uri);
    if (!found || document?.version !== found.round.version) {
      void vscode.window.setStatusBarMessage('lean-copilot: the document changed; Lean checks again', 4000);
      return false;
    }
    const { range, newText } = found.suggestion.edit;
    const where = new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
    const shown = vscode.window.visibleTextEditors.find(e => e.document === document);
    const editor = shown ?? (await vscode.window.showTextDocument(document, { preserveFocus: true }));
    if (!(await editor.edit(b => b.replace(where, newText)))) return false;
    this.report(found.round.uri, id, 'accepted');
    const end = document.positionAt(document.offsetAt(where.start) + newText.length);
    editor.selection = new vscode.Selection(end, end);
    editor.revealRange(new vscode.Range(end, end), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    return true;
  }

  /** Takes a suggestion off the lists and reports it as refused. */
  refuse(id: string, reason?: string): void {
    const found = this.store.find(id);
    if (!found) return;
    this.report(found.round.uri, id, 'rejected', reason);
    this.store.refuse(id);
  }

  private sessionOf(uri: string): Session | undefined {
    const document = documentOf(uri);
    return document && this.sessions.of(document);
  }

  dispose(): void {
    for (const s of this.subscriptions) s.dispose();
  }
}

function documentOf(uri: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find(d => d.uri.toString() === uri);
}
