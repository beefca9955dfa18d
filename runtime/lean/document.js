// Open documents as text, for workers that must be started again: pure.
'use strict';

// LSP position (UTF-16) → index into the string; beyond the end of a line or of the text: that end.
function offset(text, { line, character }) {
  let start = 0;
  for (; line > 0; line--) {
    const end = text.indexOf('\n', start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  const end = text.indexOf('\n', start);
  return Math.min(start + character, end < 0 ? text.length : end);
}

// Lean counts lines in the text with `\r\n` made `\n`; so must we.
const normal = text => text.replaceAll('\r\n', '\n');

// The text after the changes of one didChange.
function applyChanges(text, changes) {
  for (const change of changes) {
    const inserted = normal(change.text);
    text = change.range
      ? text.slice(0, offset(text, change.range.start)) + inserted + text.slice(offset(text, change.range.end))
      : inserted;
  }
  return text;
}

// Which file does a request belong to? `isOpen` tells what is a file. Most name it; what is resolved later
// (completionItem, codeAction) carries it somewhere in `data`.
function uriOf(params, isOpen) {
  if (!params || typeof params !== 'object') return undefined;
  const direct = params.textDocument?.uri ?? params.uri;
  if (direct) return direct;
  let found;
  JSON.stringify(params.data ?? null, (_, value) => {
    if (typeof value !== 'string') return value;
    const outside = /^«external:(.*)»$/.exec(value)?.[1];  // a module name made of a URI
    for (const uri of [value, outside]) if (uri !== undefined && isOpen(uri)) found ??= uri;
    return value;
  });
  return found;
}

module.exports = { applyChanges, normal, offset, uriOf };
