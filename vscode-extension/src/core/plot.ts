// A line plot of shares over days, as a tree that a webview turns into inline SVG. Pure.

import type { Day } from './summary';

/** An element: a name, attributes, children or text. */
export interface Node {
  name: string;
  attributes: Record<string, string>;
  children: (Node | string)[];
}

const WIDTH = 640;
const HEIGHT = 190;
const LEFT = 44;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 28;

function node(name: string, attributes: Record<string, string | number>, ...children: (Node | string)[]): Node {
  const texts = Object.entries(attributes).map(([k, v]) => [k, typeof v === 'number' ? String(round(v)) : v]);
  return { name, attributes: Object.fromEntries(texts) as Record<string, string>, children };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The share taken of each day with something offered; a day's point is larger the more was offered. */
export function acceptancePlot(days: readonly Day[], locale?: string): Node {
  const used = days.filter(d => d.offered > 0);
  const first = used[0]?.start ?? 0;
  const last = used.at(-1)?.start ?? first;
  const span = Math.max(last - first, 1);
  const x = (d: Day): number =>
    used.length === 1 ? (LEFT + WIDTH - RIGHT) / 2 : LEFT + ((d.start - first) / span) * (WIDTH - LEFT - RIGHT);
  const y = (share: number): number => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  const share = (d: Day): number => d.accepted / d.offered;
  const date = (time: number): string => new Date(time).toLocaleDateString(locale, { day: 'numeric', month: 'short' });
  const grid = [0, 0.5, 1].flatMap(s => [
    node('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y(s), y2: y(s) }),
    node('text', { class: 'tick', x: LEFT - 6, y: y(s) + 4, 'text-anchor': 'end' }, `${s * 100} %`),
  ]);
  const path = used.map((d, i) => `${i === 0 ? 'M' : 'L'}${round(x(d))} ${round(y(share(d)))}`).join(' ');
  const points = used.map(d =>
    node(
      'circle',
      { class: 'point', cx: x(d), cy: y(share(d)), r: 2.5 + Math.min(4, Math.sqrt(d.offered) / 2) },
      node('title', {}, `${date(d.start)}: ${d.accepted} of ${d.offered} taken`),
    ),
  );
  const ends = [...new Set([used[0], used.at(-1)])].flatMap(d =>
    d ? [node('text', { class: 'tick', x: x(d), y: HEIGHT - 8, 'text-anchor': anchor(d, used) }, date(d.start))] : [],
  );
  const label = used.length
    ? `Share of offers taken by day, from ${date(first)} to ${date(last)}: ${used.map(d => `${Math.round(100 * share(d))} %`).join(', ')}`
    : 'Nothing was offered yet';
  return node(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label, class: 'plot' },
    ...grid,
    ...(used.length > 1 ? [node('path', { class: 'curve', d: path })] : []),
    ...points,
    ...ends,
  );
}

function anchor(day: Day, used: readonly Day[]): string {
  if (used.length === 1) return 'middle';
  return day === used[0] ? 'start' : 'end';
}
