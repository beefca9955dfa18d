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
