// Finds our program and says so, once and with a button, where it is missing or old.

import { accessSync, chmodSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';

import { atLeast, OLDEST, type Found, type Place, places, problemWords, programName, readVersion } from './core/binary';
import { failureWords, run } from './run';

/** The program's path, looked up once and again when asked. */
export class Program {
  private found: Promise<Found> | undefined;
  private said: string | undefined;

  constructor(private readonly extension: vscode.Uri) {}

  /** Its path; undefined where there is none that works, which the person is then told. */
  async path(): Promise<string | undefined> {
    const found = await this.look();
    if (found.kind === 'ok') return found.place.path;
    void this.tell(found);
    return undefined;
  }

  /** What there is. */
  look(): Promise<Found> {
    this.found ??= this.search();
    return this.found;
  }

  /** Forgets what was found: a setting changed, or something was installed. */
  forget(): void {
    this.found = undefined;
    this.said = undefined;
  }

  private async search(): Promise<Found> {
    const setting = vscode.workspace.getConfiguration('leanCopilot').get('binary', '');
    const bundled = path.join(this.extension.fsPath, 'bin', programName(process.platform));
    const all = places(expandHome(setting), bundled, process.env.PATH ?? '', process.platform);
    for (const place of all) {
      if (isProgram(place)) return check(place);
    }
    const first = all[0];
    return {
      kind: 'missing',
      message:
        first?.origin === 'setting'
          ? `the setting "leanCopilot.binary" names \`${first.path}\`, which is not a program.`
          : 'the lean-copilot program is neither in this extension nor on PATH.',
    };
  }

  private async tell(found: Exclude<Found, { kind: 'ok' }>): Promise<void> {
    const words = problemWords(found);
    if (this.said === words) return;
    this.said = words;
    const [choose, retry] = ['Choose the Program…', 'Look Again'];
    const answer = await vscode.window.showErrorMessage(words, choose, retry);
    if (answer === choose) await this.choose();
    if (answer === retry) {
      this.forget();
      await vscode.commands.executeCommand('leanCopilot.restart');
    }
  }

  private async choose(): Promise<void> {
    const picked = await vscode.window.showOpenDialog({
      title: 'The lean-copilot program',
      openLabel: 'Use This Program',
      canSelectMany: false,
    });
    const file = picked?.[0];
    if (!file) return;
    // Changing the setting starts the rest.
    await vscode.workspace
      .getConfiguration('leanCopilot')
      .update('binary', file.fsPath, vscode.ConfigurationTarget.Global);
  }
}

function expandHome(text: string): string {
  const home = process.env.HOME ?? process.env.USERPROFILE;
  return home !== undefined && /^~(?=$|[\\/])/.test(text) ? home + text.slice(1) : text;
}

function isProgram(place: Place): boolean {
  try {
    if (!statSync(place.path).isFile()) return false;
    // Some ways of unpacking a VSIX lose the permission to run.
    if (place.origin === 'bundled') chmodSync(place.path, 0o755);
    accessSync(place.path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function check(place: Place): Promise<Found> {
  try {
    const ran = await run(place.path, ['--version'], { timeout: 20_000 });
    const version = readVersion(ran.stdout);
    if (ran.code !== 0) return { kind: 'broken', place, message: failureWords(ran) };
    if (version === undefined) return { kind: 'broken', place, message: 'it is not lean-copilot' };
    return atLeast(version, OLDEST) ? { kind: 'ok', place, version } : { kind: 'old', place, version };
  } catch (error) {
    return { kind: 'broken', place, message: error instanceof Error ? error.message : String(error) };
  }
}
