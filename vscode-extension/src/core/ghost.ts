// Ghost text: which suggestions can stand at the cursor as text that is not there yet, and what of them.

import type { Position, Range } from 'vscode-languageserver-protocol';

import type { Edit, Suggestion } from '../protocol';

/** A suggestion as ghost text. */
export interface Ghost {
  id: string;
  /** What is inserted in place of `range`. */
  insertText: string;
  range: Range;
}

/** Whether nothing but a tactic can stand here: behind the cursor only space, before it space or an opener. */
export function isTacticPosition(line: string, character: number): boolean {
  if (line.slice(character).trim() !== '') return false;
  const before = line.slice(0, character);
  return /^\s*$/.test(before) || /(?:\bby|·|=>|<;>|;)\s*$/.test(before);
}

/**
 * What an editor can show of an edit at the cursor: an insertion, or a replacement that keeps what stands
 * there as its beginning. `line` is the text of the cursor's line. None where the edit is of another kind
 * (in place of a `sorry`): it is offered elsewhere.
 */
export function ghostOf(edit: Edit, line: string, position: Position): Pick<Ghost, 'insertText' | 'range'> | undefined {
  const { start, end } = edit.range;
  if (start.line !== position.line || end.line !== position.line) return undefined;
  if (position.character < start.character || position.character > end.character) return undefined;
  const replaced = line.slice(start.character, end.character);
  if (edit.newText.startsWith(replaced) && position.character === end.character) {
    return edit.newText === replaced ? undefined : { insertText: edit.newText, range: edit.range };
  }
  // Space at the end of a line is not worth a replacement that no editor can show: it stays.
  if (replaced.trim() === '' && edit.newText.startsWith('\n') && position.character === end.character) {
    return { insertText: edit.newText, range: { start: end, end } };
  }
  return undefined;
}

/** The ghosts of a list, best first. */
export function ghosts(suggestions: readonly Suggestion[], line: string, position: Position): Ghost[] {
  return suggestions.flatMap(s => {
    const ghost = ghostOf(s.edit, line, position);
    return ghost ? [{ id: s.id, ...ghost }] : [];
  });
}

/** What was shown, so that typing on along it needs no new question. */
export interface Shown {
  uri: string;
  /** The whole text when it was shown, and where the cursor was in it. */
  text: string;
  offset: number;
  /** By suggestion, the text from the cursor on. */
  rest: { id: string; text: string }[];
}

/** What a list of ghosts shows behind the cursor. */
export function shown(uri: string, text: string, offset: number, position: Position, list: readonly Ghost[]): Shown {
  const rest = list.map(g => ({ id: g.id, text: g.insertText.slice(position.character - g.range.start.character) }));
  return { uri, text, offset, rest };
}

/**
 * What remains of what was shown after the person went on along it, by hand or word by word: the text that
 * results is the very text that Lean accepted. Empty where the document changed in another way.
 */
export function continued(before: Shown, uri: string, text: string, offset: number): { id: string; text: string }[] {
  const grown = offset - before.offset;
  if (uri !== before.uri || grown <= 0 || text.length - before.text.length !== grown) return [];
  const typed = text.slice(before.offset, offset);
  const same =
    text.startsWith(before.text.slice(0, before.offset)) && text.endsWith(before.text.slice(before.offset));
  if (!same) return [];
  return before.rest.flatMap(r =>
    r.text.startsWith(typed) && r.text.length > typed.length ? [{ id: r.id, text: r.text.slice(typed.length) }] : [],
  );
}

/**
 * Which shown suggestion a change takes a part of: an insertion of several characters at the cursor that
 * begins it. A key gives one character or a pair of brackets; more at once is an acceptance word by word.
 */
export function partTaken(before: Shown, offset: number, removed: number, inserted: string): string | undefined {
  if (removed !== 0 || offset !== before.offset || inserted.length < 2) return undefined;
  if (['()', '[]', '{}', '⟨⟩', '""'].includes(inserted)) return undefined;
  return before.rest.find(r => r.text.startsWith(inserted) && r.text.length > inserted.length)?.id;
}
