// The commands: what a person can ask for by name, key or menu.

import * as vscode from 'vscode';

import { pickBundle } from './bundles';
import type { CursorFollower } from './cursor';
import type { FeedbackPage } from './feedbackPage';
import type { InFront } from './inFront';
import type { Jobs } from './jobs';
import type { Panel } from './panel';
import type { Program } from './program';
import { isRecording, setRecording } from './recording';
import type { Sessions } from './sessions';
import { showMenu } from './status';
import type { Tactics } from './tactics';

/** The parts that commands act on. */
export interface Parts {
  program: Program;
  sessions: Sessions;
  tactics: Tactics;
  follower: CursorFollower;
  panel: Panel;
  feedback: FeedbackPage;
  inFront: InFront;
  jobs: Jobs;
  storage: vscode.Uri;
}

/** Registers all commands. */
export function registerCommands(parts: Parts): vscode.Disposable[] {
  const { sessions, tactics, follower, panel, feedback, inFront, jobs, program } = parts;
  const root = (): vscode.Uri | undefined => {
    const { cursor } = follower;
    return ((cursor && sessions.of(cursor.document)) ?? sessions.all()[0])?.root;
  };
  const commands: Record<string, () => unknown> = {
    suggest: () => suggest(parts),
    showPanel: () => panel.focus(),
    insert1: () => insert(parts, 0),
    insert2: () => insert(parts, 1),
    insert3: () => insert(parts, 2),
    refuse: () => refuse(tactics, follower),
    pause: () => setAutomatic(false),
    resume: () => setAutomatic(true),
    toggleRecording: () => setRecording(root(), !isRecording(root())),
    feedback: () => feedback.show(),
    finetune: () => feedback.train(),
    export: () => feedback.export(),
    pickBundle: () => pickBundle(program),
    installRuntime: async () => {
      if (await jobs.installRuntime()) await sessions.restart();
    },
    doctor: () => jobs.doctor(),
    openLog: () => jobs.openLog(),
    openExample: () => jobs.openExample(parts.storage),
    restart: async () => {
      program.forget();
      await sessions.restart();
    },
    integrate: () => inFront.integrate(),
    separate: () => inFront.separate(),
    menu: () => showMenu(sessions, isRecording(root())),
  };
  return Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`leanCopilot.${name}`, run));
}

async function setAutomatic(on: boolean): Promise<void> {
  const configuration = vscode.workspace.getConfiguration('leanCopilot');
  await configuration.update('autoSuggest', on, vscode.ConfigurationTarget.Global);
}

/** Asks for suggestions at the cursor and shows them. */
async function suggest({ tactics, follower, panel }: Parts): Promise<void> {
  const { cursor } = follower;
  if (!cursor) {
    void vscode.window.showInformationMessage('lean-copilot: put the cursor into a proof of a Lean file first.');
    return;
  }
  await panel.reveal();
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: 'lean-copilot: looking for tactics' },
    async () => {
      try {
        await tactics.ask(cursor, {});
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        void vscode.window.setStatusBarMessage(`lean-copilot: ${message}`, 6000);
      }
    },
  );
}

async function insert({ tactics, follower }: Parts, index: number): Promise<void> {
  const { cursor } = follower;
  const suggestion = cursor && tactics.store.at(cursor)?.suggestions[index];
  if (suggestion) await tactics.insert(suggestion.id);
  else void vscode.window.setStatusBarMessage(`lean-copilot: there is no suggestion ${index + 1} here`, 3000);
}

async function refuse(tactics: Tactics, follower: CursorFollower): Promise<void> {
  const { cursor } = follower;
  const best = cursor && tactics.store.at(cursor)?.suggestions[0];
  if (!best) return;
  const reason = await vscode.window.showInputBox({
    title: `Refuse \`${best.tactic}\``,
    prompt: 'Why? Optional; it is kept with the refusal on this machine.',
  });
  if (reason !== undefined) tactics.refuse(best.id, reason.trim() || undefined);
}
