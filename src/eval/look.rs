//! All that is proposed at a state, tried, and what of it each set of proposers would show.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;

use super::arena::{Arena, At, Bound};
use super::sources::{Asker, Proposed, Proposer, Set};
use crate::candidates::{Effort, lookahead, merge};
use crate::proof::{Candidate, Goal, Offer, Source, Verdict, VerdictKind, same_state, tactic};
use crate::suggest::{Edit, FINISHED, Suggestion, rank};
use crate::trace::play::{Answer, Ran, Surveyed};
use crate::verify::lean_search;

/// How much may be tried, and how much is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Suggestions shown of each set.
    pub k: usize,
    /// Proposals of each source; what Lean refuses of them leaves its place to the next.
    pub candidates: usize,
    /// Lean's time for each set at each state, in milliseconds.
    pub budget_ms: f64,
    /// How far Lean goes with a candidate.
    pub bound: Bound,
    /// How far it goes with a search, and with a candidate to decide whether a step is hard. What of it fits into
    /// the budget is found out afterwards, by the clock.
    pub decide: Bound,
}

/// One of Lean's searches and what it proposed.
#[derive(Debug, Clone, PartialEq)]
pub struct Searched {
    /// The search itself.
    pub ran: Ran,
    /// What it proposed, best first.
    pub proposals: Vec<Candidate>,
}

/// What was proposed at a state, and what Lean answered.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// By proposer; of Lean's search see `searches`.
    pub proposed: BTreeMap<Proposer, Proposed>,
    /// Lean's searches, in their order.
    pub searches: Vec<Searched>,
    /// What is in scope.
    pub surveyed: Option<Surveyed>,
    /// Lean's answers, by tactic.
    pub ran: HashMap<String, Ran>,
}

impl Look {
    /// Asks those proposers who were not asked yet, and tries what they propose.
    pub fn add(
        &mut self,
        wanted: &[Proposer],
        arena: &mut Arena,
        asker: &Asker,
        at: At,
        goal: &Goal,
        rules: &Rules,
    ) -> Result<()> {
        for proposer in wanted {
            if self.proposed.contains_key(proposer) {
                continue;
            }
            let mut proposed = asker.ask(*proposer, goal)?;
            if *proposer == Proposer::Scope {
                let surveyed = arena.offer(at, rules.decide)?;
                proposed.candidates = surveyed.offer.candidates();
                self.surveyed = Some(surveyed);
            }
            proposed.candidates.retain(|c| may_be_tried(*proposer, c));
            if *proposer == Proposer::Lean {
                for command in lean_search::COMMANDS {
                    let ran = arena.search(at, command, rules.decide)?;
                    let searched = Searched { proposals: proposals(&ran), ran };
                    self.try_all(&searched.proposals, arena, at, rules.bound)?;
                    self.searches.push(searched);
                }
            }
            self.try_all(&proposed.candidates, arena, at, rules.bound)?;
            self.proposed.insert(*proposer, proposed);
        }
        Ok(())
    }

    /// Tries what a set with lookahead looks at behind the steps that it has found by now. As in the editor: two that
    /// finish the goal are enough.
    pub fn look_ahead(
        &mut self,
        set: &Set,
        effort: Effort,
        arena: &mut Arena,
        at: At,
        goal: &Goal,
        rules: &Rules,
    ) -> Result<()> {
        if !set.lookahead {
            return Ok(());
        }
        let mut trying = match effort {
            Effort::Little => self.begin(set, goal, rules),
            Effort::Much => {
                let mut trying = self.before_search(set, goal, rules);
                self.search_in_turn(set, &mut trying, goal);
                trying
            }
        };
        let mut found = 0;
        for candidate in trying.ahead(goal, self.help(set), effort) {
            if found == FINISHED || trying.clock.left <= 0.0 {
                break;
            }
            self.try_all(std::slice::from_ref(&candidate), arena, at, rules.bound)?;
            found += usize::from(self.ran.get(&candidate.tactic).is_some_and(Ran::closes));
            self.try_in_turn(std::slice::from_ref(&candidate), &mut trying, goal);
        }
        Ok(())
    }

    /// What is in scope, for a set that looks for it.
    fn help(&self, set: &Set) -> Option<&Offer> {
        self.surveyed.as_ref().map(|s| &s.offer).filter(|_| set.proposers.contains(&Proposer::Scope))
    }

    fn try_all(&mut self, all: &[Candidate], arena: &mut Arena, at: At, bound: Bound) -> Result<()> {
        for candidate in all {
            if !self.ran.contains_key(&candidate.tactic) {
                let ran = arena.run(at, &candidate.tactic, bound)?;
                self.ran.insert(candidate.tactic.clone(), ran);
            }
        }
        Ok(())
    }

    /// What a set shows within its budget (pure): its candidates are tried as the pipeline tries them, the best of
    /// each source before the second best of any, then a short look ahead, Lean's search, a long look ahead; what Lean accepts is ranked,
    /// and the first `k` are shown.
    pub fn shown(&self, set: &Set, goal: &Goal, rules: &Rules) -> Shown {
        let mut trying = self.before_search(set, goal, rules);
        self.search_in_turn(set, &mut trying, goal);
        if set.lookahead {
            self.finish(set, Effort::Much, &mut trying, goal);
        }
        let Trying { clock, mut shown, .. } = trying;
        shown.cut = clock.cut;
        // They think at the same time.
        let lists = set.proposers.iter().filter_map(|p| self.proposed.get(p));
        let wait = lists.map(|p| p.ms).fold(0.0, f64::max);
        shown.first_ms = shown.first_ms.map(|ms| ms + wait);
        rank(&mut shown.suggestions);
        shown.suggestions.truncate(rules.k);
        shown
    }

    /// Whether something closes the goal before Lean's search would be asked.
    pub fn closes_soon(&self, set: &Set, goal: &Goal, rules: &Rules) -> bool {
        let trying = self.before_search(set, goal, rules);
        trying.shown.suggestions.iter().any(|s| s.verdict.kind == VerdictKind::Closes)
    }

    /// What a set has before Lean's search: its other proposers', and the short look ahead.
    fn before_search(&self, set: &Set, goal: &Goal, rules: &Rules) -> Trying {
        let mut trying = self.begin(set, goal, rules);
        if set.lookahead {
            self.finish(set, Effort::Little, &mut trying, goal);
        }
        trying
    }

    /// What a set's proposers have, Lean's search apart.
    fn begin(&self, set: &Set, goal: &Goal, rules: &Rules) -> Trying {
        let clock = Clock { left: rules.budget_ms, spent: 0.0, cut: false };
        let mut trying = Trying { clock, seen: BTreeSet::new(), shown: Shown::default() };
        let lists: Vec<&Proposed> = set.proposers.iter().filter_map(|p| self.proposed.get(p)).collect();
        if let (true, Some(surveyed)) = (set.proposers.contains(&Proposer::Scope), &self.surveyed) {
            trying.clock.takes(surveyed.ms);
        }
        let quick = merge(lists.iter().map(|p| p.candidates.clone()).collect());
        self.try_in_turn(&quick, &mut trying, goal);
        trying
    }

    /// What finishes the best steps, where nothing closes the goal. What does not is not told.
    fn finish(&self, set: &Set, effort: Effort, trying: &mut Trying, goal: &Goal) {
        let mut kept = trying.shown.suggestions.len();
        let most = kept + FINISHED;
        for candidate in trying.ahead(goal, self.help(set), effort) {
            if kept < most {
                self.try_in_turn(std::slice::from_ref(&candidate), trying, goal);
                let all = &mut trying.shown.suggestions;
                if all.last().is_some_and(|s| s.verdict.kind == VerdictKind::Closes) {
                    kept = all.len();
                }
                all.truncate(kept);
            }
        }
    }

    fn search_in_turn(&self, set: &Set, trying: &mut Trying, goal: &Goal) {
        if set.proposers.contains(&Proposer::Lean) {
            for searched in &self.searches {
                if trying.clock.takes(searched.ran.ms) {
                    trying.shown.lost += usize::from(matches!(searched.ran.answer, Answer::Lost { .. }));
                    self.try_in_turn(&searched.proposals, trying, goal);
                }
            }
        }
    }

    fn try_in_turn(&self, candidates: &[Candidate], trying: &mut Trying, goal: &Goal) {
        let Trying { clock, seen, shown } = trying;
        for candidate in candidates {
            let Some(ran) = self.ran.get(&candidate.tactic) else { continue };
            if !seen.insert(tactic::normalise(&candidate.tactic)) || !clock.takes(ran.ms) {
                continue;
            }
            shown.lost += usize::from(matches!(ran.answer, Answer::Lost { .. }));
            if let Some(suggestion) = suggestion(candidate, ran, goal) {
                shown.first_ms = shown.first_ms.or(Some(clock.spent));
                shown.suggestions.push(suggestion);
            }
        }
    }

    /// Whether what Lean has without us closes the goal, whatever it takes: each tactic that its bound stopped is
    /// given that of `rules.decide`.
    pub fn decide(&self, arena: &mut Arena, at: At, rules: &Rules) -> Result<Decision> {
        let mut tactics: Vec<&str> = Vec::new();
        let listed = self.proposed.get(&Proposer::Portfolio).into_iter().flat_map(|p| &p.candidates);
        tactics.extend(listed.map(|c| c.tactic.as_str()));
        tactics.extend(self.searches.iter().flat_map(|s| &s.proposals).map(|c| c.tactic.as_str()));
        if tactics.iter().any(|t| self.ran.get(*t).is_some_and(Ran::closes)) {
            return Ok(Decision::Closed);
        }
        let mut undecided = false;
        for tactic in tactics {
            if self.ran.get(tactic).is_some_and(|r| was_stopped(r, rules.bound)) {
                let ran = arena.run(at, tactic, rules.decide)?;
                if ran.closes() {
                    return Ok(Decision::Closed);
                }
                undecided |= matches!(ran.answer, Answer::Lost { .. });
            }
        }
        // The searches themselves had that bound from the first.
        undecided |= self.searches.iter().any(|s| matches!(s.ran.answer, Answer::Lost { .. }));
        Ok(if undecided { Decision::Undecided } else { Decision::Hard })
    }
}

/// Whether neither our list nor Lean's search closes a step's goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// One of them does.
    Closed,
    /// None does, and each had its time.
    Hard,
    /// None did, and the clock stopped one of them.
    Undecided,
}

/// What a set shows at a state.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Best first.
    pub suggestions: Vec<Suggestion>,
    /// Time from the question to the first of them, in milliseconds.
    pub first_ms: Option<f64>,
    /// Whether the budget left something untried.
    pub cut: bool,
    /// Tactics at which Lean died or the clock stopped it.
    pub lost: usize,
}

/// A set at a state, on its way through its candidates.
struct Trying {
    clock: Clock,
    seen: BTreeSet<String>,
    shown: Shown,
}

impl Trying {
    /// What is tried behind the best steps; nothing where something closes the goal.
    fn ahead(&self, goal: &Goal, help: Option<&Offer>, effort: Effort) -> Vec<Candidate> {
        let mut steps = self.shown.suggestions.clone();
        if steps.iter().any(|s| s.verdict.kind == VerdictKind::Closes) {
            return Vec::new();
        }
        rank(&mut steps);
        lookahead(goal, &steps.into_iter().map(|s| s.candidate).collect::<Vec<_>>(), help, effort)
    }
}

/// Lean's time for a set at a state.
struct Clock {
    left: f64,
    spent: f64,
    cut: bool,
}

impl Clock {
    /// Takes the time of a tactic; `false` where it would have been stopped.
    fn takes(&mut self, ms: f64) -> bool {
        if ms > self.left {
            // What is left is spent on it in vain.
            (self.spent, self.left, self.cut) = (self.spent + self.left, 0.0, true);
            return false;
        }
        (self.spent, self.left) = (self.spent + ms, self.left - ms);
        true
    }
}

fn was_stopped(ran: &Ran, bound: Bound) -> bool {
    // Some tactics end by themselves shortly before the bound.
    matches!(ran.answer, Answer::Lost { .. }) || ran.heartbeats * 10 >= bound.heartbeats * 8
}

fn may_be_tried(proposer: Proposer, candidate: &Candidate) -> bool {
    // Our own list is not filtered: nobody else wrote it.
    proposer == Proposer::Portfolio || tactic::refusal(&candidate.tactic).is_none()
}

fn proposals(ran: &Ran) -> Vec<Candidate> {
    let mut out: Vec<Candidate> = Vec::new();
    for text in ran.messages.iter().flat_map(|m| lean_search::read_message(m)) {
        let candidate = Candidate::new(text, Source::Lean, None);
        if !out.contains(&candidate) && may_be_tried(Proposer::Lean, &candidate) {
            out.push(candidate);
        }
    }
    out
}

/// What Lean accepted and what changes something, as it would be shown.
fn suggestion(candidate: &Candidate, ran: &Ran, goal: &Goal) -> Option<Suggestion> {
    let goals = ran.goals()?;
    let kind = match goals.is_empty() {
        true => VerdictKind::Closes,
        false if same_state(&goals, std::slice::from_ref(goal)) => return None,
        false => VerdictKind::Progress,
    };
    let verdict = Verdict { kind, completes: ran.completes(), goals, message: None, elapsed_ms: ran.ms };
    let edit = Edit { range: lsp_types::Range::default(), new_text: candidate.tactic.clone() };
    Some(Suggestion { id: String::new(), candidate: candidate.clone(), verdict, edit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(goals: Option<&[&str]>, ms: f64) -> Ran {
        let answer = match goals {
            Some(goals) => {
                Answer::Goals { goals: goals.iter().map(|g| (*g).to_owned()).collect(), others: vec![] }
            }
            None => Answer::Error { error: "no".into() },
        };
        Ran { answer, heartbeats: 1, ms, messages: vec![] }
    }

    fn rules(budget_ms: f64) -> Rules {
        let bound = Bound { heartbeats: 100, longest: std::time::Duration::from_secs(1) };
        Rules { k: 2, candidates: 2, budget_ms, bound, decide: bound }
    }

    fn look() -> Look {
        let c = |t: &str, s, p| Candidate::new(t, s, p);
        let policy = vec![c("skip", Source::Policy, Some(-0.1)), c("intro h", Source::Policy, Some(-0.5))];
        let list = vec![c("rfl", Source::Portfolio, None), c("simp", Source::Portfolio, None)];
        let mut look = Look::default();
        look.proposed.insert(Proposer::Policy, Proposed { candidates: policy, ms: 7.0 });
        look.proposed.insert(Proposer::Portfolio, Proposed { candidates: list, ms: 0.0 });
        look.proposed.insert(Proposer::Lean, Proposed::default());
        look.ran = HashMap::from([
            ("skip".into(), ran(Some(&["⊢ p → p"]), 10.0)),
            ("intro h".into(), ran(Some(&["h : p\n⊢ p"]), 10.0)),
            ("rfl".into(), ran(None, 10.0)),
            ("simp".into(), ran(Some(&[]), 30.0)),
            ("trivial".into(), ran(Some(&[]), 5.0)),
        ]);
        let proposals = vec![c("trivial", Source::Lean, None)];
        look.searches.push(Searched { ran: ran(None, 100.0), proposals });
        look
    }

    fn texts(shown: &Shown) -> Vec<&str> {
        shown.suggestions.iter().map(|s| s.candidate.tactic.as_str()).collect()
    }

    #[test]
    fn where_nothing_closes_the_goal_the_best_steps_are_finished() {
        let goal = Goal::parse("⊢ p → p");
        let mut look = look();
        let set = Set { name: "s".into(), proposers: vec![Proposer::Policy], lookahead: true };
        look.ran.insert("intro h <;> simp_all!".into(), ran(Some(&["h : q\n⊢ p"]), 5.0));
        look.ran.insert("intro h <;> grind".into(), ran(Some(&[]), 20.0));
        assert!(!look.closes_soon(&set, &goal, &rules(100.0)), "`grind` comes after Lean's search");
        assert_eq!(texts(&look.shown(&set, &goal, &rules(100.0))), ["intro h <;> grind", "intro h"]);
        assert_eq!(texts(&look.shown(&set, &goal, &rules(44.0))), ["intro h"], "no time left for it");
        let plain = Set { lookahead: false, ..set.clone() };
        assert_eq!(texts(&look.shown(&plain, &goal, &rules(100.0))), ["intro h"]);
        // With `simp`, which closes the goal, nothing is looked for.
        let closed = Set { proposers: vec![Proposer::Policy, Proposer::Portfolio], ..set };
        assert_eq!(texts(&look.shown(&closed, &goal, &rules(100.0))), ["simp", "intro h"]);
    }

    #[test]
    fn the_budget_is_leans_time_and_what_it_cuts_is_told() {
        let goal = Goal::parse("⊢ p → p");
        let set = |p: &[Proposer]| Set { name: "s".into(), proposers: p.to_vec(), lookahead: false };
        let all = set(&[Proposer::Policy, Proposer::Portfolio, Proposer::Lean]);
        let shown = look().shown(&all, &goal, &rules(1000.0));
        assert_eq!(texts(&shown), ["trivial", "simp"], "the best two of three, ranked");
        // skip (no progress), rfl (refused), intro h; seven milliseconds of the policy before.
        assert_eq!((shown.first_ms, shown.cut), (Some(37.0), false));
        let shown = look().shown(&all, &goal, &rules(65.0));
        assert_eq!((texts(&shown), shown.cut), (vec!["simp", "intro h"], true), "no time for the search");
        let shown = look().shown(&set(&[Proposer::Portfolio]), &goal, &rules(25.0));
        assert_eq!((texts(&shown), shown.first_ms, shown.cut), (vec![], None, true));
    }
}
