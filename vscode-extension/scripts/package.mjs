// Makes the VSIX: extension, program, and the share directory (models, runtime, examples).
//
//   npm run package                                      for this machine; builds the program if there is none
//   npm run package -- --target darwin-arm64 --binary F  for another one, with a program built for it
//   npm run package -- --base-images-url URL             for the Marketplace, which wants absolute picture links

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { createVSIX } from '@vscode/vsce';

import { build } from './build.mjs';
import { targetNames, unfit } from './targets.mjs';

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const repository = path.dirname(here);
const stage = path.join(here, 'out', 'stage');
const own = `${process.platform}-${process.arch}`;
const { values: options } = parseArgs({
  options: {
    target: { type: 'string', default: own },
    binary: { type: 'string' },
    out: { type: 'string' },
    'base-images-url': { type: 'string' },
  },
});

/** Ends with what is wrong and what helps. */
function fail(error, hint) {
  console.error(`error: ${error}\nhint: ${hint}`);
  process.exit(1);
}

/** The program that goes into the VSIX; it runs where the VSIX is installed. */
function program() {
  const { target } = options;
  if (!targetNames.includes(target)) fail(`there is no target ${target}`, `one of ${targetNames.join(', ')}`);
  const file = options.binary ?? ownProgram();
  if (!fs.existsSync(file)) fail(`${file} is not there`, '--binary names the program, built for the target');
  const head = Buffer.alloc(4096);
  const descriptor = fs.openSync(file);
  fs.readSync(descriptor, head);
  fs.closeSync(descriptor);
  const wrong = unfit(target, head);
  if (wrong) fail(`${file} does not run on ${target}: ${wrong}`, '--binary names the program, built for the target');
  return file;
}

function ownProgram() {
  if (options.target !== own) {
    fail(
      `a VSIX for ${options.target} needs the program built for it, and this machine is ${own}`,
      `build it there (cargo build --release), then: npm run package -- --target ${options.target} --binary PATH`,
    );
  }
  const target = process.env.CARGO_TARGET_DIR ?? path.join(repository, 'target');
  const name = process.platform === 'win32' ? 'lean-copilot.exe' : 'lean-copilot';
  const file = path.join(target, 'release', name);
  if (!fs.existsSync(file)) {
    console.error('building the program: cargo build --release');
    execFileSync('cargo', ['build', '--release', '--bin', 'lean-copilot'], { cwd: repository, stdio: 'inherit' });
  }
  return file;
}

function copy(from, to) {
  fs.cpSync(from, path.join(stage, to), { recursive: true, dereference: true });
}

const binary = program();
await build();
fs.rmSync(stage, { recursive: true, force: true });
fs.mkdirSync(stage, { recursive: true });
for (const name of ['dist', 'media', 'walkthrough', 'CHANGELOG.md']) copy(path.join(here, name), name);
copy(path.join(repository, 'LICENSE'), 'LICENSE');
copy(binary, path.join('bin', options.target.startsWith('win32') ? 'lean-copilot.exe' : 'lean-copilot'));
for (const name of ['models', 'runtime', 'examples']) copy(path.join(repository, name), path.join('bin', 'share', name));

// The pictures lie in the repository's documentation; in the VSIX they lie beside the README.
const pictures = new Set();
const readme = fs.readFileSync(path.join(here, 'README.md'), 'utf8').replace(/\.\.\/docs\/images\/([\w.-]+)/g, (_, name) => {
  pictures.add(name);
  return `images/${name}`;
});
fs.writeFileSync(path.join(stage, 'README.md'), readme);
for (const name of pictures) copy(path.join(repository, 'docs', 'images', name), path.join('images', name));

const manifest = JSON.parse(fs.readFileSync(path.join(here, 'package.json'), 'utf8'));
for (const key of ['private', 'scripts', 'devDependencies']) delete manifest[key];
fs.writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

const vsix = options.out ?? path.join(here, `lean-copilot-${options.target}-${manifest.version}.vsix`);
await createVSIX({
  cwd: stage,
  packagePath: vsix,
  target: options.target,
  dependencies: false,
  allowMissingRepository: true,
  rewriteRelativeLinks: options['base-images-url'] !== undefined,
  baseImagesUrl: options['base-images-url'],
});
console.log(vsix);
