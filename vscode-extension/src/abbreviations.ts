// `\alpha` becomes α while typing, as in the official extension and by its own package. Only where that
// extension is not there.

import { AbbreviationProvider } from '@leanprover/unicode-input';
import * as vscode from 'vscode';

import { Abbreviating, type Replacement } from './core/abbreviating';

/** VS Code refuses an edit of a text that has changed meanwhile: somebody types. After this time it is tried again. */
const AGAIN = 15;
const TRIES = 200;

/** Follows the active editor. */
export class Abbreviations implements vscode.Disposable {
  private readonly symbols = new AbbreviationProvider({
    abbreviationCharacter: '\\',
    customTranslations: {},
    eagerReplacementEnabled: true,
  });
  private current: EditorAbbreviations | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    const follow = (editor: vscode.TextEditor | undefined): void => {
      this.current?.dispose();
      const on = vscode.workspace.getConfiguration('leanCopilot').get<boolean>('unicodeInput', true);
      this.current = on && editor?.document.languageId === 'lean4' ? new EditorAbbreviations(editor, this.symbols) : undefined;
    };
    this.subscriptions = [
      vscode.window.onDidChangeActiveTextEditor(follow),
      vscode.workspace.onDidChangeConfiguration(e => {
        if (e.affectsConfiguration('leanCopilot.unicodeInput')) follow(vscode.window.activeTextEditor);
      }),
      // Tab finishes an abbreviation; the binding holds only while there is one.
      vscode.commands.registerCommand('leanCopilot.finishAbbreviation', () => this.current?.finish()),
    ];
    follow(vscode.window.activeTextEditor);
  }

  dispose(): void {
    this.current?.dispose();
    for (const s of this.subscriptions) s.dispose();
  }
}

class EditorAbbreviations implements vscode.Disposable {
  private readonly abbreviating: Abbreviating;
  private readonly subscriptions: vscode.Disposable[];
  private replacing = false;
  private wasOpen = false;

  constructor(
    private readonly editor: vscode.TextEditor,
    symbols: AbbreviationProvider,
  ) {
    this.abbreviating = new Abbreviating(symbols);
    const { document } = editor;
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument(e => {
        if (e.document !== document || e.contentChanges.length === 0) return;
        this.abbreviating.changed(e.contentChanges.map(c => ({ offset: c.rangeOffset, removed: c.rangeLength, text: c.text })));
        this.went();
      }),
      vscode.window.onDidChangeTextEditorSelection(e => {
        if (e.textEditor !== editor) return;
        this.abbreviating.selected(e.selections.map(s => document.offsetAt(s.active)));
        this.went();
      }),
    ];
  }

  finish(): void {
    this.abbreviating.finish();
    this.went();
  }

  private went(): void {
    const { isOpen } = this.abbreviating;
    if (isOpen !== this.wasOpen) void vscode.commands.executeCommand('setContext', 'leanCopilot.abbreviating', isOpen);
    this.wasOpen = isOpen;
    if (!this.replacing && this.abbreviating.due.length > 0) void this.replace();
  }

  /** Replaces what is due; what changes meanwhile moves it. */
  private async replace(): Promise<void> {
    this.replacing = true;
    for (let tried = 0; this.abbreviating.due.length > 0 && tried < TRIES; tried++) {
      const due = [...this.abbreviating.due];
      // Rejects where the editor was closed meanwhile.
      const done = await Promise.resolve(this.edit(due)).catch(() => undefined);
      if (done === undefined) break;
      if (!done) await new Promise(resolve => setTimeout(resolve, AGAIN));
      else this.moveCursor(due);
    }
    this.abbreviating.forget();
    this.replacing = false;
  }

  private edit(due: readonly Replacement[]): Thenable<boolean> {
    const { document } = this.editor;
    return this.editor.edit(builder => {
      for (const r of due) {
        builder.replace(new vscode.Range(document.positionAt(r.start), document.positionAt(r.end)), r.text);
      }
    });
  }

  /** Puts the cursor where a symbol says (`⟨⟩`), if it still stands behind it. */
  private moveCursor(done: readonly Replacement[]): void {
    this.abbreviating.forget(done);
    if (done.every(r => r.cursor === undefined)) return;
    const { document } = this.editor;
    let grown = 0;
    const behind = new Map<number, number>();
    for (const r of [...done].sort((a, b) => a.start - b.start)) {
      const start = r.start + grown;
      grown += r.text.length - (r.end - r.start);
      if (r.cursor !== undefined) behind.set(start + r.text.length, start + r.cursor);
    }
    this.editor.selections = this.editor.selections.map(s => {
      const to = s.isEmpty ? behind.get(document.offsetAt(s.active)) : undefined;
      if (to === undefined) return s;
      const position = document.positionAt(to);
      return new vscode.Selection(position, position);
    });
  }

  dispose(): void {
    this.abbreviating.forget();
    if (this.wasOpen) void vscode.commands.executeCommand('setContext', 'leanCopilot.abbreviating', false);
    for (const s of this.subscriptions) s.dispose();
  }
}
