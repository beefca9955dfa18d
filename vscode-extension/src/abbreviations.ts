// `\alpha` becomes α while typing, as in the official extension and by its own package. Only where that
// extension is not there.

import { AbbreviationProvider, AbbreviationRewriter, Range, type AbbreviationConfig, type Change } from '@leanprover/unicode-input';
import * as vscode from 'vscode';

const CONFIG: AbbreviationConfig = { abbreviationCharacter: '\\', customTranslations: {}, eagerReplacementEnabled: true };

const TRIES = 10;

/** Follows the active editor. */
export class Abbreviations implements vscode.Disposable {
  private readonly provider = new AbbreviationProvider(CONFIG);
  private current: EditorAbbreviations | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    const follow = (editor: vscode.TextEditor | undefined): void => {
      this.current?.dispose();
      const on = vscode.workspace.getConfiguration('leanCopilot').get<boolean>('unicodeInput', true);
      this.current =
        on && editor?.document.languageId === 'lean4' ? new EditorAbbreviations(editor, this.provider) : undefined;
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
  private readonly rewriter: AbbreviationRewriter;
  private readonly subscriptions: vscode.Disposable[];
  /** Edits run one after the other: each sees the text that the one before left. */
  private work = Promise.resolve();

  constructor(
    private readonly editor: vscode.TextEditor,
    provider: AbbreviationProvider,
  ) {
    this.rewriter = new AbbreviationRewriter(CONFIG, provider, {
      // The editor moves cursors itself; only a symbol that says where the cursor goes (`⟨⟩`) wants it moved.
      selectionMoveMode: () => ({ kind: 'OnlyMoveCursorSelections', updateUnchangedSelections: false }),
      collectSelections: () => editor.selections.map(s => this.toRange(s)),
      setSelections: selections => {
        editor.selections = selections.map(s => {
          const r = this.fromRange(s);
          return new vscode.Selection(r.start, r.end);
        });
      },
      replaceAbbreviations: changes => this.replace(changes),
    });
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument(e => {
        if (e.document !== editor.document) return;
        // Our own edits too: whatever is typed meanwhile must not get lost between them.
        this.rewriter.changeInput(
          e.contentChanges.map(c => ({ range: new Range(c.rangeOffset, c.rangeLength), newText: c.text })),
        );
        this.queue(() => this.rewriter.triggerAbbreviationReplacement());
      }),
      vscode.window.onDidChangeTextEditorSelection(e => {
        if (e.textEditor !== editor) return;
        // Those of the moment in which it runs, as the tracked text is of that moment.
        this.queue(() => this.rewriter.changeSelections(editor.selections.map(s => this.toRange(s))));
      }),
    ];
  }

  finish(): void {
    this.queue(() => this.rewriter.replaceAllTrackedAbbreviations());
  }

  private queue(work: () => Promise<void>): void {
    this.work = this.work
      .then(work)
      .catch(() => undefined)
      .then(() => {
        const active = this.rewriter.getTrackedAbbreviations().size > 0;
        void vscode.commands.executeCommand('setContext', 'leanCopilot.abbreviating', active);
      });
  }

  /** VS Code refuses an edit of a text that has changed meanwhile: somebody types fast. Then it is tried again. */
  private async replace(changes: Change[]): Promise<boolean> {
    for (let tried = 0; tried < TRIES; tried++) {
      try {
        const done = await this.editor.edit(builder => {
          for (const change of changes) builder.replace(this.fromRange(change.range), change.newText);
        });
        if (done) return true;
      } catch {
        // The editor was closed meanwhile.
        return false;
      }
    }
    return false;
  }

  private toRange(range: vscode.Range): Range {
    const start = this.editor.document.offsetAt(range.start);
    return new Range(start, this.editor.document.offsetAt(range.end) - start);
  }

  private fromRange(range: Range): vscode.Range {
    const { document } = this.editor;
    // Not `offsetEnd`: that is the last character within, not the place behind it.
    const end = range.offset + range.length;
    return new vscode.Range(document.positionAt(range.offset), document.positionAt(end));
  }

  dispose(): void {
    this.rewriter.resetTrackedAbbreviations();
    void vscode.commands.executeCommand('setContext', 'leanCopilot.abbreviating', false);
    for (const s of this.subscriptions) s.dispose();
  }
}
