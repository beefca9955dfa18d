// Ghost text at an empty tactic position: the best verified suggestion, never anything else.

import * as vscode from 'vscode';

import { continued, ghosts, isTacticPosition, partTaken, shown, type Ghost, type Shown } from './core/ghost';
import { effect, type Place, samePlace } from './core/store';
import type { CursorFollower } from './cursor';
import type { Sessions } from './sessions';
import type { Tactics } from './tactics';

/** The command that an accepted ghost text runs. */
export const TAKEN = 'leanCopilot.taken';

/** Longest wait for a first verdict, in milliseconds. Waiting blocks nothing: typing cancels it. */
const LONGEST = 30_000;

const DOCUMENTS: vscode.DocumentSelector = { language: 'lean4', scheme: 'file' };

/** What VS Code was told to ask, or was given, at a place. */
interface Given {
  place: Place;
  /** What the first of it settles; 0 while there is nothing. */
  effect: number;
  /** The person asked for more, or for another one: what is shown is a choice, and nothing takes its place. */
  chosen: boolean;
}

/** See the head of this file. */
export class GhostText implements vscode.InlineCompletionItemProvider, vscode.Disposable {
  private shown: Shown | undefined;
  /** Where somebody waits for a first verdict. */
  private awaited: Place | undefined;
  private given: Given | undefined;
  private registration: vscode.Disposable;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    /** Of the extension, as VS Code knows it. */
    private readonly id: string,
    private readonly sessions: Sessions,
    private readonly tactics: Tactics,
    private readonly follower: CursorFollower,
  ) {
    this.registration = vscode.languages.registerInlineCompletionItemProvider(DOCUMENTS, this);
    this.subscriptions = [
      vscode.commands.registerCommand(TAKEN, (uri: string, id: string) => {
        this.shown = undefined;
        this.tactics.report(uri, id, 'accepted');
      }),
      // Before the store forgets: a part that was taken is told of by the change itself.
      vscode.workspace.onDidChangeTextDocument(e => this.changed(e)),
      tactics.onChange(() => this.appear()),
      follower.onMove(() => this.appear()),
    ];
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    const asked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    // The list of completions is open: it has the word.
    if (context.selectedCompletionInfo !== undefined || !enabled(document)) return [];
    if (!this.sessions.of(document)) return [];
    const uri = document.uri.toString();
    const onward = this.shown && continued(this.shown, uri, document.getText(), document.offsetAt(position));
    if (onward && onward.length > 0) {
      return onward.map(o => item(uri, o.id, o.text, new vscode.Range(position, position)));
    }
    const line = document.lineAt(position.line).text;
    if (!isTacticPosition(line, position.character)) return [];
    const place: Place = { uri, version: document.version, position };
    let list = this.at(place, line);
    if (list.length === 0 && !this.isOver(place)) {
      if (asked) void this.tactics.ask(place, { token }).catch(() => undefined);
      await this.firstVerdict(place, line, token);
      list = this.at(place, line);
    }
    if (token.isCancellationRequested || list.length === 0) return [];
    this.shown = shown(uri, document.getText(), document.offsetAt(position), position, list);
    this.given = { place, effect: this.effectOf(list[0]), chosen: asked };
    // VS Code tells nobody which of them it shows: the first one is.
    this.tactics.seen(uri, list.slice(0, 1).map(g => g.id));
    return list.map(g => item(uri, g.id, g.insertText, toRange(g)));
  }

  private at(place: Place, line: string): Ghost[] {
    return ghosts(this.tactics.store.at(place)?.suggestions ?? [], line, place.position);
  }

  private effectOf(ghost: Ghost | undefined): number {
    const found = ghost && this.tactics.store.find(ghost.id);
    return found ? effect(found.suggestion) : 0;
  }

  private isOver(place: Place): boolean {
    return this.tactics.store.at(place)?.pending === 0;
  }

  /** Resolves with the first verified suggestion for a place, when its round is over, or when nobody waits. */
  private firstVerdict(place: Place, line: string, token: vscode.CancellationToken): Promise<void> {
    this.awaited = place;
    return new Promise(resolve => {
      const done = (): void => {
        if (this.awaited === place) this.awaited = undefined;
        clearTimeout(timer);
        change.dispose();
        cancel.dispose();
        resolve();
      };
      const timer = setTimeout(done, LONGEST);
      const cancel = token.onCancellationRequested(done);
      const change = this.tactics.onChange(() => {
        if (this.at(place, line).length > 0 || this.isOver(place)) done();
      });
    });
  }

  /** The editor has the keyboard again: what VS Code hid when it went is to be shown anew. */
  again(): void {
    this.given = undefined;
    this.appear();
  }

  /**
   * VS Code asks by itself only after typing. Where the cursor came another way, or something better was
   * verified, it is told to ask.
   */
  private appear(): void {
    const { cursor } = this.follower;
    // Whoever comes back to a place sees its ghost text again.
    if (!cursor || (this.given && !samePlace(this.given.place, cursor))) this.given = undefined;
    if (!cursor || !vscode.window.state.focused || !enabled(cursor.document) || !unasked(cursor.document)) return;
    if (this.given?.chosen || (this.awaited && samePlace(this.awaited, cursor))) return;
    const line = cursor.document.lineAt(cursor.position.line).text;
    if (!isTacticPosition(line, cursor.position.character)) return;
    const effect = this.effectOf(this.at(cursor, line)[0]);
    if (!this.given) {
      // Also before there is anything: VS Code lets some time pass before it asks, and Lean needs time too.
      if (effect === 0 && (this.isOver(cursor) || !this.sessions.of(cursor.document))) return;
    } else {
      if (effect <= this.given.effect) return;
      this.replace();
    }
    this.given = { place: cursor, effect, chosen: false };
    // As if the person had typed: what a person asks for explicitly VS Code remembers, and it would not ask for
    // the whole list when the next one is wanted.
    const how = { providerId: `${this.id}:*`, explicit: false };
    void vscode.commands.executeCommand('editor.action.inlineSuggest.trigger', how);
  }

  /**
   * A provider is asked once for a place and a version. A new one is asked again, and what it gives takes the place
   * of what is shown. (Hiding first would do as well, but gives the editor the keyboard, wherever that is.)
   */
  private replace(): void {
    const before = this.registration;
    this.registration = vscode.languages.registerInlineCompletionItemProvider(DOCUMENTS, this);
    before.dispose();
  }

  private changed(event: vscode.TextDocumentChangeEvent): void {
    const { shown: before } = this;
    const change = event.contentChanges[0];
    if (!before || !change || event.document.uri.toString() !== before.uri) return;
    if (event.contentChanges.length !== 1) return;
    const id = partTaken(before, change.rangeOffset, change.rangeLength, change.text);
    if (id !== undefined) this.tactics.report(before.uri, id, 'accepted_part');
  }

  dispose(): void {
    this.registration.dispose();
    for (const s of this.subscriptions) s.dispose();
  }
}

function enabled(document: vscode.TextDocument): boolean {
  return vscode.workspace.getConfiguration('leanCopilot', document).get<boolean>('ghostText', true);
}

/** Whether VS Code shows ghost text that nobody asked for. */
function unasked(document: vscode.TextDocument): boolean {
  return vscode.workspace.getConfiguration('editor', document).get<boolean>('inlineSuggest.enabled', true);
}

function toRange(ghost: Ghost): vscode.Range {
  const { start, end } = ghost.range;
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

function item(uri: string, id: string, text: string, range: vscode.Range): vscode.InlineCompletionItem {
  const command = { command: TAKEN, title: 'Taken', arguments: [uri, id] };
  return new vscode.InlineCompletionItem(text, range, command);
}
