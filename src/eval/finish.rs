//! A theorem proved by taking the best suggestion that leads somewhere new, again and again, without going back: what a
//! person gets who trusts what is shown. (Going back is search.)

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;

use super::arena::{Arena, At};
use super::look::{Look, Rules};
use super::sources::{Asker, Proposer, Set};
use super::theorem::{Taken, Theorem, with_proofs};
use crate::candidates::Effort;
use crate::proof::{Goal, GoalKey};
use crate::trace::play::Answer;

/// What was seen at the states of a theorem, by path: other sets come by there, too.
pub type Looks = BTreeMap<Vec<String>, Look>;

/// How a theorem was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// The tactics taken.
    pub taken: Vec<Taken>,
    /// Whether nothing is left to prove then.
    pub complete: bool,
}

/// Plays a theorem with a set for at most `steps` tactics.
pub fn play(
    theorem: &Theorem,
    set: &Set,
    steps: usize,
    arena: &mut Arena,
    asker: &Asker,
    looks: &mut Looks,
    rules: &Rules,
) -> Result<Played> {
    let mut path: Vec<String> = Vec::new();
    let mut taken = Vec::new();
    // The main goal and those beside it.
    let mut goals = vec![theorem.goal.clone()];
    let mut seen: HashSet<Vec<GoalKey>> = HashSet::new();
    while !goals.is_empty() && taken.len() < steps {
        seen.insert(goals.iter().map(Goal::key).collect());
        let goal = goals[0].clone();
        let at = At { step: theorem.first, path: &path };
        let look = looks.entry(path.clone()).or_default();
        let quick = set.without_search();
        look.add(&quick.proposers, arena, asker, at, &goal, rules)?;
        look.look_ahead(&quick, Effort::Little, arena, at, &goal, rules)?;
        // Lean's search cannot bring anything better than what closes the goal.
        let shown = if look.closes_soon(&quick, &goal, rules) {
            look.shown(&quick, &goal, rules)
        } else {
            if set.proposers.contains(&Proposer::Lean) {
                look.add(&[Proposer::Lean], arena, asker, at, &goal, rules)?;
            }
            look.look_ahead(set, Effort::Much, arena, at, &goal, rules)?;
            look.shown(set, &goal, rules)
        };
        // Who comes by the same state again goes round for ever: nobody takes that who has just been there.
        let next = shown.suggestions.iter().find_map(|s| {
            let tactic = &s.candidate.tactic;
            let Some(Answer::Goals { goals, others }) = look.ran.get(tactic).map(|r| &r.answer) else {
                return None;
            };
            let left: Vec<Goal> = goals.iter().chain(others).map(|g| Goal::parse(g)).collect();
            let back = seen.contains(&left.iter().map(Goal::key).collect::<Vec<_>>());
            (!back).then(|| (tactic.clone(), left))
        });
        let Some((tactic, left)) = next else { break };
        taken.push(Taken { tactic: tactic.clone(), beside: goals.len() > 1 });
        goals = left;
        path.push(tactic);
    }
    Ok(Played { taken, complete: goals.is_empty() })
}

/// Which of the found proofs Lean takes in their place in the file: all at once, and where their commands then hold
/// an error or a `sorry`, they are not proved.
pub fn confirmed(found: &[(&Theorem, Vec<Taken>)], arena: &mut Arena) -> Result<Vec<bool>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by_key(|i| found[*i].0.standing.block);
    let proofs: Vec<(&Theorem, &[Taken])> =
        order.iter().map(|i| (found[*i].0, found[*i].1.as_slice())).collect();
    let (text, lines) = with_proofs(arena.text(), &proofs);
    let errors = arena.check(&text)?.lines;
    let mut good = vec![false; found.len()];
    for (i, (first, last)) in order.into_iter().zip(lines) {
        good[i] = !errors.iter().any(|e| first <= *e && *e <= last);
    }
    Ok(good)
}
