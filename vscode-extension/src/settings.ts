// The settings that are passed on to the sidecar: only those that somebody set, so that its own file holds
// for the rest.

import * as vscode from 'vscode';

import { settingKeys } from './settingKeys';

/** What is set here for a folder, under the sidecar's names. */
export function sidecarSettings(folder: vscode.Uri | undefined): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration('leanCopilot', folder ?? null);
  const set: Record<string, unknown> = {};
  for (const [name, key] of settingKeys) {
    const inspected = configuration.inspect(name);
    const value: unknown =
      inspected?.workspaceFolderValue ?? inspected?.workspaceValue ?? inspected?.globalValue ?? undefined;
    if (value !== undefined) set[key] = value;
  }
  return set;
}

/** What holds after a change: a setting that is not set any more falls back to what VS Code shows as its default. */
export function changedSettings(
  event: vscode.ConfigurationChangeEvent,
  folder: vscode.Uri | undefined,
): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration('leanCopilot', folder ?? null);
  const changed = settingKeys.filter(([name]) => event.affectsConfiguration(`leanCopilot.${name}`, folder));
  return Object.fromEntries(changed.map(([name, key]) => [key, configuration.get(name)]));
}
