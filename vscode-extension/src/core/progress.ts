// What long work tells, in words and shares. Pure; events are those of `--progress json`.

import { byteWords } from './words';

/** How far something is. */
export interface Progress {
  text: string;
  /** Between 0 and 1; null where it is not known. */
  done: number | null;
}

type Event = { event: string } & Record<string, unknown>;

const components: Record<string, string> = {
  node: 'Node.js',
  lean: 'Lean',
  onnxruntime: 'ONNX Runtime',
  'onnxruntime-cuda': 'ONNX Runtime for CUDA',
};

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function component(event: Event): string {
  const key = text(event.component);
  return components[key] ?? key;
}

/** An event of `runtime install`; undefined where there is nothing to show. */
export function installProgress(event: Event): Progress | undefined {
  switch (event.event) {
    case 'waiting':
      return { text: 'Another lean-copilot is installing; waiting for it', done: null };
    case 'start': {
      const download = Number(event.download);
      const size = download > 0 ? ` (${byteWords(download)} to fetch)` : '';
      return { text: `Installing ${component(event)}${size}`, done: null };
    }
    case 'fetch': {
      const [done, total] = [Number(event.done), Number(event.total)];
      const share = total > 0 ? Math.min(1, done / total) : null;
      const size = total > 0 ? `${byteWords(Math.min(done, total))} of ${byteWords(total)}` : byteWords(done);
      return { text: `Fetching ${component(event)}: ${size}`, done: share };
    }
    case 'set_up':
      return { text: `${component(event)}: ${text(event.step)}`, done: null };
    case 'note':
      return { text: text(event.message), done: null };
    case 'done':
      return { text: `${component(event)} is installed`, done: null };
    default:
      return undefined;
  }
}

/** An event of `finetune`. */
export function trainingProgress(event: Event): Progress | undefined {
  switch (event.event) {
    case 'step': {
      const left = Math.max(0, Math.round(Number(event.seconds_left)));
      const time = left >= 90 ? `${Math.round(left / 60)} min` : `${left} s`;
      const rate = Math.round(Number(event.tokens_per_second));
      return {
        text: `Step ${Number(event.step)}, loss ${Number(event.loss).toFixed(3)}, ${rate} tokens/s, ${time} left`,
        done: Math.max(0, Math.min(1, Number(event.done))),
      };
    }
    case 'evaluated':
      return { text: `Held-out loss ${Number(event.loss).toFixed(3)}`, done: null };
    case 'note':
      return { text: text(event.message), done: null };
    default:
      return installProgress(event);
  }
}

/** What `finetune --json` prints, as far as it is shown. */
export interface Report {
  bundle: string;
  bundle_before?: string | null;
  heldout_before: number;
  heldout_after: number;
  heldout_exact?: number;
  heldout_steps: number;
  loss_before: number;
  loss_after: number;
  rows: number;
  steps: number;
  elapsed_ms: number;
  in_use: boolean;
}

/** The report before and after, as rows of a table, and what it means. */
export function reportLines(r: Report): { lines: [string, string][]; note: string } {
  const pair = (before: number, after: number): string => `${before.toFixed(4)} → ${after.toFixed(4)}`;
  const lines: [string, string][] = [
    ['Bundle', r.bundle_before ? `${r.bundle_before} → ${r.bundle}` : r.bundle],
    ['Loss on what was recorded', pair(r.loss_before, r.loss_after)],
    [`Loss on ${r.heldout_steps} steps never trained on`, pair(r.heldout_before, r.heldout_after)],
    ...(r.heldout_exact === undefined ? [] : [['Of these reproduced exactly', `${(100 * r.heldout_exact).toFixed(1)} %`] as [string, string]]),
    ['Learned from', `${r.rows} judged tactics in ${r.steps} steps, ${(r.elapsed_ms / 1000).toFixed(0)} s`],
  ];
  const note = r.in_use
    ? 'The new bundle is in use: the running sidecar takes it up at its next suggestion.'
    : 'It got worse on steps never trained on, so it is not put into use. The bundle before stays.';
  return { lines, note };
}
