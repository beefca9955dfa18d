// One piece of work at a time, the latest request wins: what piles up behind a running one is dropped.

/** Runs `work` for the latest input; an input that comes while one runs replaces the one that waits. */
export class LatestOnly<T> {
  private waiting: { input: T } | undefined;
  private running: AbortController | undefined;

  /** `work` gets a signal that is aborted when a newer input is there. It must not throw. */
  constructor(private readonly work: (input: T, signal: AbortSignal) => Promise<void>) {}

  /** Asks for `input`. */
  push(input: T): void {
    this.waiting = { input };
    if (this.running) this.running.abort();
    else void this.drain();
  }

  /** Drops what waits and aborts what runs. */
  clear(): void {
    this.waiting = undefined;
    this.running?.abort();
  }

  private async drain(): Promise<void> {
    while (this.waiting) {
      const { input } = this.waiting;
      this.waiting = undefined;
      this.running = new AbortController();
      await this.work(input, this.running.signal);
    }
    this.running = undefined;
  }
}
