// The types of `$/leanCopilot/*` as the Rust side defines them. Written by `npm run generate`; not by hand.
import type { Position, Range } from 'vscode-languageserver-protocol';

/** Names of the methods. */
export const method = {
  /** Request: verified suggestions at a position. */
  suggest: '$/leanCopilot/suggest',
  /** Notification to the client: the suggestions of a place have changed. */
  suggestions: '$/leanCopilot/suggestions',
  /** Notification to the client: how the sidecar is. */
  status: '$/leanCopilot/status',
  /** Notification from the client: what the person did with a suggestion. */
  event: '$/leanCopilot/event',
  /** Notification from the client: settings that changed. */
  configure: '$/leanCopilot/configure',
  /** Request: counts, rows, deletion or export of what was recorded. */
  feedback: '$/leanCopilot/feedback',
} as const;

/** One line of the context: one or more names of one type (`p q : Prop`), perhaps with a value. */
export interface Hypothesis {
  /** The names as printed; an inaccessible one ends in `✝` or `✝` and superscript digits. */
  names: string[];
  /** The type as printed, continuation lines joined by a space. */
  type: string;
  /** The value of a `let` variable. */
  value: string | null;
}

/** A proof state with one target, as `$/lean/plainGoal` prints it. */
export interface Goal {
  /** The tag after `case`, if there is one. */
  case: string | null;
  /** The context, outermost first. */
  hypotheses: Hypothesis[];
  /** What is to be proved, without `⊢`. */
  target: string;
  /** The whole goal as Lean prints it. */
  text: string;
}

/**
 * Who proposed a tactic. `policy`: The learned policy. `portfolio`: The fixed list of closing tactics.
 * `lean`: Lean's own search: `try?`, `exact?`, `simp?`. `neighbours`: What was done on similar goals.
 * `scope`: What the names at the goal offer: constructors, definitions, the project's theorems.
 */
export type Source = 'policy' | 'portfolio' | 'lean' | 'neighbours' | 'scope';

/** A proposed tactic. `source` is the best-ranked proposer, `sources` lists all of them. */
export interface Candidate {
  /** The tactic as it would be typed at column 0: continuation lines are indented relative to it. */
  tactic: string;
  /** The proposer that ranked it best. */
  source: Source;
  /** Every proposer, in the order of [`Source`], without repetition. */
  sources: Source[];
  /** Natural logarithm of the policy's probability of the whole tactic. */
  log_prob: number | null;
}

/**
 * What Lean did with a tactic at a goal. `closes`: The main goal is gone and no new one came in its place.
 * `progress`: Accepted; other goals than before remain. `no_progress`: Accepted, but the goals are the same
 * as before. `breaks_rest`: Accepted at the goal, but what follows in the document then fails. It says
 * nothing against the tactic at this goal: the place is inside a finished proof. `error`: Refused.
 * `timeout`: No answer within the limit.
 */
export type VerdictKind = 'closes' | 'progress' | 'no_progress' | 'breaks_rest' | 'error' | 'timeout';

/** Lean's answer, with what the tactic leaves behind. */
export interface Verdict {
  /** The kind of answer. */
  kind: VerdictKind;
  /** Whether the whole declaration then stands without error or `sorry`. */
  completes: boolean;
  /** All goals that remain in the tactic block after the tactic (empty unless Lean accepted it there). */
  goals: Goal[];
  /** Lean's error message, or a warning worth knowing. */
  message: string | null;
  /** Time that Lean took, in milliseconds; a share of it where many were tried at once. */
  elapsed_ms: number;
}

/**
 * An outcome of a suggestion, observed in the document's changes or reported by the client. `accepted`: One
 * change made the text that the suggestion's edit makes, or the client said so. `accepted_part`: A part was
 * accepted, word by word. `typed_same`: The person typed the text of a shown suggestion by hand.
 * `typed_other`: Another tactic was typed at that goal, and Lean took it. `rejected`: Refused by name.
 * `dismissed`: Closed without a choice. `ignored`: The goal was left as it was. `undone`: An accepted
 * suggestion was reverted within a minute, or before the next save. `kept`: An accepted suggestion was
 * still there at save and when the declaration was complete.
 */
export type OutcomeKind = 'accepted' | 'accepted_part' | 'typed_same' | 'typed_other' | 'rejected' | 'dismissed' | 'ignored' | 'undone' | 'kept';

/** Names a document by the URI that the editor uses, whatever its form: it is compared, never resolved. */
export interface DocumentId {
  /** The URI as the editor wrote it. */
  uri: string;
}

/** Parameters of `suggest`. */
export interface SuggestParams {
  /** The document, which must be open. */
  textDocument: DocumentId;
  /** Where a tactic is wanted. */
  position: Position;
  /** Most suggestions wanted; the setting `limit` where absent. */
  limit?: number;
  /** Whether candidates that Lean refused are listed too. */
  tried?: boolean;
  /**
   * Longest wait for the whole round, in milliseconds. Absent: the answer comes with the first verified
   * suggestion, or when the round ends without one; 0: at once.
   */
  wait_ms?: number;
}

/** Result of `suggest`: what is verified so far, best first. */
export interface SuggestResult {
  /** The main goal; `null` where there is no goal. */
  goal: Goal | null;
  /** All goals there, the main one first. */
  goals: Goal[];
  /** Verified suggestions, best first. */
  suggestions: Suggestion[];
  /** How many candidates are still being checked; 0 when the round is over. */
  pending: number;
  /** Candidates that may not be inserted, with Lean's answer; only if asked for. */
  tried: Tried[];
  /** Time since the round began, in milliseconds. */
  elapsed_ms: number;
}

/** A tactic that Lean has accepted at its place. */
export interface Suggestion extends Candidate {
  /**
   * Names the suggestion in `event` and in the feedback store; unique within the process and, by its random
   * part, between processes.
   */
  id: string;
  /** Lean's answer. */
  verdict: Verdict;
  /** What to insert. */
  edit: Edit;
}

/** A replacement in the document, valid for the version for which it was made. */
export interface Edit {
  /** What is replaced. */
  range: Range;
  /** By what. */
  newText: string;
}

/** A candidate that may not be inserted. */
export interface Tried extends Candidate {
  /** Lean's answer. */
  verdict: Verdict;
}

/** Parameters of `suggestions`. */
export interface SuggestionsParams {
  /** The document. */
  textDocument: DocumentId;
  /** The version for which the edits hold. */
  version: number;
  /** Where the tactic was wanted. */
  position: Position;
  /** The main goal there. */
  goal: Goal | null;
  /** All that is verified so far, best first. */
  suggestions: Suggestion[];
  /** How many candidates are still being checked; 0 when the round is over. */
  pending: number;
}

/**
 * The state in `status`. `ready`: Nothing to do. `thinking`: Candidates are being made. `checking`: Lean is
 * checking candidates. `paused`: Suggestions on their own are switched off. `degraded`: Something is
 * missing; the rest works.
 */
export type StatusState = 'ready' | 'thinking' | 'checking' | 'paused' | 'degraded';

/** Parameters of `status`. */
export interface StatusParams {
  /** The state. */
  state: StatusState;
  /** What is wrong. */
  message?: string;
  /** What mends it, a command where possible. */
  remedy?: string;
  /** Where the policy runs. */
  device: string;
  /** The bundle in use, `name@` and 12 digits; `null` before one was loaded. */
  bundle: string | null;
  /** The Lean that serves. */
  lean: string;
}

/**
 * What the client says about a suggestion. `shown`: The person could see it. `accepted`: Inserted.
 * `accepted_part`: Inserted in part. `rejected`: Refused by name. `dismissed`: Closed without a choice.
 */
export type EventKind = 'shown' | 'accepted' | 'accepted_part' | 'rejected' | 'dismissed';

/** Parameters of `event`. */
export interface EventParams {
  /** The suggestion's id. */
  id: string;
  /** What happened. */
  kind: EventKind;
  /** The person's reason, in their words. */
  reason?: string;
}

/**
 * What `feedback` is to do. `stats`: Counts. `list`: The newest rows. `delete`: Delete rows. `export`: The
 * rows of a data set; the client writes the file, if it wants one.
 */
export type FeedbackKind = 'stats' | 'list' | 'delete' | 'export';

/** Parameters of `feedback`. */
export interface FeedbackParams {
  /** What to do. */
  kind: FeedbackKind;
  /** Everything else, by kind. */
  [key: string]: unknown;
}

/**
 * What a client that knows `$/leanCopilot/*` announces, and what `initialize` answers, under
 * `capabilities.experimental.leanCopilot`.
 */
export interface Announcement {
  /** Our version. */
  version: string;
}

/** One look at a goal: the state, what was tried there and how Lean answered. */
export interface RecordedRound {
  /** Names the round; unique among all processes. Recording a round again replaces it. */
  id: string;
  /** [`FORMAT`] when it was recorded. */
  format: number;
  /** Milliseconds since 1970 (UTC). */
  time_ms: number;
  /** Root folder of the project, as an absolute path. */
  project: string;
  /** The document, as the editor names it. */
  uri: string;
  /** The document's version. */
  version: number;
  /** Full name of the enclosing declaration, by [`named_at`](crate::proof::declaration::named_at). */
  declaration: string | null;
  /** Line of the place, from 1. */
  line: number;
  /** Column of the place, from 1 in Unicode code points. */
  column: number;
  /** The main goal. */
  goal: Goal;
  /** All goals, the main one first. */
  goals: Goal[];
  /** Key of the main goal. */
  goal_key: string;
  /** SHA-256 of the document's text, in hexadecimal. */
  document_sha256: string;
  /** SHA-256 of the document's header (its imports), in hexadecimal. */
  header_sha256: string;
  /** The Lean that answered, as the status names it. */
  lean: string;
  /** The bundle that proposed, `name@` and 12 digits. */
  bundle: string | null;
  /** What was tried, best first. */
  candidates: RecordedCandidate[];
}

/** A candidate of a round. */
export interface RecordedCandidate extends Candidate {
  /** Its place in the order in which candidates were ranked, from 0. */
  rank: number;
  /** Lean's answer; none where the round ended before it came. */
  verdict: Verdict | null;
  /** The suggestion's id, if it was offered. */
  suggestion: string | null;
}

/** How an outcome is known. `observed`: Found in the document's changes. `reported`: The client said so. */
export type Evidence = 'observed' | 'reported';

/** What the person did with a suggestion, or at the goal of a round. */
export interface Outcome {
  /** The round; none where only the suggestion is known. */
  round: string | null;
  /** The suggestion; none for what concerns the whole round (`typed_other`, `ignored`). */
  suggestion: string | null;
  /** What was done. */
  kind: OutcomeKind;
  /** Milliseconds since 1970 (UTC). */
  time_ms: number;
  /** The person's reason, in their words. */
  reason: string | null;
  /** What was typed (`typed_other`, `typed_same`) or stands in the document. */
  tactic: string | null;
  /** How it is known. */
  evidence: Evidence;
  /** Whether the person had it before their eyes, as far as is known. */
  shown: boolean;
}

/** A round with its outcomes, oldest first: what is read back. */
export interface Recorded extends RecordedRound {
  /** What the person did, oldest first. */
  outcomes: Outcome[];
}

/** Counts. */
export interface Stats {
  /** The database file. */
  path: string;
  /** Its size in bytes. */
  bytes: number;
  /** Rounds. */
  rounds: number;
  /** Projects. */
  projects: number;
  /** Candidates by verdict; `none` for those that were not checked. */
  verdicts: Record<string, number>;
  /** Outcomes by kind. */
  outcomes: Record<string, number>;
  /** Time of the first round, in milliseconds since 1970. */
  first_ms: number | null;
  /** Time of the last round. */
  last_ms: number | null;
}
