// The status bar: how the sidecar is, and the menu of what can be done about it.

import * as vscode from 'vscode';

import { statusWords } from './core/words';
import type { Sessions } from './sessions';

/** See the head of this file. */
export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('leanCopilot.status', vscode.StatusBarAlignment.Right, 90);
  private readonly subscriptions: vscode.Disposable[];
  private offered: string | undefined;

  constructor(
    private readonly sessions: Sessions,
    /** Offers to mend a missing runtime. */
    private readonly offerRuntime: (message: string) => void,
  ) {
    this.item.name = 'lean-copilot';
    this.item.command = 'leanCopilot.menu';
    this.subscriptions = [sessions.onState(() => this.draw())];
    this.draw();
    this.item.show();
  }

  private draw(): void {
    const { state } = this.sessions;
    const words = statusWords(state);
    const tooltip = new vscode.MarkdownString();
    for (const line of words.lines) tooltip.appendText(line).appendMarkdown('\n\n');
    this.item.text = words.text;
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: `lean-copilot: ${words.lines.join(', ')}`, role: 'button' };
    this.item.backgroundColor =
      words.severity === 'none' ? undefined : new vscode.ThemeColor(`statusBarItem.${words.severity}Background`);
    const running = state.kind === 'running';
    void vscode.commands.executeCommand('setContext', 'leanCopilot.paused', running && state.status.state === 'paused');
    void vscode.commands.executeCommand('setContext', 'leanCopilot.ready', running && state.status.state !== 'degraded');
    const mendable = running && state.status.remedy?.includes('runtime install');
    if (mendable && this.offered !== state.status.message) {
      this.offered = state.status.message;
      this.offerRuntime(state.status.message ?? 'a part of the runtime is missing');
    }
  }

  dispose(): void {
    this.item.dispose();
    for (const s of this.subscriptions) s.dispose();
  }
}

interface Entry extends vscode.QuickPickItem {
  command?: string;
}

/** The menu behind the status bar's entry. */
export async function showMenu(sessions: Sessions, recording: boolean): Promise<void> {
  const { state } = sessions;
  const paused = state.kind === 'running' && state.status.state === 'paused';
  const lines = statusWords(state).lines;
  const entry = (label: string, command: string, description = ''): Entry => ({ label, command, description });
  const line = (label: string): Entry => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const entries: Entry[] = [
    paused
      ? entry('$(debug-start) Resume Suggestions', 'leanCopilot.resume')
      : entry('$(debug-pause) Pause Suggestions', 'leanCopilot.pause'),
    entry('$(list-ordered) Show Tactics', 'leanCopilot.showPanel'),
    entry('$(graph-line) Show What Is Recorded', 'leanCopilot.feedback'),
    entry(
      recording ? '$(circle-slash) Turn Recording off in This Project' : '$(record) Turn Recording on in This Project',
      'leanCopilot.toggleRecording',
    ),
    line('model'),
    entry('$(package) Pick a Model Bundle…', 'leanCopilot.pickBundle', state.kind === 'running' ? (state.status.bundle ?? '') : ''),
    entry('$(mortar-board) Learn from What Is Recorded…', 'leanCopilot.finetune'),
    line('trouble'),
    entry('$(output) Open the Log', 'leanCopilot.openLog'),
    entry('$(pulse) Run Doctor', 'leanCopilot.doctor'),
    entry('$(cloud-download) Install the Runtime', 'leanCopilot.installRuntime'),
    entry('$(refresh) Restart Lean', 'leanCopilot.restart'),
  ];
  if (sessions.usesOfficial) {
    entries.push(
      state.kind === 'off' && state.reason === 'notInFront'
        ? entry('$(plug) Put lean-copilot in Front of Lean', 'leanCopilot.integrate')
        : entry("$(debug-disconnect) Take lean-copilot out of Lean's Path", 'leanCopilot.separate'),
    );
  }
  const picked = await vscode.window.showQuickPick(entries, { title: 'lean-copilot', placeHolder: lines[0] ?? '' });
  if (picked?.command) await vscode.commands.executeCommand(picked.command);
}
