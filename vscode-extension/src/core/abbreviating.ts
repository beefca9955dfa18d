// Abbreviations while they are typed: which are open, which are to be replaced by which symbol, and where, while the
// text goes on changing under a replacement that is still on its way. Offsets are those of VS Code (UTF-16). Pure.

/** What is asked of `AbbreviationProvider`. */
export interface Symbols {
  findSymbolsByAbbreviationPrefix(prefix: string): string[];
  getSymbolForAbbreviation(abbreviation: string): string | undefined;
  /** The symbol of the longest abbreviation in a text, and what is left of it. */
  getReplacementText(abbreviation: string): string | undefined;
}

/** A change of the text, in the text before it. */
export interface TextChange {
  offset: number;
  removed: number;
  text: string;
}

/** Text that is to take the place of `start` to `end`. */
export interface Replacement {
  start: number;
  end: number;
  text: string;
  /** Where in `text` the cursor goes; undefined: behind it. */
  cursor: number | undefined;
}

/** What begins an abbreviation. */
const LEADER = '\\';

/** Where a symbol says that the cursor goes. */
const CURSOR = '$CURSOR';

/** An abbreviation that is being typed: the leader is at `start`, `text` stands behind it. */
interface Open {
  start: number;
  text: string;
}

/** Follows one document. */
export class Abbreviating {
  private open: Open[] = [];
  private waiting: Replacement[] = [];

  constructor(private readonly symbols: Symbols) {}

  /** What is to be replaced now. */
  get due(): readonly Replacement[] {
    return this.waiting;
  }

  /** Whether an abbreviation is being typed. */
  get isOpen(): boolean {
    return this.open.length > 0;
  }

  /** The text changed, by a person or by a replacement. */
  changed(changes: readonly TextChange[]): void {
    // From the end: what changes there moves nothing before it.
    for (const change of [...changes].sort((a, b) => b.offset - a.offset)) this.take(change);
  }

  /** The cursors moved: an abbreviation that none is in is over. */
  selected(cursors: readonly number[]): void {
    this.close(o => !cursors.some(c => o.start <= c && c <= endOf(o)));
  }

  /** The person wants the symbols now. */
  finish(): void {
    this.close(() => true);
  }

  /** Forgets everything, or what is done or cannot be done. */
  forget(done: readonly Replacement[] = this.waiting): void {
    this.waiting = this.waiting.filter(r => !done.includes(r));
  }

  private take(change: TextChange): void {
    const { offset, removed, text } = change;
    const grown = text.length - removed;
    const own = this.waiting.some(r => r.start === offset && r.end === offset + removed && r.text === text);
    this.waiting = this.waiting.flatMap(r => {
      if (offset + removed <= r.start) return [move(r, grown)];
      return offset >= r.end ? [r] : [];
    });
    let taken = false;
    const still: Open[] = [];
    for (const o of this.open) {
      const end = endOf(o);
      if (offset + removed <= o.start) {
        still.push({ ...o, start: o.start + grown });
      } else if (offset > end) {
        still.push(o);
      } else if (offset > o.start && offset + removed <= end) {
        const at = offset - o.start - 1;
        const longer = o.text.slice(0, at) + text + o.text.slice(at + removed);
        if (offset === end && this.symbols.findSymbolsByAbbreviationPrefix(longer).length === 0) {
          // What was typed behind it belongs to none: it is over.
          this.replace(o);
        } else {
          taken = true;
          still.push({ start: o.start, text: longer });
        }
      }
    }
    this.open = still;
    if (text === LEADER && !taken && !own) this.open.push({ start: offset, text: '' });
    this.close(o => this.isUnique(o.text));
  }

  private isUnique(text: string): boolean {
    return this.symbols.findSymbolsByAbbreviationPrefix(text).length === 1 && Boolean(this.symbols.getSymbolForAbbreviation(text));
  }

  private close(over: (o: Open) => boolean): void {
    for (const o of this.open) if (over(o)) this.replace(o);
    this.open = this.open.filter(o => !over(o));
  }

  private replace(o: Open): void {
    const symbol = this.symbols.getReplacementText(o.text);
    if (!symbol) return;
    const at = symbol.indexOf(CURSOR);
    const text = symbol.replace(CURSOR, '');
    this.waiting.push({ start: o.start, end: endOf(o), text, cursor: at < 0 ? undefined : at });
  }
}

function endOf(o: Open): number {
  return o.start + 1 + o.text.length;
}

function move(r: Replacement, by: number): Replacement {
  return { ...r, start: r.start + by, end: r.end + by };
}
