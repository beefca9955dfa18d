//! A prover for the one theorem of the soak: as much of Lean as it takes for the verifier to sift, confirm and
//! refuse what is proposed there. Pure.

use std::collections::BTreeMap;

use lsp_types::{Diagnostic, DiagnosticSeverity, Position, Range};

/// Where a block of tactics stands in a line.
const COLUMN: usize = 2;

/// A goal: what is known and what is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// The names of the proofs of `p` and `q`, where `h : p ∧ q` was taken apart.
    parts: Option<(String, String)>,
    target: &'static str,
}

impl Goal {
    /// The goal of the theorem.
    fn whole() -> Goal {
        Goal { parts: None, target: "q ∧ p" }
    }

    /// As Lean prints it.
    pub fn text(&self) -> String {
        let known = match &self.parts {
            Some((p, q)) => format!("{p} : p\n{q} : q"),
            None => "h : p ∧ q".to_owned(),
        };
        format!("p q : Prop\n{known}\n⊢ {}", self.target)
    }

    /// What a tactic makes of the goal; none where Lean would refuse it.
    fn after(&self, tactic: &str) -> Option<Vec<Goal>> {
        let to = |target| Goal { target, ..self.clone() };
        let names = || {
            let inside = tactic.split_once('⟨')?.1.split_once('⟩')?.0;
            let (p, q) = inside.split_once(',')?;
            let is_name = |s: &str| !s.is_empty() && s.chars().all(char::is_alphanumeric);
            let (p, q) = (p.trim().to_owned(), q.trim().to_owned());
            (is_name(&p) && is_name(&q)).then_some((p, q))
        };
        match (tactic, self.target) {
            ("skip", _) => Some(vec![self.clone()]),
            ("grind" | "simp_all", _) => Some(Vec::new()),
            (
                "exact h.symm" | "exact And.symm h" | "exact ⟨h.2, h.1⟩" | "exact ⟨h.right, h.left⟩",
                "q ∧ p",
            ) => self.parts.is_none().then(Vec::new),
            ("constructor" | "apply And.intro" | "refine ⟨?_, ?_⟩", "q ∧ p") => {
                Some(vec![to("q"), to("p")])
            }
            ("assumption", "q" | "p") => self.parts.is_some().then(Vec::new),
            _ if self.parts.is_some() => None,
            ("exact h.2" | "exact h.right", "q") | ("exact h.1" | "exact h.left", "p") => Some(Vec::new()),
            ("cases h", _) => {
                Some(vec![Goal { parts: Some(("left".into(), "right".into())), ..self.clone() }])
            }
            (t, _) if t.starts_with("obtain ⟨") || t.starts_with("rcases h with ⟨") => {
                Some(vec![Goal { parts: Some(names()?), ..self.clone() }])
            }
            _ => None,
        }
    }
}

/// What the prover says about a text.
#[derive(Debug, Default)]
pub struct Elaborated {
    /// Errors, warnings and messages.
    pub diagnostics: Vec<Diagnostic>,
    /// The goals before the tactic that begins on a line.
    goals: BTreeMap<u32, Vec<Goal>>,
}

impl Elaborated {
    /// Reads a text.
    pub fn new(text: &str) -> Elaborated {
        let mut out = Elaborated::default();
        let lines: Vec<&str> = text.lines().collect();
        let is_header = |l: &str| l.contains("theorem ") && l.ends_with(":= by");
        for (i, header) in lines.iter().enumerate().filter(|(_, l)| is_header(l)) {
            let body = lines[i + 1..].iter().take_while(|l| l.is_empty() || l.starts_with(' '));
            let steps = steps(body.copied(), COLUMN, i as u32 + 1);
            let mut block = Block { out: &mut out, goals: vec![Goal::whole()], used_sorry: false };
            let failed = steps.iter().any(|(line, step)| block.step(*line, step).is_none());
            let Block { goals, used_sorry, .. } = block;
            let end = header.chars().count() as u32;
            if !failed && !goals.is_empty() {
                out.say(i as u32, end - 2, DiagnosticSeverity::ERROR, unsolved(&goals));
            }
            if used_sorry {
                let warning = "declaration uses `sorry`".to_owned();
                out.say(i as u32, 0, DiagnosticSeverity::WARNING, warning);
            }
        }
        out
    }

    /// The goals before the tactic of a line.
    pub fn goals(&self, line: u32) -> Option<&[Goal]> {
        self.goals.get(&line).map(Vec::as_slice)
    }

    fn say(&mut self, line: u32, character: u32, severity: DiagnosticSeverity, message: String) {
        let at = Position { line, character };
        let range = Range { start: at, end: Position { character: character + 1, ..at } };
        let d = Diagnostic::new(range, Some(severity), None, None, message, None, None);
        self.diagnostics.push(d);
    }
}

/// The goals that a block of tactics leaves of these, or Lean's message.
pub fn try_tactic(goals: &[Goal], tactic: &str) -> Result<Vec<Goal>, String> {
    let mut out = Elaborated::default();
    let mut block = Block { out: &mut out, goals: goals.to_vec(), used_sorry: false };
    let done = steps(tactic.lines(), 0, 0).iter().all(|(line, step)| block.step(*line, step).is_some());
    let left = std::mem::take(&mut block.goals);
    match out.diagnostics.into_iter().find(|d| d.severity == Some(DiagnosticSeverity::ERROR)) {
        None if done => Ok(left),
        error => Err(error.map(|e| e.message).unwrap_or_default()),
    }
}

/// The tactics of a block with the lines on which they begin; what stands deeper belongs to the one before.
fn steps<'a>(lines: impl Iterator<Item = &'a str>, column: usize, first: u32) -> Vec<(u32, String)> {
    let mut steps: Vec<(u32, String)> = Vec::new();
    for (line, text) in (first..).zip(lines) {
        let inner = text.get(column..).unwrap_or("").trim_end();
        match steps.last_mut() {
            _ if inner.is_empty() => {}
            Some((_, step)) if inner.starts_with(' ') => {
                step.push('\n');
                step.push_str(inner);
            }
            _ => steps.push((line, inner.to_owned())),
        }
    }
    steps
}

/// A block while it runs.
struct Block<'a> {
    out: &'a mut Elaborated,
    goals: Vec<Goal>,
    used_sorry: bool,
}

impl Block<'_> {
    /// One tactic; none where it fails, which ends the block.
    fn step(&mut self, line: u32, step: &str) -> Option<()> {
        self.out.goals.insert(line, self.goals.clone());
        let info = DiagnosticSeverity::INFORMATION;
        let at = COLUMN as u32;
        if let Some(inner) = step.strip_prefix("· ") {
            return self.bullet(line, inner);
        }
        if let Some(message) = step.strip_prefix("trace \"").and_then(|m| m.strip_suffix('"')) {
            self.out.say(line, at, info, message.to_owned());
            return Some(());
        }
        if step.starts_with("refine (fun x ") && !self.goals.is_empty() {
            let main = self.goals.remove(0);
            let copies = std::iter::repeat_n(main, step.matches("?_").count());
            self.goals.splice(0..0, copies);
            return Some(());
        }
        match step {
            "trace_state" => self.out.say(line, at, info, print(&self.goals)),
            "sorry" | "all_goals sorry" => {
                self.used_sorry |= !self.goals.is_empty();
                self.goals.clear();
            }
            "exact _root_._lean_copilot_open" | "all_goals exact _root_._lean_copilot_open" => {
                self.goals.clear();
            }
            "exact?" => {
                self.out.say(line, at, info, "Try this:\n  [apply] exact And.symm h".to_owned());
                self.goals.clear();
            }
            "try?" => {
                self.out.say(line, at, info, "Try these:\n  [apply] grind\n  [apply] simp_all".to_owned());
                self.goals.clear();
            }
            hide if hide.starts_with("try clear ") => {}
            tactic => {
                let Some(left) = self.goals.first().and_then(|g| g.after(tactic)) else {
                    let message = format!("Tactic `{tactic}` failed\n\n{}", print(&self.goals));
                    self.out.say(line, at, DiagnosticSeverity::ERROR, message);
                    return None;
                };
                self.goals.splice(0..1, left);
            }
        }
        Some(())
    }

    /// A block of its own for the main goal, which is done with whatever happens in it.
    fn bullet(&mut self, line: u32, inner: &str) -> Option<()> {
        if self.goals.is_empty() {
            self.out.say(line, COLUMN as u32, DiagnosticSeverity::ERROR, "no goals".to_owned());
            return None;
        }
        let main = self.goals.remove(0);
        if inner == "sorry" {
            self.used_sorry = true;
            return Some(());
        }
        // `(`, the tactic, `)`: as the verifier writes its batches.
        let lines: Vec<&str> = inner.lines().collect();
        let body = lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default();
        let mut block = Block { out: &mut *self.out, goals: vec![main], used_sorry: false };
        let steps = steps(body.iter().copied(), 4, line + 1);
        let failed = steps.iter().any(|(line, step)| block.step(*line, step).is_none());
        let left = block.goals;
        self.used_sorry |= block.used_sorry;
        if !failed && !left.is_empty() {
            self.out.say(line, COLUMN as u32, DiagnosticSeverity::ERROR, unsolved(&left));
        }
        Some(())
    }
}

fn print(goals: &[Goal]) -> String {
    goals.iter().map(Goal::text).collect::<Vec<_>>().join("\n\n")
}

fn unsolved(goals: &[Goal]) -> String {
    format!("unsolved goals\n{}", print(goals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::judge::{Batch, Triage, traced_goals};

    const HEADER: &str = "theorem t (p q : Prop) (h : p ∧ q) : q ∧ p := by\n";

    fn said(body: &str) -> Vec<(u32, Option<DiagnosticSeverity>, String)> {
        let text = format!("{HEADER}{body}");
        let all = Elaborated::new(&text).diagnostics.into_iter();
        all.map(|d| (d.range.start.line, d.severity, d.message)).collect()
    }

    #[test]
    fn it_proves_refuses_and_warns_as_lean_does() {
        assert_eq!(said("  exact ⟨h.2, h.1⟩\n"), []);
        assert_eq!(said("  constructor\n  exact h.2\n  exact h.1\n"), []);
        assert_eq!(said("  obtain ⟨a, b⟩ := h\n  constructor\n  assumption\n  assumption\n"), []);
        let sorry = said("  sorry\n");
        assert!(sorry.len() == 1 && sorry[0].1 == Some(DiagnosticSeverity::WARNING), "{sorry:?}");
        let wrong = said("  rfl\n  sorry\n");
        assert!(wrong.len() == 1 && wrong[0].0 == 1 && wrong[0].2.starts_with("Tactic `rfl`"), "{wrong:?}");
        let open = said("  constructor\n  exact h.2\n");
        assert!(open.len() == 1 && open[0].0 == 0 && open[0].2.starts_with("unsolved goals"), "{open:?}");
    }

    #[test]
    fn the_verifier_reads_its_trials_from_it() {
        let text = format!("{HEADER}  constructor\n  trace_state\n  sorry\n");
        let goals = traced_goals(&Elaborated::new(&text).diagnostics, 2).unwrap();
        assert_eq!(goals.iter().map(|g| g.target.as_str()).collect::<Vec<_>>(), ["q", "p"]);
        let batch = Batch::new(&["rfl", "constructor", "grind"], false);
        let block: String = batch.block.lines().map(|l| format!("  {l}\n")).collect();
        let said = Elaborated::new(&format!("{HEADER}{block}")).diagnostics;
        let read = batch.read(&said, 1);
        assert!(matches!(&read[0], Triage::Refused(m) if m.starts_with("Tactic `rfl`")), "{read:?}");
        assert!(matches!(&read[1], Triage::Accepted(g) if g.len() == 2), "{read:?}");
        assert_eq!(read[2], Triage::Accepted(Vec::new()));
    }
}
