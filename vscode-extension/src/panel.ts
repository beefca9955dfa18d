// The panel beside the infoview: what it shows follows the cursor and the store; what is clicked goes to `Tactics`.

import * as vscode from 'vscode';

import type { FromPanel, PanelState, ToPanel } from './core/messages';
import type { CursorFollower } from './cursor';
import type { StatusParams } from './protocol';
import type { Sessions } from './sessions';
import type { Tactics } from './tactics';
import { webviewHtml, webviewRoots } from './webviewHtml';

export const PANEL = 'leanCopilot.panel';

/** Commands that the panel's buttons may run. */
const BUTTONS = ['leanCopilot.suggest', 'leanCopilot.resume', 'leanCopilot.integrate', 'leanCopilot.restart', 'leanCopilot.installRuntime', 'workbench.trust.manage'];

/** Time in which changes are collected before the panel is drawn anew, in milliseconds. */
const FRAME = 30;

/** See the head of this file. */
export class Panel implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** It is to take the keyboard as soon as it can. */
  private focusNext = false;
  /** The page listens. */
  private ready = false;
  /** How often the person left it by its own key. */
  private dismissals = 0;
  private readonly subscriptions: vscode.Disposable[];
  private readonly blurred = new vscode.EventEmitter<void>();

  /** The panel had the keyboard and lost it. */
  readonly onLeft = this.blurred.event;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly sessions: Sessions,
    private readonly tactics: Tactics,
    private readonly follower: CursorFollower,
  ) {
    const soon = (): void => this.soon();
    this.subscriptions = [
      vscode.window.registerWebviewViewProvider(PANEL, this, { webviewOptions: { retainContextWhenHidden: true } }),
      tactics.onChange(soon),
      follower.onMove(soon),
      sessions.onState(soon),
    ];
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: webviewRoots(this.extension) };
    view.webview.onDidReceiveMessage((message: FromPanel) => void this.received(message));
    view.onDidChangeVisibility(() => this.soon());
    view.onDidDispose(() => {
      this.view = undefined;
      this.ready = false;
    });
    view.webview.html = webviewHtml(view.webview, this.extension, 'panel', 'Tactics');
  }

  /** Shows the panel; the keyboard stays where it is. */
  async reveal(): Promise<void> {
    if (this.view) this.view.show(true);
    else await vscode.commands.executeCommand(`${PANEL}.open`, { preserveFocus: true });
  }

  /** Shows the panel and gives it the keyboard. */
  async focus(): Promise<void> {
    // A page that is still to be made takes it when it is there.
    this.focusNext = !this.ready;
    const before = this.dismissals;
    await vscode.commands.executeCommand(`${PANEL}.focus`);
    // Whoever left it meanwhile is not called back.
    if (this.dismissals === before) this.send({ kind: 'focus' });
  }

  private async received(message: FromPanel): Promise<void> {
    switch (message.kind) {
      case 'ready':
        this.ready = true;
        this.draw();
        if (this.focusNext) this.send({ kind: 'focus' });
        this.focusNext = false;
        return;
      case 'insert':
        await this.tactics.insert(message.id);
        return;
      case 'refuse':
        this.tactics.refuse(message.id, message.reason.trim() || undefined);
        return;
      case 'copy': {
        const found = this.tactics.store.find(message.id);
        if (found) await vscode.env.clipboard.writeText(found.suggestion.tactic);
        return;
      }
      case 'tried':
        await this.askTried();
        return;
      case 'dismiss':
        this.dismissals++;
        this.dismissed();
        await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
        return;
      case 'left':
        this.blurred.fire();
        return;
      case 'command':
        if (BUTTONS.includes(message.command)) await vscode.commands.executeCommand(message.command);
    }
  }

  private async askTried(): Promise<void> {
    const { cursor } = this.follower;
    const round = cursor && this.tactics.store.at(cursor);
    if (!round) return;
    await this.tactics.ask(round, { tried: true, wait: 0 }).catch(() => undefined);
  }

  /** The person left the list without a choice: the best one was not wanted. */
  private dismissed(): void {
    const { cursor } = this.follower;
    const first = cursor && this.tactics.store.at(cursor)?.suggestions[0];
    if (first) this.tactics.report(cursor.uri, first.id, 'dismissed');
  }

  private soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.draw();
    }, FRAME);
  }

  private draw(): void {
    if (!this.view?.visible) return;
    const state = this.state();
    this.send({ kind: 'state', state });
    const { cursor } = this.follower;
    if (cursor) this.tactics.seen(cursor.uri, state.suggestions.map(s => s.id));
  }

  private state(): PanelState {
    const nothing = { goals: null, goal: null, suggestions: [], pending: 0, asked: false, tried: null, paused: this.is('paused'), busy: this.is('thinking', 'checking') };
    const { state } = this.sessions;
    if (state.kind === 'off' && state.reason !== 'idle') {
      const commands = {
        untrusted: { label: 'Manage Workspace Trust', command: 'workbench.trust.manage' },
        notInFront: { label: 'Put lean-copilot in Front of Lean', command: 'leanCopilot.integrate' },
        noBinary: { label: 'Look Again', command: 'leanCopilot.restart' },
        stopped: { label: 'Restart', command: 'leanCopilot.restart' },
      };
      return { ...nothing, empty: { message: state.message, action: commands[state.reason] } };
    }
    const { cursor } = this.follower;
    if (!cursor) return { ...nothing, empty: { message: 'Put the cursor into a proof of a Lean file.' } };
    if (state.kind === 'starting') return { ...nothing, empty: { message: 'Lean is starting.' } };
    const round = this.tactics.store.at(cursor);
    const known = this.follower.goals(cursor);
    // Within a `sorry` Lean says what is left behind it; suggestions are for what it stands for.
    const goals = known && (known.length > 0 || !round?.goal) ? known : round?.goal ? [round.goal.text] : null;
    if (!round && !goals) return { ...nothing, empty: { message: 'No goal at the cursor.' } };
    return {
      empty: null,
      goals,
      goal: round?.goal ?? null,
      suggestions: round?.suggestions ?? [],
      pending: round?.pending ?? 0,
      asked: round !== undefined,
      tried: round?.tried ?? null,
      paused: nothing.paused,
      busy: nothing.busy && !round,
    };
  }

  private is(...states: StatusParams['state'][]): boolean {
    const { state } = this.sessions;
    return state.kind === 'running' && states.includes(state.status.state);
  }

  private send(message: ToPanel): void {
    void this.view?.webview.postMessage(message);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const s of this.subscriptions) s.dispose();
  }
}
