// The page of what is recorded: asks the sidecar, counts, shows; deletes only after a question.

import * as vscode from 'vscode';

import type { FromFeedback, ToFeedback } from './core/messages';
import { reportLines } from './core/progress';
import { summarise } from './core/summary';
import type { Jobs } from './jobs';
import { method, type FeedbackParams, type Recorded, type Stats } from './protocol';
import { isRecording, setRecording } from './recording';
import type { Session } from './session';
import type { Sessions } from './sessions';
import { webviewHtml, webviewRoots } from './webviewHtml';

/** Goals that are counted, and rows that are shown. */
const COUNTED = 5000;
const SHOWN = 50;

/** See the head of this file. */
export class FeedbackPage implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private readonly subscriptions: vscode.Disposable[] = [];
  private training = false;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly sessions: Sessions,
    private readonly jobs: Jobs,
  ) {
    this.subscriptions.push(
      vscode.workspace.onDidChangeConfiguration(e => {
        if (this.panel && e.affectsConfiguration('leanCopilot.recording')) void this.refresh();
      }),
    );
  }

  /** Shows the page. */
  show(): void {
    if (this.panel) {
      this.panel.reveal();
      void this.refresh();
      return;
    }
    const options = { enableScripts: true, localResourceRoots: webviewRoots(this.extension), retainContextWhenHidden: true };
    const panel = vscode.window.createWebviewPanel('leanCopilot.feedback', 'What Is Recorded', vscode.ViewColumn.Active, options);
    const icon = (name: string): vscode.Uri => vscode.Uri.joinPath(this.extension, 'media', name);
    panel.iconPath = { light: icon('view.svg'), dark: icon('view-dark.svg') };
    panel.webview.onDidReceiveMessage((message: FromFeedback) => void this.received(message));
    panel.onDidDispose(() => (this.panel = undefined));
    panel.webview.html = webviewHtml(panel.webview, this.extension, 'feedback', 'What Is Recorded');
    this.panel = panel;
  }

  /** Learns from what is recorded, with progress here and in a notification. */
  async train(): Promise<void> {
    if (this.training) return;
    const go = 'Learn';
    const answer = await vscode.window.showInformationMessage(
      'Train the model on what was recorded?',
      {
        modal: true,
        detail:
          'It runs on this machine and may take some minutes. The new bundle is put into use only if it is not worse on proofs that it never saw.',
      },
      go,
    );
    if (answer !== go) return;
    this.training = true;
    this.show();
    this.send({ kind: 'training', text: 'Starting', done: null });
    const report = await this.jobs.finetune(p => this.send({ kind: 'training', ...p })).catch((error: unknown) => {
      void vscode.window.showErrorMessage(`lean-copilot: ${String(error)}`);
      return undefined;
    });
    this.training = false;
    if (report) {
      const words = reportLines(report);
      this.send({ kind: 'report', ...words });
      void vscode.window.showInformationMessage(`lean-copilot: ${words.note}`);
    } else {
      this.send({ kind: 'problem', message: 'Nothing was learned.' });
      await this.refresh();
    }
  }

  /** Exports the project's rows. */
  async export(): Promise<void> {
    await this.jobs.exportFeedback(this.session()?.root.fsPath);
  }

  private async received(message: FromFeedback): Promise<void> {
    switch (message.kind) {
      case 'ready':
      case 'refresh':
        return this.refresh();
      case 'export':
        return this.export();
      case 'train':
        return this.train();
      case 'toggleRecording': {
        const root = this.session()?.root;
        return setRecording(root, !isRecording(root));
      }
      case 'delete':
        return this.delete('Delete this row?', { kind: 'delete', ids: [message.id] });
      case 'deleteProject': {
        const project = this.session()?.root.fsPath;
        if (project === undefined) return;
        return this.delete(`Delete everything that was recorded in ${project}?`, { kind: 'delete', project });
      }
      case 'deleteAll':
        return this.delete('Delete everything that was recorded, in all projects?', { kind: 'delete', all: true });
    }
  }

  private async delete(question: string, params: FeedbackParams): Promise<void> {
    const yes = 'Delete';
    const answer = await vscode.window.showWarningMessage(question, { modal: true, detail: 'This cannot be undone.' }, yes);
    if (answer !== yes) return;
    await this.withSession(async session => {
      await session.request<{ deleted: number }>(method.feedback, params);
      await this.refresh();
    });
  }

  private async refresh(): Promise<void> {
    if (!this.panel) return;
    await this.withSession(async session => {
      const project = session.root.fsPath;
      const ask = <R>(params: FeedbackParams): Promise<R> => session.request<R>(method.feedback, params);
      const [stats, rounds] = await Promise.all([
        ask<Stats>({ kind: 'stats' }),
        ask<Recorded[]>({ kind: 'list', project, limit: COUNTED }),
      ]);
      const summary = summarise(rounds, SHOWN);
      const recording = isRecording(session.root);
      this.send({ kind: 'state', state: { project, recording, stats, summary, partial: rounds.length === COUNTED } });
    });
  }

  /** The session of the document that is looked at, else any. */
  private session(): Session | undefined {
    const document = vscode.window.visibleTextEditors.find(e => e.document.languageId === 'lean4')?.document;
    return (document && this.sessions.of(document)) ?? this.sessions.all()[0];
  }

  private async withSession(work: (session: Session) => Promise<void>): Promise<void> {
    const session = this.session();
    if (!session) {
      this.send({ kind: 'problem', message: 'Open a Lean file first: the sidecar of its project knows what was recorded.' });
      return;
    }
    try {
      await work(session);
    } catch (error) {
      this.send({ kind: 'problem', message: error instanceof Error ? error.message : String(error) });
    }
  }

  private send(message: ToFeedback): void {
    void this.panel?.webview.postMessage(message);
  }

  dispose(): void {
    this.panel?.dispose();
    for (const s of this.subscriptions) s.dispose();
  }
}
