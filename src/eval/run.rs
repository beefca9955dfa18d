//! Measures sources over files, a Lean for each file at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;

use super::arena::{Arena, At};
use super::cache::Cache;
use super::finish::{Looks, Played, confirmed, play};
use super::look::{Decision, Look, Rules};
use super::rows::{Line, lines};
use super::sample::stratified;
use super::score::{StepScore, main_goal, score_step};
use super::sources::{Asker, Proposer, Set};
use super::theorem::{Taken, Theorem, beginnings, theorem};
use crate::candidates::Effort;
use crate::proof::{Goal, ProofStep};
use crate::trace::play::{Bytes, Table};

/// What is measured, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The sets of proposers.
    pub sets: Vec<Set>,
    /// Those of them, by name, that prove whole theorems.
    pub finish: Vec<String>,
    /// Most tactics of such a proof.
    pub steps_each: usize,
    /// How much may be tried.
    pub rules: Rules,
    /// Steps to draw; none means all.
    pub sample: Option<usize>,
    /// Theorems to draw; none means all.
    pub theorems: Option<usize>,
    /// The seed of the draw.
    pub seed: u64,
    /// Lean processes at once.
    pub jobs: usize,
}

/// A traced file.
#[derive(Debug, Clone)]
pub struct Traced {
    /// The file.
    pub file: PathBuf,
    /// A hash of it and all that it imports, of Lean, and of the program that Lean runs.
    pub world: String,
    /// All of its steps.
    pub steps: Vec<ProofStep>,
}

/// A measured step. What belongs to sets is in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRow {
    /// Its file.
    pub file: String,
    /// Its declaration.
    pub decl: String,
    /// Its main goal.
    pub goal: Goal,
    /// The author's tactic.
    pub author: String,
    /// What the author's tactic leads to.
    pub after: Vec<Goal>,
    /// What each set showed, best first.
    pub shown: Vec<Vec<Line>>,
    /// What each set's suggestions are worth.
    pub scores: Vec<StepScore>,
    /// Time to each set's first suggestion, in milliseconds.
    pub first_ms: Vec<Option<f64>>,
    /// Whether the budget cut something of each set.
    pub cut: Vec<bool>,
    /// Tactics of each set at which Lean died or the clock stopped it.
    pub lost: Vec<usize>,
    /// Whether it is hard; none where Lean's search and our list are not both measured.
    pub decision: Option<Decision>,
}

/// A theorem that was played.
#[derive(Debug, Clone, PartialEq)]
pub struct TheoremRow {
    /// Its file.
    pub file: String,
    /// Its name.
    pub decl: String,
    /// What is to be proved.
    pub goal: Goal,
    /// Whether each set (by place among all sets) finished it.
    pub finished: BTreeMap<usize, bool>,
    /// The tactics that each set took, whether they came to an end or not.
    pub played: BTreeMap<usize, Vec<String>>,
}

/// What was found out.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Steps in the order of the files.
    pub steps: Vec<StepRow>,
    /// Theorems in the order of the files.
    pub theorems: Vec<TheoremRow>,
    /// Steps that Lean did not find again, or did not live to be asked about.
    pub unanswered: usize,
    /// Drawn declarations whose proof is not one block of tactics.
    pub unplayable: usize,
    /// Proofs that were complete in play and that Lean then refused in the file.
    pub refused: usize,
    /// Tactics that Lean ran now, and those known from before.
    pub asked: (usize, usize),
}

/// What happens, for whoever shows it.
pub enum Event<'a> {
    /// So many steps and theorems will be measured.
    Begins(usize),
    /// One of them is done.
    Done,
    /// A file cannot be measured.
    Failed(&'a str),
}

/// Measures.
pub fn run(
    files: &[Traced],
    plan: &Plan,
    table: &Table,
    cache: &Cache,
    asker: &Asker,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Measured> {
    let drawn: Vec<Drawn> = draw(files, plan);
    tell(Event::Begins(drawn.iter().map(|d| d.steps.len() + d.theorems.len()).sum()));
    // The longest first, so that no core waits for it at the end.
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(drawn[*i].steps.len() + 3 * drawn[*i].theorems.len()));
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Measured>> = Mutex::default();
    let failed: Mutex<Option<anyhow::Error>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.clamp(1, files.len().max(1)) {
            scope.spawn(|| {
                while let Some(i) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if failed.lock().expect("no panic holds the error").is_some() {
                        return;
                    }
                    match file(&files[*i], &drawn[*i], plan, table, cache, asker, tell) {
                        Ok(measured) => {
                            drop(done.lock().expect("no panic holds the rows").insert(*i, measured));
                        }
                        Err(e) => *failed.lock().expect("no panic holds the error") = Some(e),
                    }
                }
            });
        }
    });
    if let Some(e) = failed.into_inner().expect("no panic holds the error") {
        return Err(e);
    }
    let mut all = Measured::default();
    for (_, m) in done.into_inner().expect("no panic holds the rows") {
        all.steps.extend(m.steps);
        all.theorems.extend(m.theorems);
        all.unanswered += m.unanswered;
        all.unplayable += m.unplayable;
        all.refused += m.refused;
        all.asked = (all.asked.0 + m.asked.0, all.asked.1 + m.asked.1);
    }
    Ok(all)
}

/// What is measured of a file: places in its steps.
#[derive(Debug, Clone, PartialEq, Default)]
struct Drawn {
    steps: Vec<usize>,
    /// The first steps of theorems.
    theorems: Vec<usize>,
}

fn draw(files: &[Traced], plan: &Plan) -> Vec<Drawn> {
    let good: Vec<Vec<usize>> = files
        .iter()
        .map(|f| {
            let fine = |s: &ProofStep| main_goal(s).is_some() && s.error.is_none();
            (0..f.steps.len()).filter(|i| fine(&f.steps[*i])).collect()
        })
        .collect();
    let starts: Vec<Vec<usize>> = files
        .iter()
        .map(|f| {
            let broken: BTreeSet<&str> =
                f.steps.iter().filter(|s| s.error.is_some()).map(|s| s.decl.as_str()).collect();
            let all = beginnings(&f.steps);
            let mut starts: Vec<usize> =
                all.into_iter().filter(|(d, _)| !broken.contains(d)).map(|(_, i)| i).collect();
            starts.sort_unstable();
            starts
        })
        .collect();
    let sizes = |lists: &[Vec<usize>]| lists.iter().map(Vec::len).collect::<Vec<_>>();
    let theorems = if plan.finish.is_empty() { Some(0) } else { plan.theorems };
    let steps = stratified(&sizes(&good), plan.sample, plan.seed);
    let theorems = stratified(&sizes(&starts), theorems, plan.seed);
    let pick = |from: &[usize], which: Vec<usize>| which.into_iter().map(|i| from[i]).collect();
    steps
        .into_iter()
        .zip(theorems)
        .enumerate()
        .map(|(i, (s, t))| Drawn { steps: pick(&good[i], s), theorems: pick(&starts[i], t) })
        .collect()
}

fn file(
    traced: &Traced,
    drawn: &Drawn,
    plan: &Plan,
    table: &Table,
    cache: &Cache,
    asker: &Asker,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Measured> {
    let mut measured = Measured::default();
    let nothing = drawn.steps.is_empty() && drawn.theorems.is_empty();
    if nothing {
        return Ok(measured);
    }
    let player = table.player(&traced.file)?;
    let places: Vec<Option<Bytes>> = traced.steps.iter().map(|s| player.bytes(s.range)).collect();
    let wanted: BTreeSet<Bytes> =
        drawn.steps.iter().chain(&drawn.theorems).filter_map(|i| places[*i]).collect();
    let mut arena = Arena::new(player, cache, traced.world.clone(), wanted.into_iter().collect());
    let standings = match arena.standings() {
        Ok(standings) => standings,
        Err(e) => {
            tell(Event::Failed(&format!("{e:#}")));
            drawn.steps.iter().chain(&drawn.theorems).for_each(|_| tell(Event::Done));
            measured.unanswered = drawn.steps.len();
            measured.unplayable = drawn.theorems.len();
            return Ok(measured);
        }
    };
    for i in &drawn.steps {
        let step = &traced.steps[*i];
        match places[*i].filter(|p| standings.contains_key(p)) {
            Some(at) => measured.steps.push(measure_step(step, at, plan, &mut arena, asker)?),
            None => measured.unanswered += 1,
        }
        tell(Event::Done);
    }
    let mut places_of: HashMap<&str, Vec<Bytes>> = HashMap::new();
    for (step, at) in traced.steps.iter().zip(&places) {
        places_of.entry(&step.decl).or_default().extend(at);
    }
    let theorems: Vec<Theorem> = drawn
        .theorems
        .iter()
        .filter_map(|i| {
            let step = &traced.steps[*i];
            theorem(step, places[*i]?, &places_of[step.decl.as_str()], &standings)
        })
        .collect();
    measured.unplayable = drawn.theorems.len() - theorems.len();
    (0..measured.unplayable).for_each(|_| tell(Event::Done));
    finish(traced, &theorems, plan, &mut arena, asker, tell, &mut measured)?;
    measured.asked = arena.asked;
    Ok(measured)
}

fn measure_step(
    step: &ProofStep,
    at: Bytes,
    plan: &Plan,
    arena: &mut Arena,
    asker: &Asker,
) -> Result<StepRow> {
    let goal = main_goal(step).expect("a drawn step has a goal");
    let at = At { step: at, path: &[] };
    let wanted: BTreeSet<Proposer> = plan.sets.iter().flat_map(|s| s.proposers.clone()).collect();
    let wanted: Vec<Proposer> = wanted.into_iter().collect();
    let mut look = Look::default();
    look.add(&wanted, arena, asker, at, goal, &plan.rules)?;
    for effort in [Effort::Little, Effort::Much] {
        for set in &plan.sets {
            look.look_ahead(set, effort, arena, at, goal, &plan.rules)?;
        }
    }
    let shown: Vec<_> = plan.sets.iter().map(|s| look.shown(s, goal, &plan.rules)).collect();
    let both = wanted.contains(&Proposer::Portfolio) && wanted.contains(&Proposer::Lean);
    let decision = both.then(|| look.decide(arena, at, &plan.rules)).transpose()?;
    Ok(StepRow {
        file: step.file.clone(),
        decl: step.decl.clone(),
        goal: goal.clone(),
        author: step.tactic.clone(),
        after: step.states_after.clone(),
        shown: shown.iter().map(|s| lines(step, s)).collect(),
        scores: shown.iter().map(|s| score_step(step, &s.suggestions)).collect(),
        first_ms: shown.iter().map(|s| s.first_ms).collect(),
        cut: shown.iter().map(|s| s.cut).collect(),
        lost: shown.iter().map(|s| s.lost).collect(),
        decision,
    })
}

fn finish(
    traced: &Traced,
    theorems: &[Theorem],
    plan: &Plan,
    arena: &mut Arena,
    asker: &Asker,
    tell: &(dyn Fn(Event) + Sync),
    measured: &mut Measured,
) -> Result<()> {
    let players: Vec<usize> =
        (0..plan.sets.len()).filter(|i| plan.finish.contains(&plan.sets[*i].name)).collect();
    let name = traced.file.to_string_lossy().replace('\\', "/");
    let mut rows: Vec<TheoremRow> = theorems
        .iter()
        .map(|t| TheoremRow {
            file: name.clone(),
            decl: t.decl.clone(),
            goal: t.goal.clone(),
            finished: players.iter().map(|s| (*s, false)).collect(),
            played: BTreeMap::new(),
        })
        .collect();
    // Nothing is decided here, and what goes far beyond the budget is cut anyway.
    let rules = Rules { decide: plan.rules.bound, ..plan.rules };
    let mut found: BTreeMap<usize, Vec<(usize, Vec<Taken>)>> = BTreeMap::new();
    for (t, theorem) in theorems.iter().enumerate() {
        let mut looks = Looks::default();
        for s in &players {
            let Played { taken, complete } =
                play(theorem, &plan.sets[*s], plan.steps_each, arena, asker, &mut looks, &rules)?;
            rows[t].played.insert(*s, taken.iter().map(|t| t.tactic.clone()).collect());
            if complete {
                found.entry(*s).or_default().push((t, taken));
            }
        }
        tell(Event::Done);
    }
    for (s, proofs) in found {
        let named: Vec<(&Theorem, Vec<Taken>)> =
            proofs.iter().map(|(t, p)| (&theorems[*t], p.clone())).collect();
        for ((t, _), good) in proofs.iter().zip(confirmed(&named, arena)?) {
            measured.refused += usize::from(!good);
            rows[*t].finished.insert(s, good);
        }
    }
    measured.theorems = rows;
    Ok(())
}
