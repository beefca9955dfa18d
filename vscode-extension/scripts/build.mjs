// Bundles the extension and its webviews into dist/.

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import esbuild from 'esbuild';

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const common = { absWorkingDir: here, bundle: true, minify: true, sourcemap: false, outdir: 'dist', logLevel: 'warning', legalComments: 'none', metafile: true };

export async function build() {
  const built = await Promise.all([
    esbuild.build({
      ...common,
      entryPoints: { extension: 'src/extension.ts' },
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      external: ['vscode'],
    }),
    esbuild.build({
      ...common,
      entryPoints: { panel: 'src/webview/panel.ts', feedback: 'src/webview/feedback.ts' },
      platform: 'browser',
      target: 'es2022',
      format: 'iife',
    }),
  ]);
  fs.writeFileSync(path.join(here, 'dist', 'NOTICES.txt'), notices(built.flatMap(b => Object.keys(b.metafile.inputs))));
}

/** The licences of the packages that are in the bundles, as they ask for it. */
function notices(inputs) {
  const folders = new Set(inputs.flatMap(file => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []));
  const entries = [...folders].sort().map(folder => {
    const { name, version, license } = JSON.parse(fs.readFileSync(path.join(here, folder, 'package.json'), 'utf8'));
    const file = fs.readdirSync(path.join(here, folder)).find(f => /^licen[cs]e/i.test(f));
    const text = file ? fs.readFileSync(path.join(here, folder, file), 'utf8').trim() : `Licence: ${license}`;
    return `${name} ${version}\n\n${text}\n`;
  });
  return entries.join(`\n${'-'.repeat(80)}\n\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
