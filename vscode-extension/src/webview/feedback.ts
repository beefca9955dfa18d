// The page of what is recorded: counts, acceptance over time, by source, the latest rows.

import type { FeedbackState, FromFeedback, ToFeedback } from '../core/messages';
import { acceptancePlot } from '../core/plot';
import { leaning, outcomeWords, type BySource, type Row } from '../core/summary';
import { byteWords, sourceWords } from '../core/words';
import { byId, element, svg } from './dom';
import { listen, post } from './host';

const send: (message: FromFeedback) => void = post;
const root = byId('root');

let state: FeedbackState | undefined;
let problem: string | undefined;
let training: { text: string; done: number | null } | undefined;
let report: { lines: [string, string][]; note: string } | undefined;

const number = new Intl.NumberFormat();

function button(label: string, kind: Exclude<FromFeedback['kind'], 'delete'>, className = ''): HTMLElement {
  return element('button', { class: className, onclick: () => send({ kind }) }, label);
}

function draw(): void {
  const parts: (HTMLElement | false)[] = [element('h1', {}, 'What is recorded')];
  if (problem !== undefined) parts.push(element('p', { class: 'problem', role: 'alert' }, problem));
  if (state) parts.push(...page(state));
  else if (problem === undefined) parts.push(element('p', { class: 'quiet-text' }, 'Reading.'));
  root.replaceChildren(...parts.filter(p => p !== false));
}

function page(s: FeedbackState): (HTMLElement | false)[] {
  const { summary } = s;
  const share = summary.days.reduce((n, d) => n + d.accepted, 0) / Math.max(1, summary.days.reduce((n, d) => n + d.offered, 0));
  const figures: [string, string][] = [
    ['goals looked at', number.format(summary.rounds)],
    ['tactics tried', number.format(summary.tried)],
    ['verified', number.format(summary.verified)],
    ['taken', number.format(summary.accepted)],
    ['undone', number.format(summary.undone)],
    ['refused', number.format(summary.rejected)],
    ['of the offers taken', summary.rounds > 0 ? `${Math.round(100 * share)} %` : '–'],
  ];
  return [
    element('p', {}, 'Project ', element('code', {}, s.project), '. ', s.recording ? 'Recording is on.' : 'Recording is off: nothing new is kept.'),
    element(
      'p',
      { class: 'quiet-text' },
      'Goals, the tactics tried there, Lean\'s answers and what you did with suggestions. All of it stays on this machine, in ',
      element('code', {}, s.stats.path),
      ` (${byteWords(s.stats.bytes)}, ${number.format(s.stats.rounds)} goals of ${s.stats.projects === 1 ? 'one project' : `${number.format(s.stats.projects)} projects`}). Nothing is sent anywhere.`,
    ),
    element('dl', { class: 'figures' }, ...figures.map(([name, value]) => element('div', { class: 'figure' }, element('dt', {}, name), element('dd', {}, value)))),
    s.partial && element('p', { class: 'quiet-text' }, `Counted are the newest ${number.format(summary.rounds)} goals of this project.`),
    element(
      'div',
      { class: 'actions' },
      element('button', { class: 'primary', disabled: training !== undefined, onclick: () => send({ kind: 'train' }) }, 'Learn from It…'),
      button('Export…', 'export'),
      button(s.recording ? 'Turn Recording off Here' : 'Turn Recording on Here', 'toggleRecording'),
      button('Delete This Project\'s…', 'deleteProject'),
      button('Delete Everything…', 'deleteAll'),
      button('Refresh', 'refresh'),
    ),
    trainingView(),
    reportView(),
    element('h2', {}, 'Taken, by day'),
    plot(s),
    element('h2', {}, 'By source'),
    sources(summary.sources),
    element('h2', {}, 'Latest'),
    rows(summary.rows),
  ];
}

function plot(s: FeedbackState): HTMLElement {
  if (!s.summary.days.some(d => d.offered > 0)) return element('p', { class: 'quiet-text' }, 'Nothing was offered yet.');
  return element('div', {}, svg(acceptancePlot(s.summary.days)));
}

function table(caption: string, heads: string[], body: HTMLElement[]): HTMLElement {
  const numeric = (h: string): string => (['Tried', 'Verified', 'Taken', 'Undone', 'Refused'].includes(h) ? 'number' : '');
  return element(
    'table',
    {},
    element('caption', { class: 'visually-hidden' }, caption),
    element('thead', {}, element('tr', {}, ...heads.map(h => element('th', { scope: 'col', class: numeric(h) }, h)))),
    element('tbody', {}, ...body),
  );
}

function sources(list: BySource[]): HTMLElement {
  const body = list.map(s =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, sourceWords(s.source)),
      ...[s.tried, s.verified, s.accepted, s.undone, s.rejected].map(n => element('td', { class: 'number' }, number.format(n))),
    ),
  );
  return table('Counts by source', ['Source', 'Tried', 'Verified', 'Taken', 'Undone', 'Refused'], body);
}

function rows(list: Row[]): HTMLElement {
  if (list.length === 0) return element('p', { class: 'quiet-text' }, 'No rows.');
  const body = list.map(r => {
    const when = new Date(r.time).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'short' });
    const place = `${r.file}:${r.line}`;
    const outcomes = r.outcomes.flatMap((o, i) => [
      i > 0 ? ', ' : '',
      element('span', { class: leaning(o) > 0 ? 'for' : leaning(o) < 0 ? 'against' : '' }, outcomeWords(o)),
    ]);
    return element(
      'tr',
      {},
      element('td', {}, when),
      element('td', { title: r.declaration ?? '' }, place),
      element('td', {}, element('code', {}, `⊢ ${r.goal}`)),
      element('td', {}, r.tactic === null ? element('span', { class: 'quiet-text' }, `none of ${r.tried}`) : element('code', {}, r.tactic)),
      element('td', {}, ...(outcomes.length > 0 ? outcomes : ['–'])),
      element('td', {}, element('button', { 'aria-label': `Delete the row of ${place}, ${when}`, onclick: () => send({ kind: 'delete', id: r.id }) }, 'Delete')),
    );
  });
  return table('The latest goals', ['When', 'Where', 'Goal', 'Best or taken', 'What became of it', ''], body);
}

function trainingView(): HTMLElement | false {
  if (!training) return false;
  const bar = training.done === null ? element('progress', {}) : element('progress', { max: 1, value: training.done });
  return element('section', { 'aria-label': 'Training' }, element('p', {}, training.text), bar);
}

function reportView(): HTMLElement | false {
  if (!report) return false;
  const body = report.lines.map(([name, value]) => element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value)));
  return element('section', { 'aria-label': 'Report' }, element('h2', {}, 'What was learned'), element('table', {}, element('tbody', {}, ...body)), element('p', {}, report.note));
}

listen(data => {
  const message = data as ToFeedback;
  switch (message.kind) {
    case 'state':
      state = message.state;
      problem = undefined;
      break;
    case 'problem':
      problem = message.message;
      training = undefined;
      break;
    case 'training':
      training = message;
      byId('live').textContent = message.text;
      break;
    case 'report':
      training = undefined;
      report = message;
      byId('live').textContent = message.note;
      break;
  }
  draw();
});
send({ kind: 'ready' });
