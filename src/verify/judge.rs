//! From what Lean says about scratch texts to verdicts. Pure.

use std::ops::Range;

use lsp_types::{Diagnostic, DiagnosticSeverity};

use crate::proof::{Goal, Verdict, VerdictKind, same_state};

/// The beginning of Lean's message about a block that ends with goals left.
const UNSOLVED: &str = "unsolved goals";

/// Whether a diagnostic is an error.
pub fn is_error(d: &Diagnostic) -> bool {
    d.severity == Some(DiagnosticSeverity::ERROR)
}

fn is_sorry_warning(d: &Diagnostic) -> bool {
    d.severity == Some(DiagnosticSeverity::WARNING)
        && d.message.starts_with("declaration uses")
        && d.message.contains("sorry")
}

/// The goals that `trace_state` printed on a line, main goal first; `None` where it did not run.
pub fn traced_goals(diagnostics: &[Diagnostic], line: u32) -> Option<Vec<Goal>> {
    let traced = diagnostics.iter().find(|d| {
        d.severity == Some(DiagnosticSeverity::INFORMATION)
            && d.range.start.line == line
            && (d.message.contains('⊢') || d.message.trim().is_empty())
    })?;
    Some(Goal::parse_all(&traced.message))
}

/// Two elaborations of the same document with different blocks in its hole.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// What Lean said with the block that only closes the goals.
    pub baseline: &'a [Diagnostic],
    /// What Lean said with the candidate.
    pub trial: &'a [Diagnostic],
    /// The first line of the hole.
    pub line: u32,
    /// How many lines the trial has more than the baseline.
    pub delta: i64,
}

impl<'a> Comparison<'a> {
    /// The first error of the trial, in the order of the text, that the baseline has not.
    pub fn new_error(&self) -> Option<&'a Diagnostic> {
        self.trial
            .iter()
            .filter(|d| is_error(d) && !self.known(d))
            .min_by_key(|d| (d.range.start.line, d.range.start.character))
    }

    /// The first warning of the trial about a `sorry` in a declaration where the baseline has none.
    pub fn new_sorry(&self) -> Option<&'a Diagnostic> {
        self.trial.iter().find(|d| is_sorry_warning(d) && !self.known(d))
    }

    fn known(&self, d: &Diagnostic) -> bool {
        let same_place = |b: &Diagnostic| {
            let line = i64::from(b.range.start.line);
            let moved = if b.range.start.line > self.line { line + self.delta } else { line };
            moved == i64::from(d.range.start.line) && b.range.start.character == d.range.start.character
        };
        // A block that had goals left may have others left: that is what a step does.
        let same_message = |b: &Diagnostic| {
            numberless(&b.message) == numberless(&d.message)
                || (b.message.starts_with(UNSOLVED) && d.message.starts_with(UNSOLVED))
        };
        self.baseline.iter().any(|b| b.severity == d.severity && same_place(b) && same_message(b))
    }
}

/// A message without the numbers of its metavariables, which depend on what was elaborated before.
fn numberless(message: &str) -> std::borrow::Cow<'_, str> {
    if !message.contains("?m.") && !message.contains("?u.") {
        return message.into();
    }
    let mut parts = message.split('?');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('?');
        match part.get(..2) {
            Some(kind @ ("m." | "u.")) => {
                out.push_str(kind);
                out.push_str(part[2..].trim_start_matches(|c: char| c.is_ascii_digit()));
            }
            _ => out.push_str(part),
        }
    }
    out.into()
}

/// Whether a declaration stands: no error and no `sorry` in its lines.
pub fn stands(diagnostics: &[Diagnostic], lines: &Range<u32>) -> bool {
    !diagnostics.iter().any(|d| {
        let line = d.range.start.line;
        lines.contains(&line) && (is_error(d) || is_sorry_warning(d))
    })
}

/// Whether a declaration has Lean's warning about `sorry`.
pub fn uses_sorry(diagnostics: &[Diagnostic], lines: &Range<u32>) -> bool {
    diagnostics.iter().any(|d| lines.contains(&d.range.start.line) && is_sorry_warning(d))
}

/// What a change of goals means, where Lean has accepted the tactic.
pub fn kind_of(before: &[Goal], after: &[Goal]) -> VerdictKind {
    if same_state(before, after) {
        VerdictKind::NoProgress
    } else if before.len() == after.len() + 1 && same_state(&before[1..], after) {
        VerdictKind::Closes
    } else {
        VerdictKind::Progress
    }
}

/// A verdict without goals: an error, a timeout.
pub fn refused(kind: VerdictKind, message: impl Into<String>, elapsed_ms: f64) -> Verdict {
    Verdict { kind, completes: false, goals: Vec::new(), message: Some(message.into()), elapsed_ms }
}

/// Whether an error means that Lean gave up, which says little about a tactic that ran among others.
pub fn is_exhaustion(message: &str) -> bool {
    message.contains("deterministic) timeout")
        || message.contains("maximum recursion depth")
        || message.contains("stack overflow")
        || message.contains("maxHeartbeats")
}

/// What the elaboration of a batch says about one of its candidates.
#[derive(Debug, Clone, PartialEq)]
pub enum Triage {
    /// Accepted; these goals are left of its copy of the main goal.
    Accepted(Vec<Goal>),
    /// Refused with Lean's message.
    Refused(String),
    /// Lean did not get to its end: it does not parse, exhausts a limit, or did not finish in time. The
    /// message is Lean's, where there is one.
    Unfinished(Option<String>),
}

/// Many candidates as one block: each on a copy of the main goal, so that none sees what another did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The block of tactics.
    pub block: String,
    /// The lines of each candidate in the block: its bullet first, its marker last.
    lines: Vec<Range<u32>>,
}

const MARK: &str = "lean-copilot: tried";

impl Batch {
    /// Makes the block. `others` says whether goals beside the main one have to be closed at its end.
    pub fn new<S: AsRef<str>>(tactics: &[S], others: bool) -> Batch {
        let n = tactics.len() + 1;
        let mut block = format!(
            "refine (fun x {}=> x : ∀ {{a : Sort _}}, {}a) {}\n· sorry\n",
            "_ ".repeat(n - 1),
            "a → ".repeat(n),
            vec!["?_"; n].join(" ")
        );
        let mut lines = Vec::new();
        let mut line = 2;
        for tactic in tactics {
            let start = line;
            // In brackets, so that what does not parse ends here and not in the next candidate.
            block.push_str("· (\n");
            for l in tactic.as_ref().trim_end().lines() {
                block.push_str(if l.trim().is_empty() { "" } else { "    " });
                block.push_str(l);
                block.push('\n');
                line += 1;
            }
            // The marker is a step of its own: Lean reports it as soon as the candidate is done.
            block.push_str(&format!("  )\ntrace \"{MARK}\"\n"));
            line += 3;
            lines.push(start..line);
        }
        if others {
            block.push_str("all_goals sorry\n");
        }
        Batch { block, lines }
    }

    /// What the diagnostics of a text say whose line `first` is the first of the block.
    pub fn read(&self, diagnostics: &[Diagnostic], first: u32) -> Vec<Triage> {
        self.lines.iter().map(|lines| read_one(diagnostics, first, lines)).collect()
    }
}

fn read_one(diagnostics: &[Diagnostic], first: u32, lines: &Range<u32>) -> Triage {
    let own = |d: &&Diagnostic| {
        let line = d.range.start.line;
        line >= first + lines.start && line < first + lines.end
    };
    let mut errors: Vec<&Diagnostic> = diagnostics.iter().filter(own).filter(|d| is_error(d)).collect();
    errors.sort_by_key(|d| (d.range.start.line, d.range.start.character));
    let at_bullet =
        |d: &&&Diagnostic| d.range.start.line == first + lines.start && d.message.starts_with(UNSOLVED);
    let finished = diagnostics
        .iter()
        .filter(own)
        .any(|d| d.range.start.line == first + lines.end - 1 && d.message.trim() == MARK);
    let error = errors.iter().find(|d| !at_bullet(d));
    match (finished, error) {
        (false, error) => Triage::Unfinished(error.map(|d| d.message.clone())),
        (true, Some(error)) => Triage::Refused(error.message.clone()),
        (true, None) => match errors.first() {
            Some(left) => Triage::Accepted(Goal::parse_all(left.message[UNSOLVED.len()..].trim_start())),
            None => Triage::Accepted(Vec::new()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsp_types::{Position, Range as LspRange};

    fn at(line: u32, character: u32, severity: DiagnosticSeverity, message: &str) -> Diagnostic {
        let p = Position { line, character };
        Diagnostic::new(LspRange::new(p, p), Some(severity), None, None, message.into(), None, None)
    }

    const E: DiagnosticSeverity = DiagnosticSeverity::ERROR;
    const W: DiagnosticSeverity = DiagnosticSeverity::WARNING;
    const I: DiagnosticSeverity = DiagnosticSeverity::INFORMATION;

    #[test]
    fn errors_that_only_moved_are_not_new() {
        let baseline = [at(1, 0, E, "a"), at(9, 2, E, "b"), at(3, 0, E, "unsolved goals\n⊢ p")];
        let compare = |trial: &[Diagnostic]| {
            let c = Comparison { baseline: &baseline, trial, line: 5, delta: 2 };
            c.new_error().map(|d| d.message.clone())
        };
        assert_eq!(compare(&[at(1, 0, E, "a"), at(11, 2, E, "b")]), None);
        assert_eq!(compare(&[at(3, 0, E, "unsolved goals\n⊢ q")]), None);
        assert_eq!(compare(&[at(9, 2, E, "b")]), Some("b".into()), "it did not move with the text");
        assert_eq!(compare(&[at(11, 2, E, "c")]), Some("c".into()));
        assert_eq!(compare(&[at(11, 2, W, "c")]), None, "a warning is no error");
        assert_eq!(numberless("m.1 f ?m.12 ?u.3 ?n.4 x?"), "m.1 f ?m. ?u. ?n.4 x?");
    }

    #[test]
    fn a_sorry_that_was_not_there_is_seen() {
        let w = |line| at(line, 8, W, "declaration uses `sorry`");
        let c = |trial: &[Diagnostic]| {
            Comparison { baseline: &[w(2)], trial, line: 5, delta: 0 }.new_sorry().is_some()
        };
        assert!(!c(&[w(2)]));
        assert!(c(&[w(4)]));
        assert!(uses_sorry(&[w(4)], &(4..6)) && !stands(&[w(4)], &(4..6)) && stands(&[w(4)], &(5..6)));
        assert!(!uses_sorry(&[at(4, 0, W, "declaration uses 'x'")], &(4..6)));
    }

    #[test]
    fn goals_before_and_after_give_the_kind() {
        let g = |t: &str| Goal::parse(t);
        let (p, q, r) = (g("⊢ p"), g("⊢ q"), g("⊢ r"));
        let before = [p.clone(), q.clone()];
        assert_eq!(kind_of(&before, std::slice::from_ref(&q)), VerdictKind::Closes);
        assert_eq!(kind_of(&before, &[]), VerdictKind::Progress, "it also closed what was not asked for");
        assert_eq!(kind_of(&before, &before), VerdictKind::NoProgress);
        assert_eq!(kind_of(&before, &[r, q]), VerdictKind::Progress);
        assert_eq!(kind_of(&before[..1], &[]), VerdictKind::Closes);
    }

    #[test]
    fn a_batch_is_read_candidate_by_candidate() {
        let batch = Batch::new(&["rfl", "constructor\n· skip", "simp", "loop"], false);
        let lines: Vec<&str> = batch.block.lines().collect();
        let row = |text: &str| lines.iter().position(|l| l.contains(text)).unwrap() as u32;
        let marks: Vec<u32> =
            (0..lines.len()).filter(|i| lines[*i].contains(MARK)).map(|i| i as u32).collect();
        assert_eq!(marks.len(), 4);
        let mut said = vec![
            at(10 + row("rfl"), 4, E, "not equal"),
            at(10 + row("    constructor") - 1, 0, E, "unsolved goals\ncase l\n⊢ p\n\ncase r\n⊢ q"),
        ];
        said.extend(marks[..3].iter().map(|m| at(10 + m, 0, I, MARK)));
        let read = batch.read(&said, 10);
        assert_eq!(read[0], Triage::Refused("not equal".into()));
        assert!(matches!(&read[1], Triage::Accepted(g) if g.len() == 2 && g[0].target == "p"));
        assert_eq!(read[2], Triage::Accepted(vec![]));
        assert_eq!(read[3], Triage::Unfinished(None));
    }

    #[test]
    fn the_state_is_read_from_its_line() {
        let said = [at(3, 0, I, "x : Nat\n⊢ p\n\n⊢ q"), at(5, 0, I, "\n")];
        assert_eq!(traced_goals(&said, 3).unwrap().len(), 2);
        assert_eq!(traced_goals(&said, 5), Some(vec![]));
        assert_eq!(traced_goals(&said, 4), None);
    }
}
