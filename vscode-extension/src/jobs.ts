// Long work of the program, each with progress and a way to stop it: installing, learning, exporting, doctor.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';

import { stateFolder } from './core/binary';
import { progressEvent } from './core/lines';
import { installProgress, trainingProgress, type Progress, type Report } from './core/progress';
import type { Program } from './program';
import type { ReadOnlyTexts } from './readOnly';
import { failureWords, run, type Ran } from './run';

/** What the jobs need. */
export class Jobs {
  constructor(
    private readonly program: Program,
    private readonly output: vscode.LogOutputChannel,
    private readonly extension: vscode.Uri,
    private readonly texts: ReadOnlyTexts,
  ) {}

  /** Installs Lean, Node and ONNX Runtime where they are missing; whether all is there afterwards. */
  async installRuntime(): Promise<boolean> {
    const program = await this.program.path();
    if (program === undefined) return false;
    const ran = await this.withProgress('lean-copilot: installing the runtime', installProgress, (onLine, signal) =>
      run(program, ['runtime', 'install', '--progress', 'json'], { onLine, signal }),
    );
    if (ran === 'stopped') return false;
    if (ran.code === 0) {
      void vscode.window.showInformationMessage('lean-copilot: the runtime is installed.');
      return true;
    }
    void this.failed('The runtime could not be installed', ran);
    return false;
  }

  /** Learns from what was recorded; the report, or undefined where it was stopped or failed (which is said). */
  async finetune(tell: (progress: Progress) => void): Promise<Report | undefined> {
    const program = await this.program.path();
    if (program === undefined) return undefined;
    const words = (event: Parameters<typeof trainingProgress>[0]): Progress | undefined => {
      const progress = trainingProgress(event);
      if (progress) tell(progress);
      return progress;
    };
    const ran = await this.withProgress('lean-copilot: learning', words, (onLine, signal) =>
      run(program, ['finetune', '--progress', 'json', '--json'], { onLine, signal }),
    );
    if (ran === 'stopped') return undefined;
    if (ran.code === 0) return JSON.parse(ran.stdout) as Report;
    void this.failed('Nothing was learned', ran);
    return undefined;
  }

  /** Writes what was recorded in a project, or everywhere, to a file that the person names. */
  async exportFeedback(project: string | undefined): Promise<void> {
    const program = await this.program.path();
    if (program === undefined) return;
    const formats = [
      { label: 'events', description: 'every candidate with its goal, Lean\'s verdict and what you did' },
      { label: 'kto', description: 'prompt, completion, label: what KTO trainers read' },
    ];
    const format = await vscode.window.showQuickPick(formats, { title: 'Export What Is Recorded: which rows?' });
    if (!format) return;
    const folder = project ?? os.homedir();
    const file = await vscode.window.showSaveDialog({
      title: 'Export What Is Recorded',
      defaultUri: vscode.Uri.file(path.join(folder, `lean-feedback-${format.label}.jsonl`)),
      filters: { 'JSON Lines': ['jsonl'] },
    });
    if (!file) return;
    const where = project === undefined ? [] : ['--project', project];
    const ran = await run(program, ['export-feedback', '--format', format.label, '--out', file.fsPath, ...where]);
    if (ran.code !== 0) {
      await this.failed('Nothing was exported', ran);
      return;
    }
    const said = ran.stderr.trim().split('\n').at(-1) ?? 'exported';
    const answer = await vscode.window.showInformationMessage(`lean-copilot: ${said}`, 'Open');
    if (answer === 'Open') await vscode.window.showTextDocument(file);
  }

  /** Shows what `doctor` says. */
  async doctor(): Promise<void> {
    const program = await this.program.path();
    if (program === undefined) return;
    const ran = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: 'lean-copilot: doctor' },
      () => run(program, ['doctor'], { timeout: 120_000 }),
    );
    await this.texts.show('Doctor', `${ran.stdout}${ran.stderr ? `\n${ran.stderr}` : ''}`);
  }

  /** Shows the sidecar's log as it is now, or this extension's where it has written none yet. */
  async openLog(): Promise<void> {
    const file = path.join(stateFolder(process.env, process.platform, os.homedir()), 'log', 'serve.log');
    if (!existsSync(file)) {
      this.output.show();
      return;
    }
    const editor = await this.texts.show('serve.log', await readFile(file, 'utf8'));
    const last = editor.document.lineCount - 1;
    editor.revealRange(new vscode.Range(last, 0, last, 0));
  }

  /** Opens a copy of a shipped example, so that what is shipped stays as it is. */
  async openExample(storage: vscode.Uri): Promise<void> {
    const places = [vscode.Uri.joinPath(this.extension, 'bin', 'share'), vscode.Uri.joinPath(this.extension, '..')];
    const share = places.find(p => existsSync(vscode.Uri.joinPath(p, 'examples', 'demo', 'Plus.lean').fsPath));
    if (!share) {
      void vscode.window.showWarningMessage('lean-copilot: the examples are not in this extension.');
      return;
    }
    const folder = vscode.Uri.joinPath(storage, 'example');
    const file = vscode.Uri.joinPath(folder, 'Plus.lean');
    await vscode.workspace.fs.createDirectory(folder);
    if (!existsSync(file.fsPath)) {
      await vscode.workspace.fs.copy(vscode.Uri.joinPath(share, 'examples', 'demo', 'Plus.lean'), file);
    }
    await vscode.window.showTextDocument(file, { preview: false });
  }

  private async withProgress(
    title: string,
    words: (event: { event: string } & Record<string, unknown>) => Progress | undefined,
    work: (onLine: (line: string) => void, signal: AbortSignal) => Promise<Ran>,
  ): Promise<Ran | 'stopped'> {
    return await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      async (progress, token) => {
        const stop = new AbortController();
        token.onCancellationRequested(() => stop.abort());
        let shown = 0;
        const onLine = (line: string): void => {
          const event = progressEvent(line);
          const now = event && words(event);
          if (!now) {
            if (!event && line) this.output.info(line);
            return;
          }
          const share = now.done === null ? shown : 100 * now.done;
          progress.report({ message: now.text, increment: Math.max(0, share - shown) });
          shown = Math.max(shown, share);
        };
        const ran = await work(onLine, stop.signal);
        return token.isCancellationRequested ? 'stopped' : ran;
      },
    );
  }

  private async failed(what: string, ran: Ran): Promise<void> {
    this.output.error(`${what}: ${ran.stderr}`);
    const answer = await vscode.window.showErrorMessage(`lean-copilot: ${what}: ${failureWords(ran)}`, 'Show Output');
    if (answer === 'Show Output') this.output.show();
  }
}
