//! Candidates from what was done on similar goals: a person's own history, the project's proofs, the shipped
//! corpus.
//!
//! [`terms`] says what a goal is found again by, [`index`] finds it, [`adapt`] rewrites what was done there
//! in the names of the goal at hand. An index is derived data: that of the user is read anew from the feedback
//! store and the corpus, that of a project ([`project`]) from its traced files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::config::Dirs;
use crate::feedback::record::now_ms;
use crate::feedback::store::{History, Mark, Store};
use crate::proof::{Candidate, Goal, ProofStep, Source, tactic};

pub mod adapt;
pub mod index;
pub mod project;
pub mod terms;

pub use index::{Index, Learned, Neighbour};
pub use project::ProjectIndex;

/// Goals less alike than this have little to say to each other.
const LEAST_LIKENESS: f64 = 0.15;

/// The origin of what a person did, as the index names it.
const HISTORY: &str = "history";
/// The origin of the shipped steps.
const CORPUS: &str = "corpus";

/// A handle; clones share the index, which is opened and brought up to date by whoever asks first.
#[derive(Debug, Clone)]
pub struct Neighbours(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    corpus: PathBuf,
    feedback: PathBuf,
    /// Where the index of the project lies, if it has one.
    project: Option<PathBuf>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    user: Option<Index>,
    project: Option<Index>,
}

impl Neighbours {
    /// The user's index, over the shipped corpus and the user's feedback store. Touches nothing yet.
    pub fn new(dirs: &Dirs) -> Neighbours {
        Neighbours::with(dirs, None)
    }

    /// The user's index and that of the project in this folder, if it has one now or later.
    pub fn of_project(dirs: &Dirs, root: &Path) -> Neighbours {
        Neighbours::with(dirs, Some(ProjectIndex::path_in(dirs, root)))
    }

    fn with(dirs: &Dirs, project: Option<PathBuf>) -> Neighbours {
        Neighbours(Arc::new(Inner {
            path: Neighbours::path_in(dirs),
            corpus: dirs.share.join("examples").join("steps.jsonl"),
            feedback: Store::path_in(dirs),
            project,
            open: Mutex::default(),
        }))
    }

    /// An index at `path` over one file of steps, apart from what the user did.
    pub fn over(dirs: &Dirs, corpus: PathBuf, path: PathBuf) -> Neighbours {
        let mut inner = Arc::into_inner(Neighbours::new(dirs).0).expect("nobody else has it yet");
        (inner.path, inner.corpus, inner.feedback) = (path, corpus, PathBuf::new());
        Neighbours(Arc::new(inner))
    }

    /// Where the user's index lies.
    pub fn path_in(dirs: &Dirs) -> PathBuf {
        dirs.data.join("neighbours.db")
    }

    /// Up to `k` tactics, the most promising first. Waits for the disk: call it where that is allowed.
    pub fn propose(&self, goal: &Goal, k: usize) -> Result<Vec<Candidate>> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Open { user, project } = &mut *open;
        let index = match user {
            Some(index) => index,
            none => none.insert(Index::open(&self.0.path)?),
        };
        self.0.refresh(index)?;
        let mut similar = index.similar(goal)?;
        if let Some(path) = &self.0.project {
            // It may be made, thrown away and made again while we run; asking makes none.
            if project.as_ref().is_some_and(|p| !p.is_in_place()) {
                *project = None;
            }
            if project.is_none() && path.is_file() {
                *project = Some(Index::open(path)?);
            }
            if let Some(index) = project {
                similar.extend(index.similar(goal)?);
            }
        }
        Ok(candidates(&similar, goal, k))
    }
}

impl Inner {
    /// Reads what is new in the corpus and in the feedback store.
    fn refresh(&self, index: &mut Index) -> Result<()> {
        let file = &self.corpus;
        if let Ok(meta) = std::fs::metadata(file) {
            let modified = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
            let state = format!("{} {}", meta.len(), modified.map_or(0, |d| d.as_millis()));
            if index.state(CORPUS)?.as_deref() != Some(&state) {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read `{}`", file.display()))?;
                let steps: Vec<ProofStep> =
                    text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
                index.forget(CORPUS)?;
                index.learn(CORPUS, &learned(&steps), &state)?;
            }
        }
        if self.feedback.is_file() {
            let store = Store::open(&self.feedback)?;
            let mark = index.state(HISTORY)?.as_deref().and_then(Mark::from_text);
            let mut history = store.taken(mark, now_ms())?;
            if history == History::Changed {
                index.forget(HISTORY)?;
                history = store.taken(None, now_ms())?;
            }
            if let History::More(steps, to) = history
                && mark != Some(to)
            {
                let steps: Vec<Learned> =
                    steps.into_iter().map(|t| Learned { goal: t.goal, tactic: t.tactic }).collect();
                index.learn(HISTORY, &steps, &to.to_text())?;
            }
        }
        Ok(())
    }
}

/// Steps without error and without `sorry`, as the index learns them.
pub fn learned(steps: &[ProofStep]) -> Vec<Learned> {
    steps
        .iter()
        .filter(|s| s.error.is_none() && tactic::refusal(&s.tactic).is_none())
        .filter_map(|s| Some(Learned { goal: s.state_before.first()?.clone(), tactic: s.tactic.clone() }))
        .collect()
}

/// What was done at similar goals as candidates for this one (pure): each in the names of the goal, those
/// first that were done at the likest goals; a tactic that was done at several gains by each.
fn candidates(neighbours: &[Neighbour], goal: &Goal, k: usize) -> Vec<Candidate> {
    let mut votes: HashMap<String, (f64, String)> = HashMap::new();
    for n in neighbours.iter().filter(|n| n.likeness >= LEAST_LIKENESS) {
        let Some(text) = adapt::adapt(&n.tactic, &n.goal, goal) else { continue };
        // What was done in this project, by this person, counts a little more.
        let weight = if n.origin == CORPUS { 1.0 } else { 1.1 };
        let vote = votes.entry(tactic::normalise(&text)).or_insert((0.0, text));
        let likeness = n.likeness * weight;
        vote.0 = vote.0.max(likeness) + 0.1 * vote.0.min(likeness);
    }
    let mut ranked: Vec<(f64, String)> = votes.into_values().collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Candidate::ranked(ranked.into_iter().take(k).map(|(_, t)| t), Source::Neighbours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feedback::record::{Evidence, FORMAT, Outcome, Round, Tried};
    use crate::proof::OutcomeKind;

    fn round(id: &str, goal: &str, tactic: &str) -> Round {
        let goal = Goal::parse(goal);
        Round {
            id: id.into(),
            format: FORMAT,
            time_ms: 1,
            project: "/p".into(),
            uri: "file:///p/A.lean".into(),
            version: 1,
            declaration: None,
            line: 1,
            column: 1,
            goal_key: Round::key_of(&goal),
            goals: vec![goal.clone()],
            goal,
            document_sha256: String::new(),
            header_sha256: String::new(),
            lean: "L".into(),
            bundle: None,
            candidates: vec![Tried {
                candidate: Candidate::new(tactic, Source::Policy, None),
                rank: 0,
                verdict: None,
                suggestion: Some(format!("s{id}")),
            }],
        }
    }

    fn outcome(id: &str, kind: OutcomeKind, typed: Option<&str>) -> Outcome {
        Outcome {
            round: Some(id.into()),
            suggestion: typed.is_none().then(|| format!("s{id}")),
            kind,
            time_ms: now_ms(),
            reason: None,
            tactic: typed.map(str::to_owned),
            evidence: Evidence::Observed,
            shown: true,
        }
    }

    #[test]
    fn what_a_person_did_is_proposed_at_once_and_forgotten_with_its_row() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(dir.path(), dir.path().join("share"), dir.path().join("cache"));
        let neighbours = Neighbours::new(&dirs);
        let like = Goal::parse("c d : Nat\nhc : c ∣ d\n⊢ c ≤ d + 1");
        let tactics =
            |n: &Neighbours| n.propose(&like, 8).unwrap().into_iter().map(|c| c.tactic).collect::<Vec<_>>();
        assert!(tactics(&neighbours).is_empty());

        let mut store = Store::open(&Store::path_in(&dirs)).unwrap();
        let goal = "a b : Nat\nh : a ∣ b\n⊢ a ≤ b + 1";
        // The outcome is written before its round, as it happens in a session.
        store.record_outcome(&outcome("1", OutcomeKind::Accepted, None)).unwrap();
        assert!(tactics(&neighbours).is_empty());
        store.record_round(&round("1", goal, "obtain ⟨k, hk⟩ := h")).unwrap();
        assert_eq!(tactics(&neighbours), ["obtain ⟨k, hk⟩ := hc"]);

        store.record_round(&round("2", goal, "simp")).unwrap();
        store.record_outcome(&outcome("2", OutcomeKind::TypedOther, Some("exact le_succ_of_dvd h"))).unwrap();
        assert_eq!(tactics(&Neighbours::new(&dirs)).len(), 2, "a second process sees both");

        store.record_outcome(&outcome("1", OutcomeKind::Undone, None)).unwrap();
        assert_eq!(tactics(&neighbours), ["exact le_succ_of_dvd hc"]);
        store.delete(&crate::feedback::store::Deletion::All).unwrap();
        assert!(tactics(&neighbours).is_empty());
    }

    #[test]
    fn a_tactic_of_several_goals_goes_before_one_of_a_single_goal() {
        let n = |tactic: &str, likeness: f64| Neighbour {
            goal: Goal::parse("⊢ True"),
            tactic: tactic.into(),
            origin: CORPUS.into(),
            likeness,
        };
        let all = [n("a", 0.5), n("b", 0.49), n("b", 0.48), n("b", 0.3), n("c", 0.05)];
        let found = candidates(&all, &Goal::parse("⊢ True"), 8);
        assert_eq!(found.iter().map(|c| c.tactic.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(candidates(&all, &Goal::parse("⊢ True"), 1).len(), 1);
    }
}
