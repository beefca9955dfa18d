// Texts to look at: documents that no file is behind, that cannot be changed and that nobody is asked to save.

import * as vscode from 'vscode';

const SCHEME = 'lean-copilot';

/** Owns what such documents say. */
export class ReadOnlyTexts implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  readonly onDidChange = this.changed.event;

  /** Shows a text under a name; what was shown under it before gives way. */
  async show(name: string, text: string): Promise<vscode.TextEditor> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: name });
    this.texts.set(uri.path, text);
    this.changed.fire(uri);
    // A tab of its own: it may have been asked for on a page that is read on, the walkthrough's for one.
    return await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: false });
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    // VS Code may bring a tab back after a reload of the window, when nothing is known any more.
    return this.texts.get(uri.path) ?? `Run the command again: this was ${uri.path} of an earlier window.\n`;
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
