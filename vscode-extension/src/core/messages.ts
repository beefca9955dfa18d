// What the extension and its webviews say to each other.

import type { Goal, Stats, Suggestion, Tried } from '../protocol';
import type { Summary } from './summary';

/** What the panel shows. */
export interface PanelState {
  /** Why there is nothing; null where there is something. */
  empty: { message: string; action?: { label: string; command: string } } | null;
  /** All goals at the cursor as Lean prints them, where they are known: the main one first. Empty: no goals are left there. */
  goals: string[] | null;
  /** The goal that the suggestions are for, beside which theirs are compared. */
  goal: Goal | null;
  suggestions: Suggestion[];
  pending: number;
  /** Tactics were looked for at this place. */
  asked: boolean;
  /** What Lean refused; null until it was asked for. */
  tried: Tried[] | null;
  paused: boolean;
  /** Candidates are being made or checked, although none is known yet. */
  busy: boolean;
}

/** To the panel. */
export type ToPanel =
  | { kind: 'state'; state: PanelState }
  /** The list takes the keyboard. */
  | { kind: 'focus' };

/** From the panel. */
export type FromPanel =
  | { kind: 'ready' }
  | { kind: 'insert' | 'copy'; id: string }
  | { kind: 'refuse'; id: string; reason: string }
  | { kind: 'tried' }
  | { kind: 'dismiss' }
  /** The keyboard went elsewhere. */
  | { kind: 'left' }
  | { kind: 'command'; command: string };

/** What the feedback page shows. */
export interface FeedbackState {
  project: string;
  recording: boolean;
  stats: Stats;
  summary: Summary;
  /** The project has more rounds than were counted. */
  partial: boolean;
}

/** To the feedback page. */
export type ToFeedback =
  | { kind: 'state'; state: FeedbackState }
  | { kind: 'problem'; message: string }
  | { kind: 'training'; text: string; done: number | null }
  | { kind: 'report'; lines: [string, string][]; note: string };

/** From the feedback page. */
export type FromFeedback =
  | { kind: 'ready' | 'refresh' | 'export' | 'train' | 'deleteProject' | 'deleteAll' | 'toggleRecording' }
  | { kind: 'delete'; id: string };
