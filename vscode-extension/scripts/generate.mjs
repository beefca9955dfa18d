// Writes what mirrors the Rust side: src/protocol.ts, src/settingKeys.ts and the settings in package.json.
// `--check` writes nothing and fails where they differ.

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { readConstants, readDefaults, readTypes, typeScript } from './rust.mjs';

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const rust = file => fs.readFileSync(path.join(here, '..', 'src', file), 'utf8');

/** Which types cross the wire, from which file; a second name where two Rust types share one. */
const wire = [
  ['proof/goal.rs', { Hypothesis: '', Goal: '' }],
  ['proof/candidate.rs', { Source: '', Candidate: '' }],
  ['proof/verdict.rs', { VerdictKind: '', Verdict: '' }],
  ['proof/outcome.rs', { OutcomeKind: '' }],
  ['lsp/protocol.rs', null],
  ['feedback/record.rs', { Tried: 'RecordedCandidate', Round: 'RecordedRound', Evidence: '', Outcome: '', Recorded: '' }],
  ['feedback/store/mod.rs', { Stats: '' }],
];

/** Parameters that we write: what has a default in Rust need not be given. */
const isOurs = name => name.endsWith('Params') && !['SuggestionsParams', 'StatusParams'].includes(name);

function comment(doc, indent = '') {
  if (!doc) return '';
  const words = doc.split(' ');
  const lines = [''];
  for (const word of words) {
    const last = lines.at(-1);
    if (last && (indent + last).length + word.length > 104) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines.length === 1
    ? `${indent}/** ${lines[0]} */\n`
    : `${indent}/**\n${lines.map(l => `${indent} * ${l}\n`).join('')}${indent} */\n`;
}

function protocol() {
  const out = [
    '// The types of `$/leanCopilot/*` as the Rust side defines them. Written by `npm run generate`; not by hand.',
    "import type { Position, Range } from 'vscode-languageserver-protocol';\n",
  ];
  const constants = readConstants(rust('lsp/protocol.rs')).filter(c => c.name !== 'PREFIX');
  const member = c => `${comment(c.doc, '  ')}  ${c.name.toLowerCase()}: '${c.value}',\n`;
  out.push(`/** Names of the methods. */\nexport const method = {\n${constants.map(member).join('')}} as const;\n`);
  const names = new Map();
  const read = wire.map(([file, wanted]) => {
    const types = [...readTypes(rust(file)).values()].filter(t => !wanted || t.name in wanted);
    for (const name of Object.keys(wanted ?? {})) {
      if (!types.some(t => t.name === name)) throw new Error(`\`${name}\` is not in src/${file} any more`);
    }
    const local = new Map(types.map(t => [t.name, wanted?.[t.name] || t.name]));
    for (const [k, v] of local) if (!names.has(k)) names.set(k, v);
    return { types, local };
  });
  for (const { types, local } of read) {
    const known = name => local.get(name) ?? names.get(name);
    for (const type of types) out.push(declaration(type, known));
  }
  return out.join('\n');
}

function declaration(type, known) {
  const name = known(type.name);
  if (type.kind === 'enum') {
    const values = type.members.map(m => `'${m.name}'`);
    const meaning = type.members.map(m => `\`${m.name}\`: ${m.doc}`).join(' ');
    return `${comment(`${type.doc} ${meaning}`)}export type ${name} = ${values.join(' | ')};\n`;
  }
  const bases = type.members.filter(m => m.flatten && known(m.type)).map(m => known(m.type));
  const fields = type.members
    .filter(m => !bases.includes(known(m.type)) || !m.flatten)
    .map(m => {
      if (m.flatten) return `${comment(m.doc, '  ')}  [key: string]: unknown;\n`;
      const optional = m.skipped || (isOurs(type.name) && m.byDefault);
      const inner = optional ? m.type.replace(/^Option<(.+)>$/, '$1') : m.type;
      return `${comment(m.doc, '  ')}  ${m.name}${optional ? '?' : ''}: ${typeScript(inner, known)};\n`;
    });
  const base = bases.length ? ` extends ${bases.join(', ')}` : '';
  return `${comment(type.doc)}export interface ${name}${base} {\n${fields.join('')}}\n`;
}

/** The settings of the sidecar: `pause_ms` is `leanCopilot.pauseMs`. */
function settings() {
  const source = rust('config.rs');
  const types = readTypes(source);
  const defaults = readDefaults(source, 'Settings');
  return types.get('Settings').members.map(member => {
    const key = member.rust;
    const inner = /^Option<(.+)>$/.exec(member.type)?.[1];
    const type = inner ?? member.type;
    const choice = types.get(type);
    const json = /^(u|i)(8|16|32|64|size)$/.test(type)
      ? 'integer'
      : { String: 'string', bool: 'boolean', f64: 'number', f32: 'number' }[type] ?? (choice ? 'string' : undefined);
    if (!json) throw new Error(`the setting \`${key}\` has the type \`${type}\`: teach scripts/generate.mjs`);
    const schema = {
      type: inner ? [json, 'null'] : json,
      default: literal(defaults.get(key), choice),
      markdownDescription: member.doc,
      scope: 'resource',
    };
    if (json === 'integer') schema.minimum = key === 'threads' ? 1 : 0;
    if (choice) {
      schema.enum = choice.members.map(m => m.name);
      schema.markdownEnumDescriptions = choice.members.map(m => m.doc);
    }
    return { key, name: key.replace(/_(\w)/g, (_, c) => c.toUpperCase()), schema };
  });
}

function literal(expression, choice) {
  if (expression === undefined) throw new Error('a setting has no default');
  if (expression === 'None') return null;
  if (/^(true|false|[\d_.]+)$/.test(expression)) return JSON.parse(expression.replaceAll('_', ''));
  const variant = /^(\w+)::(\w+)$/.exec(expression)?.[2];
  const found = choice?.members.find(m => m.rust === variant);
  if (found) return found.name;
  throw new Error(`the default \`${expression}\` is not understood: teach scripts/generate.mjs`);
}

const all = settings();
const manifest = JSON.parse(fs.readFileSync(path.join(here, 'package.json'), 'utf8'));
const section = manifest.contributes.configuration.find(s => s.title === 'Sidecar');
section.properties = Object.fromEntries(all.map(s => [`leanCopilot.${s.name}`, s.schema]));
const keys = `// The sidecar's settings: VS Code's name after \`leanCopilot.\` and the key that the sidecar knows.
// Written by \`npm run generate\`; not by hand.

/** \`[name, key]\` of every setting that is passed on. */
export const settingKeys = [
${all.map(s => `  ['${s.name}', '${s.key}'],\n`).join('')}] as const;
`;
const files = {
  'src/protocol.ts': protocol(),
  'src/settingKeys.ts': keys,
  'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
};
let stale = false;
for (const [name, text] of Object.entries(files)) {
  const file = path.join(here, name);
  const old = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  if (old === text) continue;
  if (process.argv.includes('--check')) {
    console.error(`error: ${name} does not mirror the Rust side\nhint: npm run generate`);
    stale = true;
  } else {
    fs.writeFileSync(file, text);
    console.error(`wrote ${name}`);
  }
}
process.exitCode = stale ? 1 : 0;
