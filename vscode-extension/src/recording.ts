// Recording: said plainly once, and a switch per project.

import * as vscode from 'vscode';

const SAID = 'leanCopilot.recordingSaid';

/** Whether what is done in a project is kept. */
export function isRecording(root: vscode.Uri | undefined): boolean {
  return vscode.workspace.getConfiguration('leanCopilot', root ?? null).get<boolean>('recording', true);
}

/** Turns recording on or off: in the project where a folder is open, else everywhere. */
export async function setRecording(root: vscode.Uri | undefined, on: boolean): Promise<void> {
  const folder = root && vscode.workspace.getWorkspaceFolder(root);
  const several = (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
  const target = !folder
    ? vscode.ConfigurationTarget.Global
    : several
      ? vscode.ConfigurationTarget.WorkspaceFolder
      : vscode.ConfigurationTarget.Workspace;
  await vscode.workspace.getConfiguration('leanCopilot', folder?.uri ?? null).update('recording', on, target);
  const where = folder ? `in ${folder.name}` : 'everywhere';
  void vscode.window.setStatusBarMessage(`lean-copilot: recording is ${on ? 'on' : 'off'} ${where}`, 5000);
}

/** Says once what is recorded. */
export async function sayWhatIsRecorded(state: vscode.Memento, root: vscode.Uri): Promise<void> {
  if (state.get<boolean>(SAID, false) || !isRecording(root)) return;
  await state.update(SAID, true);
  const [fine, off, show] = ['Fine', 'Turn off Here', 'Show What Is Recorded'];
  const answer = await vscode.window.showInformationMessage(
    'lean-copilot keeps the goals that you look at, the tactics tried there, Lean\'s answers and what you did with suggestions, ' +
      'on this machine only. You can look at it, delete it, and train on it.',
    fine,
    off,
    show,
  );
  if (answer === off) await setRecording(root, false);
  if (answer === show) await vscode.commands.executeCommand('leanCopilot.feedback');
}
