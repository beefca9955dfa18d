// The patches to Emscripten's JavaScript runtime in lean.js: pure, text to text.
'use strict';

function replace(text, from, to) {
  if (!text.includes(from)) throw Error(`lean.js is not the build that is known: no ${from.slice(0, 80)}`);
  return text.replace(from, () => to);
}

// The function table: never walked, never filled from the exports (wasm.js did that once).
function table(head, tableSize) {
  head = replace(head, 'if(!functionsInTableMap){functionsInTableMap=new WeakMap;updateTableMap(0,wasmTable.length)}',
    'functionsInTableMap??=new WeakMap;');
  head = replace(head, 'updateGOT(origExports);', '');
  head = replace(head, 'if(isInternalSym(symName)){continue}var value=exports[symName];',
    'if(isInternalSym(symName)||!GOT[symName]){continue}var value=exports[symName];');
  // The entries that remain are JavaScript functions of dead graphics and sound libraries: left null.
  head = replace(head, 'var value=resolveGlobalSymbol(symName,true).sym;',
    'if(/^(emscripten_gl|al|SDL|egl|gl)/.test(symName)){entry.value=0;continue}var value=resolveGlobalSymbol(symName,true).sym;');
  // With its final length from the start it stays an array that V8 reads fast.
  return replace(head, 'var wasmTableMirror=[]', `var wasmTableMirror=new Array(${tableSize})`);
}

// Debug output that was left in the build (`EM_ASM` blocks that print on standard output), and the one
// block after which `System.Platform.isEmscripten` is set to false: this build uses it to read all imports
// at the `exported` level, which loses the code of imported user modules (macros, definitions to be run).
// The price is the .ir files that ir.js writes.
function debugBlocks(head, isEmscripten) {
  const from = head.indexOf('938380:()=>{console.log("[DEBUG:G]'), to = head.indexOf('943512:()=>{debugger}');
  const number = pattern => {
    const m = pattern.exec(head);
    if (!m) throw Error(`lean.js is not the build that is known: no ${pattern}`);
    return m[1];
  };
  if (from < 0 || to < from) throw Error('lean.js is not the build that is known: no debug blocks');
  const assertion = number(/(\d{6}):\(\$0,\$1,\$2\)=>\{console\.log\("\[DEBUG:ASSERT\]/);
  const initialised = number(/(\d{6}):\(\)=>\{console\.log\("\[DEBUG:INIT\] initialize_Init\(\) done/);
  const blocks = head.slice(from, to).match(/(?:^|,)(\d{6}):/g).map(x => x.replace(/\D/g, '')).map(id => {
    if (id === assertion) return `${id}:($0,$1,$2)=>{err("LEAN ASSERT "+UTF8ToString($0)+":"+$1+" "+UTF8ToString($2))}`;
    return `${id}:()=>{${id === initialised ? `growMemViews();HEAPU8[${isEmscripten}]=0` : ''}}`;
  });
  return `${head.slice(0, from)}${blocks.join(',')},${head.slice(to)}`;
}

// Threads: a small pool, large stacks, and what the host layer shares handed to each of them.
function threads(head) {
  head = replace(head, 'var pthreadPoolSize=4;', 'var pthreadPoolSize=Module["poolSize"]??4;');
  head = replace(head, 'new Worker(pthreadMainJs,{workerData:"em-pthread",name:"em-pthread"})',
    'new Worker(pthreadMainJs,{workerData:"em-pthread",name:"em-pthread",resourceLimits:{stackSizeMb:64}})');
  head = replace(head, 'dynamicLibraries,sharedModules})', 'dynamicLibraries,sharedModules,env:ENV,hostShared:HOST.shared})');
  head = replace(head, 'wasmMemory=msgData.wasmMemory;updateMemoryViews();',
    'Object.assign(ENV,msgData.env);HOST.shared=msgData.hostShared;wasmMemory=msgData.wasmMemory;updateMemoryViews();');
  // Lean's `main` runs in a thread of its own (start routine -1), so that the JavaScript main thread only
  // starts threads and feeds standard input, and never blocks.
  return replace(head, 'var result=getWasmTableEntry(ptr)(arg);',
    'var result=ptr==-1||ptr==4294967295?HOST.threadMain(arg):getWasmTableEntry(ptr)(arg);HOST.threadDone();');
}

// head, tail: lean.js before and after its table of exports.
function patch(head, tail, { tableSize, isEmscripten }) {
  head = debugBlocks(table(head, tableSize), isEmscripten);
  head = threads(head);
  head = replace(head, 'if(isNode){path=__filename}else{path="/bin/lean.wasm"}', 'path=ENV.LEAN_WASM_APP;');
  head = replace(head, 'var Module=typeof Module!="undefined"?Module:{};', 'var Module=globalThis.Module??{};');
  tail = replace(tail, 'if(!noInitialRun)callMain(args);', 'if(!noInitialRun)HOST.startMain(args);');
  // Line breaks, for stack traces that can be read.
  head = head.replaceAll('}function ', '}\nfunction ').replaceAll(';var ', ';\nvar ');
  return { head, tail };
}

module.exports = { patch };
