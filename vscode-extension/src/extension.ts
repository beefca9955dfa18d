// Wires the parts together; nothing else.

import * as vscode from 'vscode';

import { Abbreviations } from './abbreviations';
import { registerCommands } from './commands';
import { CursorFollower } from './cursor';
import { FeedbackPage } from './feedbackPage';
import { InFront } from './inFront';
import { GhostText } from './inline';
import { Jobs } from './jobs';
import { describeLanguage, settleIndentation } from './language';
import { Panel } from './panel';
import { Program } from './program';
import { ReadOnlyTexts } from './readOnly';
import { sayWhatIsRecorded } from './recording';
import { Sessions } from './sessions';
import { Status } from './status';
import { Tactics } from './tactics';

export function activate(context: vscode.ExtensionContext): void {
  const { extensionUri, globalStorageUri, globalState, subscriptions } = context;
  const output = vscode.window.createOutputChannel('lean-copilot', { log: true });
  const program = new Program(extensionUri);
  const sessions = new Sessions(program, output);
  const tactics = new Tactics(sessions);
  const follower = new CursorFollower(sessions);
  const ghost = new GhostText(context.extension.id, sessions, tactics, follower);
  const panel = new Panel(extensionUri, sessions, tactics, follower);
  const texts = new ReadOnlyTexts();
  const jobs = new Jobs(program, output, extensionUri, texts);
  const feedback = new FeedbackPage(extensionUri, sessions, jobs);
  const inFront = new InFront(program, globalStorageUri, globalState);
  const status = new Status(sessions, message => void offerRuntime(message));
  const parts = { program, sessions, tactics, follower, panel, feedback, inFront, jobs, storage: globalStorageUri };
  subscriptions.push(output, sessions, tactics, follower, ghost, panel, feedback, status, texts, ...registerCommands(parts));

  const { usesOfficial } = sessions;
  void vscode.commands.executeCommand('setContext', 'leanCopilot.officialPresent', usesOfficial);
  if (!usesOfficial) subscriptions.push(new Abbreviations(), describeLanguage());
  void settleIndentation();
  subscriptions.push(
    sessions.onNotInFront(() => void inFront.offer()),
    sessions.onState(state => {
      // Where there is no Lean, nothing is recorded, and the person has something else to read.
      if (state.kind !== 'running' || state.status.lean === 'none') return;
      for (const session of sessions.all()) void sayWhatIsRecorded(globalState, session.root);
    }),
    panel.onLeft(() => ghost.again()),
    tactics.onChange(round => {
      const some = round.suggestions.length > 0;
      void vscode.commands.executeCommand('setContext', 'leanCopilot.hasSuggestions', some);
    }),
    vscode.workspace.onDidChangeConfiguration(event => {
      if (!event.affectsConfiguration('leanCopilot.binary')) return;
      program.forget();
      void sessions.restart();
    }),
  );
  // Not awaited: the official extension may wait for a person before it starts, and commands wait for us.
  void start(usesOfficial, sessions, inFront);
}

async function start(usesOfficial: boolean, sessions: Sessions, inFront: InFront): Promise<void> {
  if (usesOfficial && vscode.workspace.isTrusted) {
    await inFront.renew();
    // Where there is no Lean at all, the official extension never gets as far as a server.
    if (!inFront.isSet()) void inFront.offer();
  }
  await sessions.start();
}

async function offerRuntime(message: string): Promise<void> {
  const [install, later] = ['Install', 'Not Now'];
  const answer = await vscode.window.showWarningMessage(`lean-copilot: ${message}`, install, later);
  if (answer === install) await vscode.commands.executeCommand('leanCopilot.installRuntime');
}
