// A stream cut into lines, and lines that are JSON objects among others.

/** Collects chunks and gives whole lines. */
export class Lines {
  private rest = '';

  constructor(private readonly line: (text: string) => void) {}

  push(chunk: string): void {
    const parts = (this.rest + chunk).split('\n');
    this.rest = parts.pop() ?? '';
    for (const part of parts) this.line(part.replace(/\r$/, ''));
  }

  /** The stream is over: what is left is a line. */
  end(): void {
    if (this.rest) this.line(this.rest);
    this.rest = '';
  }
}

/** A line as a JSON object with an `event`; undefined where it is something else. */
export function progressEvent(line: string): { event: string; [key: string]: unknown } | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is { event: string } {
  return typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string';
}
