// What an editor needs to know of the language, where the official extension does not say it.

import * as vscode from 'vscode';

/** Comments, brackets and indentation of Lean 4. */
export function describeLanguage(): vscode.Disposable {
  return vscode.languages.setLanguageConfiguration('lean4', {
    comments: { lineComment: '--', blockComment: ['/-', '-/'] },
    brackets: [['(', ')'], ['[', ']'], ['{', '}'], ['⟨', '⟩'], ['⟪', '⟫'], ['«', '»']],
    autoClosingPairs: [
      { open: '(', close: ')' },
      { open: '[', close: ']' },
      { open: '{', close: '}' },
      { open: '⟨', close: '⟩' },
      { open: '"', close: '"', notIn: [vscode.SyntaxTokenType.String, vscode.SyntaxTokenType.Comment] },
    ],
    onEnterRules: [
      { beforeText: /(?:\b(?:by|do|where|then|else|with)|=>)\s*$/, action: { indentAction: vscode.IndentAction.Indent } },
    ],
  });
}

/**
 * A file that was opened before VS Code knew of this extension keeps the indentation of plain text: the language is
 * set anew, but not what the language says of it. VS Code is told to look again.
 */
export async function settleIndentation(): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.languageId !== 'lean4') return;
  const configuration = vscode.workspace.getConfiguration('editor', editor.document);
  const tabSize = configuration.get<number>('tabSize');
  if (tabSize === undefined || editor.options.tabSize === tabSize) return;
  if (configuration.get<boolean>('detectIndentation', true)) {
    await vscode.commands.executeCommand('editor.action.detectIndentation');
  } else {
    editor.options = { tabSize, insertSpaces: configuration.get<boolean>('insertSpaces', true) };
  }
}
