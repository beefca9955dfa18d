// Set-up, second step: gives every core module of the embedded Lean its own .ir file, so that user code
// compiles.
//
//   node ir.js <lib/lean>
//
// Lean loads X.ir beside X.olean for every module that code to be run at compile time may reach, and X.ir
// alone (no X.olean) for what a `module` file reaches only through private imports of its `meta import`s.
// The package ships no .ir files, but every .olean holds all that they need:
//   imports          the walk over the imports goes on through the .ir where the .olean is not loaded
//   extraConstNames  which module a name of the code generator belongs to (`List.appendTR._redArg`,
//                    `Nat.mul._boxed`, private and specialised helpers); in an .ir ALL names that have code,
//                    since the kernel constants of the .olean, which say it otherwise, may not be there
//   entries          `Lean.IR.declMapExt`: signature (`extern`: the native function in lean.wasm is called)
//                    or, for `meta` code, the body of each name; `Lean.regularInitAttr`
// So X.ir := a module record with these three of X.olean, without constants.
//
// File format (32-bit Lean): 88 bytes of head with the address that the file was made for at 0x50 and the
// root object at 0x54; then objects, 4-byte aligned (8-aligned ones make the loader hang), children before
// parents; pointers are that address + offset in the file. Names are copied with their stored hashes, so
// that none has to be computed here.
'use strict';
const fs = require('fs');
const path = require('path');

const HEAD = 0x58, BASE_AT = 0x50, ROOT_AT = 0x54;
const TAG = { string: 249, bignum: 250, array: 246, lastConstructor: 244 };
const ENTRIES = new Set(['Lean.IR.declMapExt', 'Lean.regularInitAttr']);
// structure ModuleData { imports, constNames, constants, extraConstNames, entries; isModule }
const FIELDS = 5, RECORD = 8 + FIELDS * 4 + 4, IMPORTS = 0, EXTRA_NAMES = 3, MODULE_ENTRIES = 4;
const align = n => (n + 3) & ~3;
const isSmall = word => (word & 1) === 1;                  // a number or a constructor without fields

// Reads the objects of an .olean.
class Olean {
  constructor(bytes, file) {
    this.bytes = bytes;
    this.file = file;
    if (bytes.toString('latin1', 0, 6) !== 'olean\x02') this.fail('not an .olean of format 2');
    this.base = this.u32(BASE_AT);
    this.root = this.at(this.u32(ROOT_AT));
    const r = this.root;
    if (this.tag(r) !== 0 || bytes[r + 6] !== FIELDS || bytes.readUInt16LE(r + 4) !== RECORD) this.fail('module record of another shape');
  }
  fail(why) { throw Error(`${why}: ${this.file}`); }
  u32(offset) { return this.bytes.readUInt32LE(offset); }
  tag(object) { return this.bytes[object + 7]; }
  field(object, i) { return this.u32(object + 8 + 4 * i); }
  // The object that a word points to.
  at(word) {
    const offset = word - this.base;
    if (isSmall(word) || offset < HEAD || offset >= this.bytes.length) this.fail('pointer expected');
    return offset;
  }
  items(word) {
    const object = this.at(word);
    if (this.tag(object) !== TAG.array) this.fail('array expected');
    return Array.from({ length: this.u32(object + 8) }, (_, i) => this.u32(object + 16 + 4 * i));
  }
  // A `Name`, with dots between its parts.
  name(word) {
    if (isSmall(word)) return '';
    const object = this.at(word), kind = this.tag(object);
    if (kind !== 1 && kind !== 2) this.fail('name of another shape');
    const before = this.name(this.field(object, 0)), part = this.field(object, 1);
    const last = isSmall(part) ? part >>> 1 : kind === 2 ? 'big' : this.string(this.at(part));
    return before ? `${before}.${last}` : String(last);
  }
  string(object) { return this.bytes.toString('utf8', object + 20, object + 19 + this.u32(object + 8)); }
  // Where an object's pointers are: [offset of the first, how many, length of the object].
  shape(object) {
    const tag = this.tag(object);
    if (tag === TAG.string) return [0, 0, 20 + this.u32(object + 8)];
    if (tag === TAG.bignum) {
      if (this.at(this.u32(object + 16)) !== object + 20) this.fail('big number of another shape');
      return [0, 0, 20 + 4 * this.u32(object + 12)];
    }
    if (tag === TAG.array) return [16, this.u32(object + 8), 16 + 4 * this.u32(object + 8)];
    if (tag > TAG.lastConstructor) this.fail('object of unknown kind');
    return [8, this.bytes[object + 6], this.bytes.readUInt16LE(object + 4)];
  }
}

// Writes objects, made for another address than the .olean's, so that both can be loaded in place.
class Writer {
  constructor(from) {
    this.from = from;
    this.base = (from.base ^ 0x00800000) >>> 0;
    this.parts = [];
    this.size = HEAD;
    this.done = new Map();                                 // object of the .olean → word
  }
  put(bytes) {
    this.parts.push(bytes);
    this.size += bytes.length;
    return (this.base + this.size - bytes.length) >>> 0;
  }
  // Copies what a word points to, children first; returns the new word.
  copy(word) {
    if (isSmall(word)) return word;
    const { from, done } = this, stack = [from.at(word)];
    while (stack.length) {
      const object = stack[stack.length - 1];
      if (done.has(object)) { stack.pop(); continue; }
      const [first, count, length] = from.shape(object);
      let ready = true;
      for (let i = count - 1; i >= 0; i--) {
        const w = from.u32(object + first + 4 * i);
        if (!isSmall(w) && !done.has(from.at(w))) { stack.push(from.at(w)); ready = false; }
      }
      if (!ready) continue;
      stack.pop();
      done.set(object, this.put(this.moved(object, first, count, length)));
    }
    return done.get(from.at(word));
  }
  moved(object, first, count, length) {
    const { from, done } = this, copy = Buffer.alloc(align(length)), tag = from.tag(object);
    from.bytes.copy(copy, 0, object, object + length);
    if (tag === TAG.string || tag === TAG.array) copy.writeUInt32LE(from.u32(object + 8), 12);   // capacity := size
    if (tag === TAG.bignum) copy.writeUInt32LE((this.base + this.size + 20) >>> 0, 16);          // its digits follow it
    for (let i = 0; i < count; i++) {
      const w = from.u32(object + first + 4 * i);
      if (!isSmall(w)) copy.writeUInt32LE(done.get(from.at(w)), first + 4 * i);
    }
    return copy;
  }
  array(words) {
    const bytes = Buffer.alloc(16 + 4 * words.length);
    bytes[4] = 1;
    bytes[7] = TAG.array;
    bytes.writeUInt32LE(words.length, 8);
    bytes.writeUInt32LE(words.length, 12);
    words.forEach((w, i) => bytes.writeUInt32LE(w, 16 + 4 * i));
    return this.put(bytes);
  }
  // The file: head of the .olean with our addresses, then the objects.
  finish(root) {
    const head = Buffer.from(this.from.bytes.subarray(0, HEAD));
    head.writeUInt32LE(this.base, BASE_AT);
    head.writeUInt32LE(root, ROOT_AT);
    return Buffer.concat([head, ...this.parts]);
  }
}

// The .ir of an .olean: { ir, count: how many names have code }.
function irOf(bytes, file) {
  const olean = new Olean(bytes, file), out = new Writer(olean), root = olean.root;
  const names = new Set(), entries = [];
  for (const entry of olean.items(olean.field(root, MODULE_ENTRIES))) {
    const extension = olean.name(olean.field(olean.at(entry), 0));
    if (!ENTRIES.has(extension)) continue;
    const list = olean.items(olean.field(olean.at(entry), 1));
    if (!list.length) continue;
    entries.push(out.copy(entry));
    if (extension === 'Lean.IR.declMapExt') for (const d of list) names.add(out.copy(olean.field(olean.at(d), 0)));
  }
  for (const word of olean.items(olean.field(root, EXTRA_NAMES))) names.add(out.copy(word));
  const imports = out.copy(olean.field(root, IMPORTS)), empty = out.array([]);
  const record = Buffer.from(bytes.subarray(root, root + RECORD));
  [imports, empty, empty, out.array([...names]), out.array(entries)].forEach((w, i) => record.writeUInt32LE(w, 8 + 4 * i));
  return { ir: out.finish(out.put(record)), count: names.size };
}

// Lean walks the objects one after the other when it loads a file, and would hang or crash on a bad one:
// walk them the same way, and see that every pointer goes back to the start of an object.
function check(bytes, file) {
  const base = bytes.readUInt32LE(BASE_AT), starts = new Set();
  const fail = what => { throw Error(`bad ${what} in the .ir made for ${file}`); };
  let at = HEAD;
  while (at < bytes.length) {
    const tag = bytes[at + 7];
    let length, first = 0, count = 0;
    if (tag === TAG.string) length = 20 + bytes.readUInt32LE(at + 12);
    else if (tag === TAG.bignum) length = 20 + 4 * bytes.readUInt32LE(at + 12);
    else if (tag === TAG.array) { first = at + 16; count = bytes.readUInt32LE(at + 8); length = 16 + 4 * bytes.readUInt32LE(at + 12); }
    else { first = at + 8; count = bytes[at + 6]; length = bytes.readUInt16LE(at + 4); }
    for (let i = 0; i < count; i++) {
      const w = bytes.readUInt32LE(first + 4 * i);
      if (!isSmall(w) && !starts.has((w - base) >>> 0)) fail('pointer');
    }
    if (length < 8) fail('object');
    starts.add(at);
    at += align(length);
  }
  if (at !== bytes.length || !starts.has((bytes.readUInt32LE(ROOT_AT) - base) >>> 0)) fail('end');
}

function walk(folder) {
  let names = 0;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) names += walk(file);
    else if (file.endsWith('.olean')) {
      const { ir, count } = irOf(fs.readFileSync(file), file);
      check(ir, file);
      fs.writeFileSync(file.replace(/olean$/, 'ir'), ir);
      names += count;
    }
  }
  return names;
}

if (!walk(process.argv[2])) throw Error('no names that have code were found');
