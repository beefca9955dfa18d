// Which model is used: picked from what the program lists, or a folder.

import * as vscode from 'vscode';

import { bundleEntries } from './core/bundles';
import type { Program } from './program';
import { failureWords, run } from './run';

interface Entry extends vscode.QuickPickItem {
  /** A name, null for the default; undefined: a folder is still to be chosen. */
  value: string | null | undefined;
}

/** Lets the person pick a bundle; the setting that follows tells the sidecar. */
export async function pickBundle(program: Program): Promise<void> {
  const binary = await program.path();
  if (binary === undefined) return;
  const ran = await run(binary, ['model', 'list', '--json'], { timeout: 20_000 });
  const listed = ran.code === 0 ? bundleEntries(ran.stdout) : undefined;
  if (!listed) void vscode.window.showWarningMessage(`lean-copilot: the bundles could not be listed: ${failureWords(ran)}`);
  const entries: Entry[] = [
    { label: 'Default', description: 'the newest that you trained, else the shipped one', value: null },
    ...(listed ?? []).map(b => ({ label: b.name, description: b.description, detail: b.path, value: b.name })),
    { label: 'Choose a Folder…', description: 'a bundle anywhere', value: undefined },
  ];
  const picked = await vscode.window.showQuickPick(entries, { title: 'Model Bundle' });
  if (!picked) return;
  let { value } = picked;
  if (value === undefined) {
    const folder = await vscode.window.showOpenDialog({ canSelectFiles: false, canSelectFolders: true, openLabel: 'Use This Bundle' });
    if (!folder?.[0]) return;
    value = folder[0].fsPath;
  }
  await vscode.workspace
    .getConfiguration('leanCopilot')
    .update('bundle', value ?? undefined, vscode.ConfigurationTarget.Global);
}
