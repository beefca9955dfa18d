// Rewrites lean.wasm: 201,110 exports become entries of a static function table, and a list of symbols.
//
// As built, every thread puts 193,000 exported functions one by one into the function table at its start,
// and every dlsym (the interpreter asks for each function it calls) walks all names. Here the exports are
// cut to what the runtime uses; all other exported functions get a place in the table by a second element
// segment. So name → table index holds in all threads alike, without growth and without messages, and the
// result stays below the 100,000 exports that older versions of V8 allow. The code is copied verbatim.
'use strict';

// A reader over the module's bytes.
class Cursor {
  constructor(bytes, at) { this.bytes = bytes; this.at = at; }
  byte() { return this.bytes[this.at++]; }
  u() {
    let value = 0, shift = 0, b;
    do { b = this.byte(); value += (b & 127) * 2 ** shift; shift += 7; } while (b & 128);
    return value;
  }
  i32() {
    let value = 0, shift = 0, b;
    do { b = this.byte(); value |= (b & 127) << shift; shift += 7; } while (b & 128);
    return shift < 32 && b & 64 ? value | -1 << shift : value;
  }
  name() { const n = this.u(); this.at += n; return this.bytes.latin1Slice(this.at - n, this.at); }
  limits() { const flags = this.u(); const min = this.u(); if (flags & 1) this.u(); return min; }
}

const SECTION = { import: 2, table: 4, global: 6, export: 7, element: 9 };
const KIND = { function: 0, table: 1, memory: 2, global: 3 };

function uleb(n) {
  const out = [];
  do { const b = n % 128; n = Math.floor(n / 128); out.push(n ? b | 128 : b); } while (n);
  return out;
}
function sleb(n) {
  const out = [];
  for (;;) {
    const b = n & 127;
    n >>= 7;
    if ((n === 0 && !(b & 64)) || (n === -1 && b & 64)) { out.push(b); return out; }
    out.push(b | 128);
  }
}
function section(id, parts) {
  const body = Buffer.concat(parts.map(p => Buffer.from(p)));
  return Buffer.concat([Buffer.from([id, ...uleb(body.length)]), body]);
}

function sections(bytes) {
  const list = [], c = new Cursor(bytes, 8);
  while (c.at < bytes.length) {
    const start = c.at, id = c.byte(), length = c.u();
    list.push({ id, start, body: c.at, end: c.at + length });
    c.at += length;
  }
  return list;
}

// How many globals are imported: they come first among the numbers of globals.
function importedGlobals(c) {
  let globals = 0;
  for (let n = c.u(); n--;) {
    c.name(); c.name();
    const kind = c.byte();
    if (kind === KIND.function) c.u();
    else if (kind === KIND.table) { c.byte(); c.limits(); }
    else if (kind === KIND.memory) c.limits();
    else { c.at += 2; globals++; }
  }
  return globals;
}

// Initial values of the globals that are constants: the addresses of exported data.
function globalValues(c, first) {
  const values = [], skip = { 0x43: 4, 0x44: 8 };
  for (let n = c.u(), i = first; n--; i++) {
    c.at += 2;                                            // type, mutability
    const op = c.byte();
    if (op === 0x41) values[i] = c.i32();
    else if (op === 0x23) c.u();
    else if (op === 0x42) { while (c.byte() & 128); }
    else if (skip[op]) c.at += skip[op];
    else throw Error(`global with the initial operation ${op}`);
    if (c.byte() !== 0x0b) throw Error('global with a longer initial expression');
  }
  return values;
}

// bytes: lean.wasm; keep: Set of export names that stay exports.
// Returns { wasm, symbols: [[name, table index or address]], tableSize }.
function rewrite(bytes, keep) {
  const all = sections(bytes), at = id => new Cursor(bytes, all.find(s => s.id === id).body);
  const values = globalValues(at(SECTION.global), importedGlobals(at(SECTION.import)));

  const table = at(SECTION.table);
  if (table.u() !== 1) throw Error('more than one table');
  const tableType = table.byte(), tableMin = table.limits();

  const element = at(SECTION.element);
  if (element.u() !== 1 || element.u() !== 0 || element.byte() !== 0x41) throw Error('element section of another shape');
  const offset = element.i32();
  element.byte();
  const slotOf = new Map();
  for (let n = element.u(), i = 0; i < n; i++) slotOf.set(element.u(), offset + i);

  const kept = [], added = [], symbols = [], c = at(SECTION.export);
  let tableSize = tableMin;
  for (let n = c.u(); n--;) {
    const start = c.at, name = c.name(), kind = c.byte(), index = c.u();
    if (keep.has(name) || kind === KIND.table) kept.push(bytes.subarray(start, c.at));
    if (kind === KIND.function) {
      if (!slotOf.has(index)) { slotOf.set(index, tableSize++); added.push(index); }
      symbols.push([name, slotOf.get(index)]);
    } else if (kind === KIND.global && values[index] !== undefined) symbols.push([name, values[index]]);
  }

  const out = [bytes.subarray(0, 8)];
  for (const s of all) {
    if (s.id === SECTION.table) out.push(section(s.id, [[1, tableType, 0, ...uleb(tableSize)]]));
    else if (s.id === SECTION.export) out.push(section(s.id, [uleb(kept.length), ...kept]));
    else if (s.id === SECTION.element) {
      const old = bytes.subarray(s.body + 1, s.end);      // after the count, which is 1: verbatim
      const ours = [];
      for (const f of added) ours.push(...uleb(f));
      out.push(section(s.id, [uleb(2), old, [0, 0x41, ...sleb(tableMin), 0x0b, ...uleb(added.length)], ours]));
    } else out.push(bytes.subarray(s.start, s.end));
  }
  return { wasm: Buffer.concat(out), symbols, tableSize };
}

// The symbols as a hash table with open addressing, [hash, second hash, value] a slot; two zeros: empty.
// `HOST.dlsym` in host-process.js reads it.
function symbolTable(symbols) {
  const capacity = 1 << 19, table = new Int32Array(capacity * 3);
  for (const [name, value] of symbols) {
    let a = 0x811c9dc5 | 0, b = 0x9747b28c | 0;
    for (let i = 0; i < name.length; i++) {
      const c = name.charCodeAt(i);
      a = Math.imul(a ^ c, 0x01000193);
      b = Math.imul(b ^ c, 0x5bd1e995);
      b ^= b >>> 15;
    }
    let i = a & (capacity - 1);
    while (table[3 * i] || table[3 * i + 1]) i = (i + 1) & (capacity - 1);
    table.set([a, b, value], 3 * i);
  }
  return Buffer.from(table.buffer);
}

module.exports = { rewrite, symbolTable };
