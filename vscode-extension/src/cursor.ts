// Where the person is: the place of the cursor in a Lean document and the goals there.
//
// The question also tells the sidecar where the cursor is, so that suggestions begin. With the official extension
// the infoview asks as well, but only while it is open, and not always at the cursor (when it starts, for one).

import * as vscode from 'vscode';

import { LatestOnly } from './core/latest';
import { samePlace, type Place } from './core/store';
import type { Sessions } from './sessions';

/** A cursor in a document that a session serves. */
export interface Cursor extends Place {
  document: vscode.TextDocument;
}

/** A question that failed is asked again after this time, so often: a document may not be open yet. */
const AGAIN = 500;
const MOST = 20;

/** Time without a move before Lean is asked, in milliseconds. */
const PAUSE = 15;

interface PlainGoal {
  goals?: string[];
}

/** Follows the cursor. */
export class CursorFollower implements vscode.Disposable {
  private readonly moved = new vscode.EventEmitter<void>();
  private readonly subscriptions: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;
  private failed = 0;
  private known: { place: Place; goals: string[] | null } | undefined;
  private readonly asking = new LatestOnly<Cursor>((cursor, signal) => this.ask(cursor, signal));

  /** The cursor moved, or its goals became known. */
  readonly onMove = this.moved.event;

  constructor(private readonly sessions: Sessions) {
    const soon = (): void => {
      this.failed = 0;
      this.soon();
    };
    this.subscriptions = [
      vscode.window.onDidChangeTextEditorSelection(e => {
        if (e.textEditor === vscode.window.activeTextEditor) soon();
      }),
      vscode.window.onDidChangeActiveTextEditor(soon),
      vscode.workspace.onDidChangeTextDocument(e => {
        if (e.document === vscode.window.activeTextEditor?.document && e.contentChanges.length > 0) soon();
      }),
      sessions.onRunning(() => {
        this.known = undefined;
        soon();
      }),
    ];
  }

  /** Where the cursor is now; undefined outside of Lean documents. */
  get cursor(): Cursor | undefined {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.languageId !== 'lean4') return undefined;
    const { document } = editor;
    return { document, uri: document.uri.toString(), version: document.version, position: editor.selection.active };
  }

  /** The goals at the cursor as Lean prints them; null: no proof there; undefined: not known (yet). */
  goals(cursor: Cursor): string[] | null | undefined {
    return this.known && samePlace(this.known.place, cursor) ? this.known.goals : undefined;
  }

  private soon(): void {
    this.moved.fire();
    this.later(PAUSE);
  }

  private later(pause: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const { cursor } = this;
      if (cursor) this.asking.push(cursor);
    }, pause);
  }

  private async ask(cursor: Cursor, signal: AbortSignal): Promise<void> {
    const session = this.sessions.of(cursor.document);
    if (!session) return;
    const cancel = new vscode.CancellationTokenSource();
    signal.addEventListener('abort', () => cancel.cancel());
    try {
      const params = { textDocument: { uri: cursor.uri }, position: cursor.position };
      const answer = await session.request<PlainGoal | null>('$/lean/plainGoal', params, cancel.token);
      if (signal.aborted) return;
      this.known = { place: cursor, goals: answer ? (answer.goals ?? []) : null };
      this.moved.fire();
    } catch {
      // Cancelled, changed meanwhile, not open yet, or the server is gone.
      if (!signal.aborted && this.failed++ < MOST) this.later(AGAIN);
    } finally {
      cancel.dispose();
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.asking.clear();
    for (const s of this.subscriptions) s.dispose();
  }
}
