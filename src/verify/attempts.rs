//! The candidates of one request: how far each has come, and which survivor is to be confirmed next. Pure.

use crate::proof::{Goal, Verdict, same_state};

/// Of candidates that lead to the same goals so many are confirmed, where not all are wanted: more of the
/// same is nothing to choose from.
const SAME_STATE: usize = 3;

/// How many of a request's candidates are to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All that triage accepts.
    All,
    /// The best, so many, and few that lead to the same goals.
    Best(usize),
    /// So many that close the main goal: that leave no more than `others`, the number of goals beside it.
    Closing {
        /// So many.
        wanted: usize,
        /// Goals beside the main goal.
        others: usize,
    },
}

impl Wanted {
    /// The most goals that a candidate may leave.
    fn most(self) -> usize {
        match self {
            Wanted::Closing { others, .. } => others,
            Wanted::All | Wanted::Best(_) => usize::MAX,
        }
    }
}

/// How far a candidate has come.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// Not tried yet, or tried without a result.
    Waiting,
    /// Triage accepted it; all goals that it leaves. Not confirmed.
    Passed(Vec<Goal>),
    /// It has its verdict.
    Done,
}

#[derive(Debug)]
struct Attempt {
    /// Its number in the request.
    number: usize,
    tactic: String,
    stage: Stage,
}

/// The candidates of a request, likeliest first.
#[derive(Debug)]
pub struct Attempts {
    list: Vec<Attempt>,
    wanted: Wanted,
    /// What confirmed candidates lead to.
    confirmed: Vec<Vec<Goal>>,
}

impl Attempts {
    /// Tactics with their numbers in the request, none of them tried.
    pub fn new(tactics: Vec<(usize, String)>, wanted: Wanted) -> Attempts {
        let attempt = |(number, tactic)| Attempt { number, tactic, stage: Stage::Waiting };
        Attempts { list: tactics.into_iter().map(attempt).collect(), wanted, confirmed: Vec::new() }
    }

    /// Those that were not tried, in their order: place in this list and tactic.
    pub fn waiting(&self) -> impl Iterator<Item = (usize, &str)> {
        let waits = |(_, a): &(usize, &Attempt)| a.stage == Stage::Waiting;
        self.list.iter().enumerate().filter(waits).map(|(i, a)| (i, a.tactic.as_str()))
    }

    /// The tactic at a place of this list.
    pub fn tactic(&self, i: usize) -> &str {
        &self.list[i].tactic
    }

    /// Triage has accepted a candidate; `after` are all goals that it leaves.
    pub fn pass(&mut self, i: usize, after: Vec<Goal>) {
        self.list[i].stage = Stage::Passed(after);
    }

    /// What triage saw a candidate leave.
    pub fn passed(&self, i: usize) -> Option<&[Goal]> {
        match &self.list[i].stage {
            Stage::Passed(after) => Some(after),
            _ => None,
        }
    }

    /// A candidate has its verdict; its number in the request.
    pub fn done(&mut self, i: usize, verdict: &Verdict) -> usize {
        self.list[i].stage = Stage::Done;
        if verdict.kind.is_success() && verdict.goals.len() <= self.wanted.most() {
            self.confirmed.push(verdict.goals.clone());
        }
        self.list[i].number
    }

    /// The survivor to confirm next. What is likelier comes first; where not all are wanted, what leads to
    /// goals that nothing confirmed leads to comes before more of the same.
    pub fn next_survivor(&self) -> Option<usize> {
        let most = self.wanted.most();
        let survivors = || {
            self.list.iter().enumerate().filter_map(|(i, a)| match &a.stage {
                Stage::Passed(after) if after.len() <= most => Some((i, after)),
                _ => None,
            })
        };
        let (Wanted::Best(wanted) | Wanted::Closing { wanted, .. }) = self.wanted else {
            return survivors().next().map(|(i, _)| i);
        };
        if self.confirmed.len() >= wanted {
            return None;
        }
        let alike = |after: &[Goal]| self.confirmed.iter().filter(|c| same_state(c, after)).count();
        survivors().map(|(i, after)| (alike(after), i)).filter(|(n, _)| *n < SAME_STATE).min().map(|(_, i)| i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::VerdictKind;

    fn goals(targets: &[&str]) -> Vec<Goal> {
        targets.iter().map(|t| Goal::parse(&format!("⊢ {t}"))).collect()
    }

    fn verdict(kind: VerdictKind, goals: Vec<Goal>) -> Verdict {
        Verdict { kind, completes: false, goals, message: None, elapsed_ms: 0.0 }
    }

    /// Confirms as long as something is to be confirmed; the tactics in that order.
    fn confirm_all(attempts: &mut Attempts, refuse: &str) -> Vec<String> {
        let mut order = Vec::new();
        while let Some(i) = attempts.next_survivor() {
            let after = attempts.passed(i).unwrap().to_vec();
            let tactic = attempts.tactic(i).to_owned();
            let kind = if tactic == refuse { VerdictKind::Error } else { VerdictKind::Progress };
            attempts.done(i, &verdict(kind, after));
            order.push(tactic);
        }
        order
    }

    fn passed(wanted: Wanted) -> Attempts {
        let list = ["a", "b", "c", "d", "e", "f"];
        let mut attempts = Attempts::new(list.iter().map(|t| (0, (*t).to_owned())).collect(), wanted);
        for i in 0..5 {
            attempts.pass(i, goals(&[]));
        }
        attempts.pass(5, goals(&["p"]));
        attempts
    }

    #[test]
    fn all_are_confirmed_where_all_are_wanted() {
        assert_eq!(confirm_all(&mut passed(Wanted::All), ""), ["a", "b", "c", "d", "e", "f"]);
    }

    #[test]
    fn another_state_comes_before_more_of_the_same() {
        assert_eq!(confirm_all(&mut passed(Wanted::Best(8)), ""), ["a", "f", "b", "c"]);
        assert_eq!(confirm_all(&mut passed(Wanted::Best(2)), ""), ["a", "f"]);
    }

    #[test]
    fn where_the_goal_is_to_be_closed_what_leaves_some_of_it_is_not_confirmed() {
        let closing = |wanted, others| passed(Wanted::Closing { wanted, others });
        assert_eq!(confirm_all(&mut closing(2, 0), ""), ["a", "b"]);
        assert_eq!(confirm_all(&mut closing(2, 1), ""), ["a", "f"]);
        let mut attempts = Attempts::new(vec![(0, "a".into())], Wanted::Closing { wanted: 1, others: 0 });
        attempts.pass(0, goals(&["p"]));
        assert_eq!(attempts.next_survivor(), None);
    }

    #[test]
    fn one_that_confirmation_refuses_makes_room_for_the_next() {
        assert_eq!(confirm_all(&mut passed(Wanted::Best(8)), "b"), ["a", "f", "b", "c", "d"]);
    }

    #[test]
    fn what_has_no_result_waits_on() {
        let mut attempts = passed(Wanted::All);
        assert_eq!(attempts.waiting().count(), 0);
        attempts = Attempts::new(vec![(7, "a".into()), (9, "b".into())], Wanted::All);
        assert_eq!(attempts.done(0, &verdict(VerdictKind::Error, vec![])), 7);
        assert_eq!(attempts.waiting().collect::<Vec<_>>(), [(1, "b")]);
    }
}
