// A session with the sidecar, whoever holds the language client: the official extension or we.

import type * as vscode from 'vscode';

import type { StatusParams, SuggestionsParams } from './protocol';

/** A running `lean-copilot serve` and the way to it. */
export interface Session {
  /** The project's folder. */
  readonly root: vscode.Uri;
  /** Whether the language client is ours: then it is for us to tell when it ends. */
  readonly own: boolean;
  /** Asks; rejects where the sidecar answers with an error or is gone. */
  request<R>(method: string, params: object, token?: vscode.CancellationToken): Promise<R>;
  /** Tells; what cannot be told is dropped, as the sidecar is then gone. */
  notify(method: string, params: object): void;
  /** Whether a document is served by this session. */
  serves(document: vscode.TextDocument): boolean;
  /** Starts Lean anew. */
  restart(): Promise<void>;
  /** Ends it. */
  dispose(): void;
}

/** What a session tells of itself. */
export interface SessionEvents {
  suggestions(session: Session, params: SuggestionsParams): void;
  status(session: Session, params: StatusParams): void;
  /** It runs, for the first time or again. */
  running(session: Session): void;
  starting(): void;
  /** It ended by itself and does not come back by itself. */
  ended(session: Session, message: string): void;
}
