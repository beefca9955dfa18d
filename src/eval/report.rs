//! The figures of a measurement. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::interval::{Interval, bootstrap};
use super::look::Decision;
use super::run::{Measured, Plan, StepRow, TheoremRow};
use super::score::StepScore;

/// What is told of a measurement. Shares lie between 0 and 1. All but `times` follows from Lean's and the policy's
/// answers and the seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Steps measured.
    pub steps: usize,
    /// Theorems played.
    pub theorems: usize,
    /// Proposals of each source, and suggestions shown of each set.
    pub k: usize,
    /// The policy's bundle.
    pub bundle: Option<String>,
    /// The shares of each source and set.
    pub sources: BTreeMap<String, Shares>,
    /// The 95 % intervals of these shares.
    pub intervals: BTreeMap<String, BTreeMap<String, Interval>>,
    /// Differences of two of them over the same steps or theorems.
    pub paired: Vec<Paired>,
    /// The same over the hard steps.
    pub hard: Hard,
    /// Theorems of those files of which the baseline finishes less than [`WEAK`].
    pub weak: Option<Weak>,
    /// File by file.
    pub files: Vec<FileRow>,
    /// The conditions.
    pub bounds: Bounds,
    /// What was cut and what failed.
    pub counts: Counts,
    /// What it took; not the same from run to run.
    pub times: Times,
}

/// A file's baseline finishes less than this share of its theorems.
pub const WEAK: f64 = 0.6;

/// Shares of steps, and of theorems.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shares {
    /// Share of steps at which a suggestion closes the main goal.
    pub closes: f64,
    /// Share at which one closes or changes it.
    pub progress: f64,
    /// Share at which one leads to the author's next state.
    pub same_state: f64,
    /// Share at which one is the author's tactic.
    pub exact: f64,
    /// Share of theorems finished, where the set played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<f64>,
}

/// The difference of two settings over the same cases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    /// Which share.
    pub metric: String,
    /// The one …
    pub of: String,
    /// … less the other.
    pub less: String,
    /// The difference.
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: Interval,
}

/// The hard steps: neither our list nor Lean's search closes their goal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hard {
    /// How many there are.
    pub steps: usize,
    /// Steps that the clock kept from being decided; not among them.
    pub undecided: usize,
    /// The shares.
    pub sources: BTreeMap<String, Shares>,
    /// Their intervals.
    pub intervals: BTreeMap<String, BTreeMap<String, Interval>>,
    /// Differences.
    pub paired: Vec<Paired>,
}

/// The files that the baseline is weak on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weak {
    /// How many files.
    pub files: usize,
    /// How many theorems.
    pub theorems: usize,
    /// The share of them that each set finished.
    pub finished: BTreeMap<String, f64>,
    /// Differences.
    pub paired: Vec<Paired>,
}

/// A file's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileRow {
    /// Its path.
    pub file: String,
    /// Steps measured.
    pub steps: usize,
    /// Hard ones among them.
    pub hard: usize,
    /// Theorems played.
    pub theorems: usize,
    /// Each set's share of the author's next states.
    pub same_state: BTreeMap<String, f64>,
    /// Each set's share of theorems.
    pub finished: BTreeMap<String, f64>,
}

/// The conditions of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bounds {
    /// Proposals of each source.
    pub candidates: usize,
    /// Lean's time for each set at each state, in milliseconds.
    pub budget_ms: f64,
    /// Lean's option `maxHeartbeats` for a candidate.
    pub heartbeats: u64,
    /// The same for a search, and to decide.
    pub decide_heartbeats: u64,
    /// Most tactics of a proof.
    pub proof_steps: usize,
    /// The seed.
    pub seed: u64,
}

/// What was cut and what failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counts {
    /// Steps that Lean did not answer for; not measured.
    pub unanswered: usize,
    /// Declarations whose proof is not one block of tactics; not played.
    pub unplayable: usize,
    /// Proofs complete in play that Lean refused in the file; not finished.
    pub refused: usize,
    /// Share of steps at which the budget left something of a set untried.
    pub cut: BTreeMap<String, f64>,
    /// Tactics of a set at which Lean died or the clock stopped it.
    pub lost: BTreeMap<String, usize>,
}

/// What it took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Times {
    /// The whole measurement, in seconds.
    pub seconds: f64,
    /// Tactics that Lean ran now.
    pub ran: usize,
    /// Tactics known from before.
    pub known: usize,
    /// To a set's first suggestion, the proposers' time included.
    pub first: BTreeMap<String, First>,
}

/// Time to the first suggestion.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct First {
    /// Share of steps at which there is one.
    pub share: f64,
    /// Median, in milliseconds.
    pub median_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
}

type Metric = (&'static str, fn(&StepScore) -> bool);

const METRICS: [Metric; 4] = [
    ("closes", |s| s.closes),
    ("progress", |s| s.progress),
    ("same_state", |s| s.same_state),
    ("exact", |s| s.exact),
];

/// Makes the report.
pub fn report(measured: &Measured, plan: &Plan, bundle: Option<String>, seconds: f64) -> Report {
    let steps: Vec<&StepRow> = measured.steps.iter().collect();
    let hard: Vec<&StepRow> = steps.iter().filter(|s| s.decision == Some(Decision::Hard)).copied().collect();
    let theorems: Vec<&TheoremRow> = measured.theorems.iter().collect();
    let eyes = Eyes { plan };
    let mut paired = eyes.step_pairs(&steps);
    paired.extend(eyes.theorem_pairs(&theorems));
    let by_set = |f: &dyn Fn(usize) -> f64| eyes.named(|i| Some(f(i)));
    let share = |n: usize| n as f64 / steps.len().max(1) as f64;
    Report {
        steps: steps.len(),
        theorems: theorems.len(),
        k: plan.rules.k,
        bundle,
        sources: eyes.shares(&steps, &theorems),
        intervals: eyes.intervals(&steps, &theorems),
        paired,
        hard: Hard {
            steps: hard.len(),
            undecided: steps.iter().filter(|s| s.decision == Some(Decision::Undecided)).count(),
            sources: eyes.shares(&hard, &[]),
            intervals: eyes.intervals(&hard, &[]),
            paired: eyes.step_pairs(&hard),
        },
        weak: eyes.weak(&theorems),
        files: eyes.files(&steps, &theorems),
        bounds: Bounds {
            candidates: plan.rules.candidates,
            budget_ms: plan.rules.budget_ms,
            heartbeats: plan.rules.bound.heartbeats,
            decide_heartbeats: plan.rules.decide.heartbeats,
            proof_steps: plan.steps_each,
            seed: plan.seed,
        },
        counts: Counts {
            unanswered: measured.unanswered,
            unplayable: measured.unplayable,
            refused: measured.refused,
            cut: by_set(&|i| share(steps.iter().filter(|s| s.cut[i]).count())),
            lost: eyes.named(|i| Some(steps.iter().map(|s| s.lost[i]).sum())),
        },
        times: Times {
            seconds,
            ran: measured.asked.0,
            known: measured.asked.1,
            first: eyes.named(|i| Some(first(&steps, i))),
        },
    }
}

fn first(steps: &[&StepRow], set: usize) -> First {
    let mut times: Vec<f64> = steps.iter().filter_map(|s| s.first_ms[set]).collect();
    times.sort_by(f64::total_cmp);
    let at = |q: f64| times.get(((times.len().max(1) - 1) as f64 * q).round() as usize).copied();
    First {
        share: times.len() as f64 / steps.len().max(1) as f64,
        median_ms: at(0.5).unwrap_or(0.0),
        p95_ms: at(0.95).unwrap_or(0.0),
    }
}

/// Looks at rows with the sets of a plan.
struct Eyes<'a> {
    plan: &'a Plan,
}

impl Eyes<'_> {
    fn named<T>(&self, mut of: impl FnMut(usize) -> Option<T>) -> BTreeMap<String, T> {
        let sets = self.plan.sets.iter().enumerate();
        sets.filter_map(|(i, s)| Some((s.name.clone(), of(i)?))).collect()
    }

    fn shares(&self, steps: &[&StepRow], theorems: &[&TheoremRow]) -> BTreeMap<String, Shares> {
        self.named(|i| {
            let share = |f: fn(&StepScore) -> bool| {
                steps.iter().filter(|s| f(&s.scores[i])).count() as f64 / steps.len().max(1) as f64
            };
            Some(Shares {
                closes: share(METRICS[0].1),
                progress: share(METRICS[1].1),
                same_state: share(METRICS[2].1),
                exact: share(METRICS[3].1),
                finished: finished(theorems, i),
            })
        })
    }

    fn intervals(
        &self,
        steps: &[&StepRow],
        theorems: &[&TheoremRow],
    ) -> BTreeMap<String, BTreeMap<String, Interval>> {
        self.named(|i| {
            let mut all: BTreeMap<String, Interval> = METRICS
                .iter()
                .map(|(name, f)| {
                    let clusters = by_declaration(steps, |s| f64::from(u8::from(f(&s.scores[i]))));
                    ((*name).to_owned(), bootstrap(&clusters, self.plan.seed))
                })
                .collect();
            if let Some(values) = finished_values(theorems, i) {
                all.insert("finished".into(), bootstrap(&values, self.plan.seed));
            }
            Some(all)
        })
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.plan.sets.iter().position(|s| s.name == name)
    }

    /// The differences that questions are asked about: what the policy adds to a fixed list, neighbours to the policy,
    /// all of ours to what Lean has, another precision to the one in use.
    fn step_pairs(&self, steps: &[&StepRow]) -> Vec<Paired> {
        let mut pairs: Vec<(String, &str)> = vec![
            ("policy".into(), "commonest"),
            ("policy+neighbours".into(), "policy"),
            ("all".into(), "baseline"),
            ("all".into(), "baseline+lookahead"),
            ("all".into(), "without-scope"),
        ];
        let others = self.plan.sets.iter().filter(|s| s.name.starts_with("policy-"));
        pairs.extend(others.map(|s| (s.name.clone(), "policy")));
        let mut out = Vec::new();
        for (of, less) in pairs {
            let (Some(a), Some(b)) = (self.place(&of), self.place(less)) else { continue };
            for (metric, f) in METRICS {
                let one = |s: &StepRow, i: usize| f64::from(u8::from(f(&s.scores[i])));
                let clusters = by_declaration(steps, |s| one(s, a) - one(s, b));
                out.push(self.paired(metric, &of, less, &clusters));
            }
        }
        out
    }

    fn theorem_pairs(&self, theorems: &[&TheoremRow]) -> Vec<Paired> {
        let mut out = Vec::new();
        let pairs = [
            ("policy", "baseline"),
            ("all", "baseline"),
            ("all", "baseline+lookahead"),
            ("all", "without-scope"),
        ];
        for (of, less) in pairs {
            let (Some(a), Some(b)) = (self.place(of), self.place(less)) else { continue };
            let (Some(a), Some(b)) = (finished_values(theorems, a), finished_values(theorems, b)) else {
                continue;
            };
            let clusters: Vec<Vec<f64>> = a.iter().zip(&b).map(|(x, y)| vec![x[0] - y[0]]).collect();
            out.push(self.paired("finished", of, less, &clusters));
        }
        out
    }

    fn paired(&self, metric: &str, of: &str, less: &str, clusters: &[Vec<f64>]) -> Paired {
        let n = clusters.iter().map(Vec::len).sum::<usize>().max(1);
        Paired {
            metric: metric.into(),
            of: of.into(),
            less: less.into(),
            difference: clusters.iter().flatten().sum::<f64>() / n as f64,
            interval: bootstrap(clusters, self.plan.seed),
        }
    }

    fn weak(&self, theorems: &[&TheoremRow]) -> Option<Weak> {
        let baseline = self.place("baseline")?;
        let by_file = group(theorems, |t| t.file.as_str());
        let weak: Vec<&Vec<&TheoremRow>> =
            by_file.values().filter(|t| finished(t, baseline).is_some_and(|f| f < WEAK)).collect();
        let all: Vec<&TheoremRow> = weak.iter().flat_map(|t| t.iter().copied()).collect();
        (!theorems.is_empty()).then(|| Weak {
            files: weak.len(),
            theorems: all.len(),
            finished: self.named(|i| finished(&all, i)),
            paired: self.theorem_pairs(&all),
        })
    }

    fn files(&self, steps: &[&StepRow], theorems: &[&TheoremRow]) -> Vec<FileRow> {
        let of_file = group(theorems, |t| t.file.as_str());
        let none = Vec::new();
        let mut names: Vec<&str> = group(steps, |s| s.file.as_str()).into_keys().collect();
        names.extend(of_file.keys());
        names.sort_unstable();
        names.dedup();
        let steps = group(steps, |s| s.file.as_str());
        names
            .into_iter()
            .map(|name| {
                let (steps, theorems) =
                    (steps.get(name).map_or(&[][..], Vec::as_slice), of_file.get(name).unwrap_or(&none));
                let shares = self.shares(steps, theorems);
                FileRow {
                    file: name.to_owned(),
                    steps: steps.len(),
                    hard: steps.iter().filter(|s| s.decision == Some(Decision::Hard)).count(),
                    theorems: theorems.len(),
                    same_state: shares.iter().map(|(n, s)| (n.clone(), s.same_state)).collect(),
                    finished: shares.iter().filter_map(|(n, s)| Some((n.clone(), s.finished?))).collect(),
                }
            })
            .collect()
    }
}

fn group<'r, R>(rows: &[&'r R], by: impl Fn(&'r R) -> &'r str) -> BTreeMap<&'r str, Vec<&'r R>> {
    let mut out: BTreeMap<&str, Vec<&R>> = BTreeMap::new();
    for row in rows {
        out.entry(by(row)).or_default().push(row);
    }
    out
}

/// Values of steps, those of a declaration together.
fn by_declaration(steps: &[&StepRow], value: impl Fn(&StepRow) -> f64) -> Vec<Vec<f64>> {
    let mut out: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for step in steps {
        out.entry((&step.file, &step.decl)).or_default().push(value(step));
    }
    out.into_values().collect()
}

fn finished_values(theorems: &[&TheoremRow], set: usize) -> Option<Vec<Vec<f64>>> {
    let values: Option<Vec<Vec<f64>>> =
        theorems.iter().map(|t| t.finished.get(&set).map(|f| vec![f64::from(u8::from(*f))])).collect();
    values.filter(|v| !v.is_empty())
}

fn finished(theorems: &[&TheoremRow], set: usize) -> Option<f64> {
    let values = finished_values(theorems, set)?;
    Some(values.iter().map(|v| v[0]).sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::eval::arena::Bound;
    use crate::eval::look::Rules;
    use crate::eval::sources::sets;
    use crate::proof::{Goal, Source};

    fn plan() -> Plan {
        let bound = Bound { heartbeats: 1, longest: Duration::from_secs(1) };
        Plan {
            sets: sets(&[Source::Policy, Source::Portfolio, Source::Lean], &[]),
            finish: vec!["baseline".into(), "all".into()],
            steps_each: 5,
            rules: Rules { k: 8, candidates: 8, budget_ms: 1e3, bound, decide: bound },
            sample: None,
            theorems: None,
            seed: 1,
            jobs: 1,
        }
    }

    /// The policy leads to the author's state at `same` steps; `hard` says what the step is.
    fn step(decl: &str, plan: &Plan, same: bool, decision: Decision) -> StepRow {
        let n = plan.sets.len();
        let score = |name: &str| StepScore {
            closes: false,
            progress: true,
            same_state: same && matches!(name, "policy" | "all"),
            exact: false,
        };
        StepRow {
            file: "A.lean".into(),
            decl: decl.into(),
            goal: Goal::parse("⊢ p"),
            author: "simp".into(),
            after: vec![],
            shown: vec![vec![]; n],
            scores: plan.sets.iter().map(|s| score(&s.name)).collect(),
            first_ms: vec![Some(5.0); n],
            cut: vec![false; n],
            lost: vec![0; n],
            decision: Some(decision),
        }
    }

    #[test]
    fn figures_are_shares_of_what_was_measured() {
        let plan = plan();
        let at = |name: &str| plan.sets.iter().position(|s| s.name == name).unwrap();
        let theorem = |file: &str, baseline, all| TheoremRow {
            file: file.into(),
            decl: "t".into(),
            goal: Goal::parse("⊢ p"),
            finished: BTreeMap::from([(at("baseline"), baseline), (at("all"), all)]),
            played: BTreeMap::new(),
        };
        let measured = Measured {
            steps: vec![
                step("a", &plan, true, Decision::Hard),
                step("a", &plan, false, Decision::Hard),
                step("b", &plan, true, Decision::Closed),
                step("c", &plan, false, Decision::Undecided),
            ],
            theorems: vec![
                theorem("A.lean", true, true),
                theorem("B.lean", false, true),
                theorem("B.lean", true, false),
                theorem("B.lean", false, false),
            ],
            ..Measured::default()
        };
        let r = report(&measured, &plan, None, 1.0);
        assert_eq!((r.steps, r.hard.steps, r.hard.undecided, r.theorems), (4, 2, 1, 4));
        assert_eq!((r.sources["policy"].same_state, r.hard.sources["policy"].same_state), (0.5, 0.5));
        assert_eq!(r.sources["baseline"].same_state, 0.0);
        assert_eq!((r.sources["policy"].finished, r.sources["all"].finished), (None, Some(0.5)));
        let weak = r.weak.unwrap();
        assert_eq!((weak.files, weak.theorems), (1, 3), "only of B the baseline finishes less than 60 %");
        assert_eq!(weak.finished["all"], 1.0 / 3.0);
        let pair = r.paired.iter().find(|p| p.of == "policy" && p.metric == "same_state").unwrap();
        assert_eq!((pair.less.as_str(), pair.difference), ("commonest", 0.5));
        assert!(pair.interval.low >= 0.0 && pair.interval.high <= 1.0);
        assert_eq!((r.times.first["all"].median_ms, r.times.first["all"].share), (5.0, 1.0));
    }
}
