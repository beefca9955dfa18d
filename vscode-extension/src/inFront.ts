// Before the official extension's Lean: a folder of stand-ins first on the PATH of that extension.
//
// Its setting `lean4.envPathExtensions` is visible, survives, and is taken back by removing one entry.

import { existsSync, realpathSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';

import type { Program } from './program';

const REFUSED = 'leanCopilot.integrationRefused';

/** Puts us before the official extension's Lean and takes us away again. */
export class InFront {
  private asking = false;

  constructor(
    private readonly program: Program,
    private readonly storage: vscode.Uri,
    private readonly state: vscode.Memento,
  ) {}

  /** Renews the stand-ins of a former version of this extension, whose program is gone. */
  async renew(): Promise<void> {
    if (!existsSync(this.folder)) return;
    const program = await this.program.path();
    if (program !== undefined) await this.makeFolder(program);
  }

  /** Whether the setting names a folder whose `lake` is ours, made here or by `lean-copilot setup vscode`. */
  isSet(): boolean {
    const entries = vscode.workspace.getConfiguration('lean4').get<string[]>('envPathExtensions', []);
    return entries.some(entry => {
      try {
        return path.basename(realpathSync(path.join(entry, 'lake'))).startsWith('lean-copilot');
      } catch {
        return false;
      }
    });
  }

  /** Asks once whether to put us in front. */
  async offer(): Promise<void> {
    if (this.asking || this.state.get<boolean>(REFUSED, false)) return;
    this.asking = true;
    const [yes, no] = ['Put It in Front', 'No'];
    const answer = await vscode.window.showInformationMessage(
      'lean-copilot suggests tactics by standing between the Lean 4 extension and Lean. This adds one folder to the setting ' +
        '"lean4.envPathExtensions" and restarts Lean; the command "Take lean-copilot out of Lean\'s Path" undoes it.',
      yes,
      no,
    );
    this.asking = false;
    if (answer === yes) await this.integrate();
    if (answer === no) await this.state.update(REFUSED, true);
  }

  /** Puts us in front and restarts Lean. */
  async integrate(): Promise<void> {
    const program = await this.program.path();
    if (program === undefined) return;
    await this.makeFolder(program);
    await this.state.update(REFUSED, false);
    await this.setPath(entries => [this.folder, ...entries.filter(e => e !== this.folder)]);
    await restartLean();
  }

  /** Takes us away and restarts Lean. */
  async separate(): Promise<void> {
    await this.setPath(entries => entries.filter(e => e !== this.folder));
    await this.state.update(REFUSED, true);
    await fs.rm(this.folder, { recursive: true, force: true });
    await restartLean();
  }

  private get folder(): string {
    return path.join(this.storage.fsPath, 'stand-ins', 'bin');
  }

  private async setPath(change: (entries: string[]) => string[]): Promise<void> {
    const configuration = vscode.workspace.getConfiguration('lean4');
    const entries = configuration.inspect<string[]>('envPathExtensions')?.globalValue ?? [];
    const changed = change(entries);
    await configuration.update(
      'envPathExtensions',
      changed.length > 0 ? changed : undefined,
      vscode.ConfigurationTarget.Global,
    );
  }

  /** `lake`, `lean` and `elan`: the program decides by its name what it is; a real tool behind it is handed on to. */
  private async makeFolder(program: string): Promise<void> {
    await fs.mkdir(this.folder, { recursive: true });
    const windows = process.platform === 'win32';
    for (const tool of ['lake', 'lean', 'elan']) {
      const file = path.join(this.folder, windows ? `${tool}.exe` : tool);
      await fs.rm(file, { force: true });
      // Links may need rights on Windows that people do not have.
      if (windows) await fs.copyFile(program, file);
      else await fs.symlink(program, file);
    }
  }
}

/** Restarts the official extension's Lean; where that extension is not up to it, the window. */
async function restartLean(): Promise<void> {
  const commands = await vscode.commands.getCommands(true);
  if (commands.includes('lean4.restartServer')) {
    await vscode.commands.executeCommand('lean4.restartServer');
    return;
  }
  const reload = 'Reload Window';
  const answer = await vscode.window.showInformationMessage('lean-copilot: reload the window for this to take effect.', reload);
  if (answer === reload) await vscode.commands.executeCommand('workbench.action.reloadWindow');
}
