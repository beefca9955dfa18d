//! Who proposes, and in which company it is measured.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::cache::{Cache, key};
use crate::candidates::{Neighbours, portfolio};
use crate::config::{Dirs, Settings};
use crate::policy::PolicyHandle;
use crate::policy::bundle::{self, Bundle};
use crate::policy::prompt;
use crate::policy::sampling::{GenerationParams, Method};
use crate::policy::session::{Cancel, Compute, PolicySession};
use crate::proof::{Candidate, Goal, Source};

/// Who proposes tactics, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proposer {
    /// The policy as it is in use.
    Policy,
    /// The policy with weights of another precision.
    PolicyAt(Precision),
    /// What was done at similar goals of the training steps; nothing of the user's own history.
    Neighbours,
    /// The closing tactics, and the steps that the target's shape asks for.
    Portfolio,
    /// What the names at the goal offer.
    Scope,
    /// The commonest tactics of the training steps, the same at every goal.
    Commonest,
    /// Lean's own search, which comes last.
    Lean,
}

/// A precision of the policy's weights on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Precision {
    /// 8 bits.
    Int8,
    /// Half precision (slow on a CPU).
    Fp16,
    /// Single precision.
    Fp32,
}

impl Precision {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Int8 => "int8",
            Precision::Fp16 => "fp16",
            Precision::Fp32 => "fp32",
        }
    }
}

impl Proposer {
    /// The name in reports.
    pub fn name(self) -> String {
        match self {
            Proposer::Policy => "policy".into(),
            Proposer::PolicyAt(precision) => format!("policy-{}", precision.name()),
            Proposer::Neighbours => "neighbours".into(),
            Proposer::Portfolio => "portfolio".into(),
            Proposer::Scope => "scope".into(),
            Proposer::Commonest => "commonest".into(),
            Proposer::Lean => "lean".into(),
        }
    }
}

/// Proposers that are measured together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The name in reports.
    pub name: String,
    /// Who proposes.
    pub proposers: Vec<Proposer>,
    /// Whether Lean finishes what the best steps leave, where nothing closes the goal
    /// ([`lookahead`](crate::candidates::lookahead)).
    pub lookahead: bool,
}

impl Set {
    fn new(name: &str, proposers: &[Proposer]) -> Set {
        let mut proposers = proposers.to_vec();
        proposers.sort_unstable();
        Set { name: name.into(), proposers, lookahead: false }
    }

    fn looking_ahead(name: &str, proposers: &[Proposer]) -> Set {
        Set { lookahead: true, ..Set::new(name, proposers) }
    }

    /// The set without Lean's search, which comes last.
    pub fn without_search(&self) -> Set {
        let mut proposers = self.proposers.clone();
        proposers.retain(|p| *p != Proposer::Lean);
        Set { proposers, ..self.clone() }
    }
}

/// The sets that are measured: each proposer by itself, the policy with its neighbours, what Lean has without us
/// (`baseline`), and all of the chosen sources as they work together in an editor, with lookahead (`all`). What the
/// lookahead gives is told apart by both with and without it.
pub fn sets(chosen: &[Source], precisions: &[Precision]) -> Vec<Set> {
    let has = |s: Source| chosen.contains(&s);
    let mut out = Vec::new();
    let one = |p: Proposer| Set::new(&p.name(), &[p]);
    if has(Source::Policy) {
        out.push(one(Proposer::Policy));
        out.extend(precisions.iter().map(|p| one(Proposer::PolicyAt(*p))));
    }
    if has(Source::Neighbours) {
        out.push(one(Proposer::Neighbours));
    }
    if has(Source::Policy) && has(Source::Neighbours) {
        out.push(Set::new("policy+neighbours", &[Proposer::Policy, Proposer::Neighbours]));
    }
    if has(Source::Portfolio) {
        out.push(one(Proposer::Portfolio));
    }
    if has(Source::Lean) {
        out.push(one(Proposer::Lean));
    }
    if has(Source::Scope) {
        out.push(one(Proposer::Scope));
    }
    out.push(one(Proposer::Commonest));
    if has(Source::Portfolio) && has(Source::Lean) {
        out.push(Set::new("baseline", &[Proposer::Portfolio, Proposer::Lean]));
        out.push(Set::looking_ahead("baseline+lookahead", &[Proposer::Portfolio, Proposer::Lean]));
    }
    if chosen.len() > 1 {
        let all: Vec<Proposer> = chosen
            .iter()
            .map(|s| match s {
                Source::Policy => Proposer::Policy,
                Source::Neighbours => Proposer::Neighbours,
                Source::Portfolio => Proposer::Portfolio,
                Source::Lean => Proposer::Lean,
                Source::Scope => Proposer::Scope,
            })
            .collect();
        out.push(Set::new("without-lookahead", &all));
        if all.len() > 2 && has(Source::Scope) {
            let others: Vec<Proposer> = all.iter().filter(|p| **p != Proposer::Scope).copied().collect();
            out.push(Set::looking_ahead("without-scope", &others));
        }
        out.push(Set::looking_ahead("all", &all));
    }
    out
}

/// What somebody proposed at a goal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Proposed {
    /// The tactics, best first.
    pub candidates: Vec<Candidate>,
    /// Time until they were there, in milliseconds.
    pub ms: f64,
}

/// Asks those who propose without Lean.
pub struct Asker {
    cache: Arc<Cache>,
    k: usize,
    policy: Option<Policy>,
    neighbours: Neighbours,
    commonest: Vec<Candidate>,
}

struct Policy {
    handle: PolicyHandle,
    bundle: Bundle,
    library: Option<PathBuf>,
    dirs: Dirs,
    threads: Option<usize>,
    sessions: Mutex<Vec<(Precision, PolicySession)>>,
}

impl Asker {
    /// Up to `k` proposals of each. `train` are the steps that neighbours and commonest tactics come from; the
    /// policy is there where `settings` are given. `library` is ONNX Runtime, for other precisions.
    pub fn new(
        dirs: &Dirs,
        cache: Arc<Cache>,
        k: usize,
        train: &Path,
        commonest: Vec<String>,
        settings: Option<&Settings>,
        library: Option<PathBuf>,
    ) -> Result<Asker> {
        let policy = settings
            .map(|settings| -> Result<Policy> {
                let folder = bundle::resolve(dirs, settings.bundle.as_deref())?;
                Ok(Policy {
                    handle: PolicyHandle::spawn(dirs.clone(), settings.clone())?,
                    bundle: Bundle::open(&folder)?,
                    library,
                    dirs: dirs.clone(),
                    threads: settings.threads,
                    sessions: Mutex::default(),
                })
            })
            .transpose()?;
        // One index for each file of training steps.
        let index = key("neighbours", &[&train.to_string_lossy()]);
        let index: String = index.iter().take(8).map(|b| format!("{b:02x}")).collect();
        let index = dirs.cache.join("eval").join(format!("neighbours-{index}.db"));
        let commonest = commonest.into_iter().map(|t| Candidate::new(t, Source::Portfolio, None)).collect();
        let neighbours = Neighbours::over(dirs, train.to_owned(), index);
        Ok(Asker { cache, k, policy, neighbours, commonest })
    }

    /// The policy's bundle.
    pub fn bundle(&self) -> Option<String> {
        self.policy.as_ref().map(|p| p.bundle.id())
    }

    /// What a proposer has for a goal. Lean's search and what is in scope are not asked for here.
    pub fn ask(&self, proposer: Proposer, goal: &Goal) -> Result<Proposed> {
        let began = Instant::now();
        let candidates = match proposer {
            Proposer::Policy => return self.policy(None, goal),
            Proposer::PolicyAt(precision) => return self.policy(Some(precision), goal),
            Proposer::Neighbours => self.neighbours.propose(goal, self.k)?,
            Proposer::Portfolio => portfolio(goal),
            Proposer::Commonest => self.commonest.clone(),
            Proposer::Lean | Proposer::Scope => Vec::new(),
        };
        Ok(Proposed { candidates, ms: began.elapsed().as_secs_f64() * 1e3 })
    }

    fn policy(&self, precision: Option<Precision>, goal: &Goal) -> Result<Proposed> {
        let policy = self.policy.as_ref().context("the policy was not asked for")?;
        let how = precision.map_or("in use", Precision::name);
        let key = key("policy", &[&policy.bundle.id(), how, &self.k.to_string(), &goal.text]);
        self.cache.or(&key, || {
            let began = Instant::now();
            let candidates = match precision {
                None => {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                    runtime.block_on(policy.handle.propose(goal, self.k))?.candidates
                }
                Some(precision) => policy.at(precision, goal, self.k)?,
            };
            Ok(Proposed { candidates, ms: began.elapsed().as_secs_f64() * 1e3 })
        })
    }
}

impl Policy {
    fn at(&self, precision: Precision, goal: &Goal, k: usize) -> Result<Vec<Candidate>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if !sessions.iter().any(|(p, _)| *p == precision) {
            let library = self.library.as_ref().context("ONNX Runtime was not looked for")?;
            let session = match precision {
                Precision::Int8 => {
                    PolicySession::open_int8(&self.bundle, library, &self.dirs.cache, self.threads)?
                }
                Precision::Fp16 => {
                    PolicySession::open(&self.bundle, library, Compute::CpuHalf, self.threads)?
                }
                Precision::Fp32 => PolicySession::open(&self.bundle, library, Compute::Cpu, self.threads)?,
            };
            sessions.push((precision, session));
        }
        let at = sessions.iter().position(|(p, _)| *p == precision).expect("it was just loaded");
        let limits = self.bundle.limits();
        let ids = prompt::encode(&self.bundle.tokenizer, goal, limits);
        let params = GenerationParams { k, max_tokens: limits.tactic_tokens, method: Method::Beam };
        let generated = sessions[at].1.generate(&ids, &params, &Cancel::default())?;
        Ok(generated.into_iter().map(|g| Candidate::new(g.text, Source::Policy, Some(g.log_prob))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_is_what_lean_has_without_us() {
        let named =
            |chosen: &[Source]| -> Vec<String> { sets(chosen, &[]).into_iter().map(|s| s.name).collect() };
        use Source::{Lean, Neighbours, Policy, Portfolio, Scope};
        assert_eq!(
            named(&[Policy, Portfolio, Lean, Neighbours]),
            [
                "policy",
                "neighbours",
                "policy+neighbours",
                "portfolio",
                "lean",
                "commonest",
                "baseline",
                "baseline+lookahead",
                "without-lookahead",
                "all"
            ]
        );
        assert_eq!(named(&[Policy]), ["policy", "commonest"]);
        let all = sets(&[Policy, Portfolio, Lean, Neighbours, Scope], &[]);
        let without = all.iter().find(|s| s.name == "without-scope").unwrap();
        assert!(without.lookahead && !without.proposers.contains(&Proposer::Scope));
        assert!(all.last().unwrap().proposers.contains(&Proposer::Scope));
        let baseline = all.iter().find(|s| s.name == "baseline").unwrap();
        assert!(!baseline.proposers.contains(&Proposer::Scope), "that is ours");
        let all = sets(&[Policy, Portfolio, Lean, Neighbours], &[]);
        let last = all.last().unwrap().proposers.last();
        assert_eq!(last, Some(&Proposer::Lean), "Lean's search comes last");
    }
}
