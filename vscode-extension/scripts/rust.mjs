// Reads the plain data types of Rust sources: public structs and enums with their documentation and their
// serde attributes. Not a Rust parser: it knows the form that rustfmt gives such types, and refuses the rest.

/** The documentation and the attributes that stand directly above line `at`. */
function above(lines, at) {
  const docs = [];
  const attributes = [];
  for (let i = at - 1; i >= 0; i--) {
    const line = lines[i].trim();
    if (line.startsWith('///')) docs.unshift(line.slice(3).trim());
    else if (line.startsWith('#[')) attributes.unshift(line);
    else if (!line.startsWith('// ')) break;
  }
  return { doc: docs.join(' '), attributes: attributes.join(' ') };
}

function serde(attributes) {
  const text = [...attributes.matchAll(/#\[serde\((.*?)\)\](?=\s|$)/g)].map(m => m[1]).join(', ');
  return {
    renameAll: /rename_all = "(\w+)"/.exec(text)?.[1],
    rename: /\brename = "([^"]+)"/.exec(text)?.[1],
    skipped: /skip_serializing_if/.test(text),
    hidden: /\bskip\b/.test(text),
    byDefault: /\bdefault\b/.test(text),
    flatten: /\bflatten\b/.test(text),
  };
}

const camel = name => name.replace(/_(\w)/g, (_, c) => c.toUpperCase());
const snake = name => name.replace(/(?!^)([A-Z])/g, '_$1').toLowerCase();

function renamed(name, how) {
  switch (how) {
    case undefined:
      return name;
    case 'camelCase':
      return camel(name);
    case 'snake_case':
      return snake(name);
    case 'lowercase':
      return name.toLowerCase();
    default:
      throw new Error(`serde's rename_all = "${how}" is not known here`);
  }
}

/** All public structs with named fields and all public enums without data of a source. */
export function readTypes(source) {
  const code = source.split('#[cfg(test)]\nmod tests')[0];
  const lines = code.split('\n');
  const types = new Map();
  lines.forEach((line, at) => {
    const head = /^pub (struct|enum) (\w+) \{$/.exec(line);
    if (!head) return;
    const [, kind, name] = head;
    const { doc, attributes } = above(lines, at);
    const { renameAll } = serde(attributes);
    const members = [];
    for (let i = at + 1; lines[i] !== '}'; i++) {
      const member =
        kind === 'struct' ? /^ {4}pub (\w+): (.+),$/.exec(lines[i]) : /^ {4}(\w+),$/.exec(lines[i]);
      if (!member) continue;
      const own = above(lines, i);
      const how = serde(own.attributes);
      if (how.hidden) continue;
      members.push({
        rust: member[1],
        name: how.rename ?? renamed(member[1], renameAll),
        type: member[2],
        doc: own.doc,
        ...how,
      });
    }
    types.set(name, { kind, name, doc, members });
  });
  return types;
}

/** The string constants of a module: `pub const NAME: &str = "value";`. */
export function readConstants(source) {
  const lines = source.split('\n');
  return lines.flatMap((line, at) => {
    const found = /^\s*pub const (\w+): &str = "([^"]+)";$/.exec(line);
    return found ? [{ name: found[1], value: found[2], doc: above(lines, at).doc }] : [];
  });
}

/** The expressions of `impl Default for NAME`, by field. */
export function readDefaults(source, name) {
  const body = new RegExp(`impl Default for ${name} \\{[\\s\\S]*?${name} \\{\\n([\\s\\S]*?)\\n        \\}`).exec(
    source,
  );
  if (!body) throw new Error(`no \`impl Default for ${name}\``);
  return new Map([...body[1].matchAll(/^\s+(\w+): (.+),$/gm)].map(m => [m[1], m[2]]));
}

/** The TypeScript type of a Rust type. */
export function typeScript(rust, known) {
  const of = (wrapper, text) => new RegExp(`^${wrapper}<(.+)>$`).exec(text)?.[1];
  const inOption = of('Option', rust);
  if (inOption) return `${typeScript(inOption, known)} | null`;
  const inVec = of('Vec', rust);
  if (inVec) {
    const item = typeScript(inVec, known);
    return item.includes(' ') ? `(${item})[]` : `${item}[]`;
  }
  const inMap = /^(?:BTreeMap|HashMap|serde_json::Map)<String, (.+)>$/.exec(rust)?.[1];
  if (inMap) return `Record<string, ${typeScript(inMap, known)}>`;
  if (rust === 'String') return 'string';
  if (rust === 'bool') return 'boolean';
  if (/^(u|i|f)(8|16|32|64|size)$/.test(rust)) return 'number';
  if (rust === 'serde_json::Value' || rust === 'Value') return 'unknown';
  if (rust === 'Position' || rust === 'Range') return rust;
  if (known(rust)) return known(rust);
  throw new Error(`the Rust type \`${rust}\` has no counterpart here: teach scripts/rust.mjs`);
}
