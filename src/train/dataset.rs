//! Proof steps and labelled tactics → examples, and what must never be trained on.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::BufRead;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::augment::alpha_form;
use crate::error::{Failure, FailureKind};
use crate::proof::{Goal, Origin, ProofStep};

/// A goal and the tactic that its author wrote there.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The main goal.
    pub goal: Goal,
    /// The tactic.
    pub tactic: String,
    /// The declaration that somebody wrote, for splits and messages.
    pub decl: String,
    /// The file of that declaration, for splits.
    pub file: String,
    /// Whether Lean made it up (`proof::Origin`).
    pub made_up: bool,
}

/// A tactic with a judgement: what KTO learns from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelledRow {
    /// The goal as Lean prints it.
    pub prompt: String,
    /// The tactic.
    pub completion: String,
    /// Wanted (accepted and kept, typed alike) or not (rejected, undone, refused by Lean, no progress).
    pub label: bool,
}

/// What the collection of a data set left out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeftOut {
    /// Steps with an error, without a goal, or with `sorry`.
    pub unusable: usize,
    /// The same goal and tactic seen before.
    pub repeated: usize,
    /// Steps of declarations whose statement is a held-out one under other names.
    pub near_held_out: usize,
}

/// Reads steps from JSON Lines files as `lean-copilot trace` writes them.
pub fn read_steps(files: &[impl AsRef<Path>]) -> Result<Vec<ProofStep>> {
    let mut all = Vec::new();
    for file in files {
        all.extend(read_lines(file.as_ref(), "`lean-copilot trace` writes such files")?);
    }
    Ok(all)
}

/// Reads one JSON value a line; blank lines are skipped.
pub fn read_lines<T: for<'de> Deserialize<'de>>(file: &Path, hint: &str) -> Result<Vec<T>> {
    let name = file.display();
    let open = std::fs::File::open(file)
        .map_err(|e| Failure::new(FailureKind::Usage, format!("cannot read `{name}`: {e}")).hint(hint))?;
    let mut all = Vec::new();
    for (i, line) in std::io::BufReader::new(open).lines().enumerate() {
        let line = line.with_context(|| format!("reading `{name}`"))?;
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&line).map_err(|e| {
            Failure::new(FailureKind::Corrupt, format!("`{name}`, line {}: {e}", i + 1)).hint(hint)
        })?;
        all.push(value);
    }
    Ok(all)
}

/// A declaration that no training may see.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldOutDeclaration {
    /// File, as traced.
    pub file: String,
    /// Full name.
    pub decl: String,
    /// SHA-256 of the statement's goal with the context's names numbered.
    pub statement_sha256: String,
}

/// The committed list of held-out declarations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct HeldOut {
    /// Sorted by file and name.
    pub declarations: Vec<HeldOutDeclaration>,
    /// Those of other people's projects, of which the list holds no text.
    #[serde(skip)]
    pub projects: HashedList,
}

/// Declarations of real projects that no training may see, each as the first 16 digits of a SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct HashedList {
    /// Full names.
    pub declarations: BTreeSet<String>,
    /// Statements, the context's names numbered.
    pub statements: BTreeSet<String>,
}

/// What stands for a text in a [`HashedList`].
pub fn hashed(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

impl HeldOut {
    /// The list of all declarations of traced held-out files.
    pub fn of(steps: &[ProofStep]) -> HeldOut {
        let mut declarations: Vec<HeldOutDeclaration> = statements(steps)
            .into_iter()
            .map(|((file, decl), goal)| HeldOutDeclaration {
                file: file.to_owned(),
                decl: decl.to_owned(),
                statement_sha256: statement_hash(goal),
            })
            .collect();
        declarations.sort();
        HeldOut { declarations, projects: HashedList::default() }
    }

    /// With the list of real projects (`lean-copilot split --list`), where the file is there.
    pub fn with_projects(mut self, file: &Path) -> Result<HeldOut> {
        if file.is_file() {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the held-out list `{}`", file.display()))?;
            self.projects = serde_json::from_str(&text).map_err(|e| {
                let message = format!("`{}` is not a list of hashes: {e}", file.display());
                Failure::new(FailureKind::Corrupt, message)
            })?;
        }
        Ok(self)
    }

    /// Reads the list.
    pub fn read(file: &Path) -> Result<HeldOut> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the held-out list `{}`", file.display()))?;
        serde_json::from_str(&text).map_err(|e| {
            let message = format!("`{}` is not a held-out list: {e}", file.display());
            Failure::new(FailureKind::Corrupt, message).into()
        })
    }

    /// An error that names the first held-out declaration among the steps.
    pub fn refuse(&self, steps: &[ProofStep]) -> Result<()> {
        let names: HashSet<&str> = self.declarations.iter().map(|d| d.decl.as_str()).collect();
        let found: BTreeSet<&str> = steps
            .iter()
            .map(ProofStep::written_decl)
            .filter(|d| names.contains(d) || self.is_of_projects(d))
            .collect();
        let Some(first) = found.first() else { return Ok(()) };
        let more = if found.len() > 1 { format!(" and {} more", found.len() - 1) } else { String::new() };
        Err(Failure::new(
            FailureKind::Usage,
            format!("the training data hold `{first}`{more}, which is held out for measuring"),
        )
        .hint("leave the held-out files out of `--data`")
        .into())
    }

    fn is_of_projects(&self, decl: &str) -> bool {
        !self.projects.declarations.is_empty() && self.projects.declarations.contains(&hashed(decl))
    }

    /// Whether a declaration is held out, by its name.
    pub fn has_name(&self, decl: &str) -> bool {
        self.declarations.iter().any(|d| d.decl == decl) || self.is_of_projects(decl)
    }

    /// Whether a statement is a held-out one, up to the names in its context ([`statement_hash`]).
    pub fn has_statement(&self, hash: &str) -> bool {
        self.declarations.iter().any(|d| d.statement_sha256 == hash)
            || self.projects.statements.contains(&hash[..16])
    }
}

/// What a statement is listed by.
pub fn statement_hash(goal: &Goal) -> String {
    Sha256::digest(alpha_form(goal).as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// The goal of each declaration's first step: its statement.
pub fn statements(steps: &[ProofStep]) -> BTreeMap<(&str, &str), &Goal> {
    let mut first: BTreeMap<(&str, &str), (u32, &Goal)> = BTreeMap::new();
    for s in steps {
        if let Some(goal) = s.state_before.first() {
            let entry = first.entry((&s.file, &s.decl)).or_insert((s.step, goal));
            if s.step < entry.0 {
                *entry = (s.step, goal);
            }
        }
    }
    first.into_iter().map(|(k, (_, goal))| (k, goal)).collect()
}

/// Training examples of traced steps. Held-out declarations are refused by name; declarations that only
/// restate one are left out and counted, like repetitions and what cannot be learnt from.
pub fn collect(steps: &[ProofStep], held_out: &HeldOut) -> Result<(Vec<Step>, LeftOut)> {
    held_out.refuse(steps)?;
    let near: HashSet<(&str, &str)> = statements(steps)
        .into_iter()
        .filter(|(_, goal)| held_out.has_statement(&statement_hash(goal)))
        .map(|(k, _)| k)
        .collect();
    let mut seen = HashSet::new();
    let mut left_out = LeftOut::default();
    let mut all = Vec::new();
    for s in steps {
        let Some(goal) = s.state_before.first().filter(|_| is_usable(s)) else {
            left_out.unusable += 1;
            continue;
        };
        if near.contains(&(s.file.as_str(), s.decl.as_str())) {
            left_out.near_held_out += 1;
        } else if !seen.insert((goal.normal_form(), s.tactic.trim())) {
            left_out.repeated += 1;
        } else {
            all.push(Step {
                goal: goal.clone(),
                tactic: s.tactic.trim().to_owned(),
                decl: s.written_decl().to_owned(),
                file: s.file.clone(),
                made_up: s.origin != Origin::Written,
            });
        }
    }
    Ok((all, left_out))
}

/// Whether a step can be learnt from: it has no error, and neither `sorry` nor `admit`.
pub fn is_usable(s: &ProofStep) -> bool {
    s.error.is_none()
        && !s.tactic.trim().is_empty()
        && !s.tactic.contains("sorry")
        && !s.tactic.contains("admit")
}

/// Keeps about one step in `one_in` apart, to measure by: whole files, since the declarations of a file resemble each
/// other; whole declarations, where no files make up such a share. Chosen by a hash, so that the choice is always the
/// same. What was made up of a file or declaration that is kept apart is on neither side.
pub fn split(steps: Vec<Step>, one_in: u64) -> (Vec<Step>, Vec<Step>) {
    if one_in == 0 {
        return (steps, Vec::new());
    }
    let files = some_files(&steps, one_in);
    let is_apart = |s: &Step| match files.is_empty() {
        false => files.contains(&s.file),
        true => hash_of(&s.decl).is_multiple_of(one_in),
    };
    let (apart, rest): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(is_apart);
    (rest, apart.into_iter().filter(|s| !s.made_up).collect())
}

/// Files with about one in `one_in` of the written steps, in the order of a hash, those passed over that would be too
/// many; none where less than half of that share can be had.
fn some_files(steps: &[Step], one_in: u64) -> BTreeSet<String> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for s in steps.iter().filter(|s| !s.made_up) {
        *sizes.entry(&s.file).or_default() += 1;
    }
    let share = sizes.values().sum::<usize>() / one_in as usize;
    let mut files: Vec<(&str, usize)> = sizes.into_iter().collect();
    files.sort_by_cached_key(|(file, _)| hash_of(file));
    let (mut chosen, mut sum) = (BTreeSet::new(), 0);
    for (file, n) in files {
        if sum + n <= share {
            sum += n;
            chosen.insert(file.to_owned());
        }
    }
    if 2 * sum < share { BTreeSet::new() } else { chosen }
}

fn hash_of(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_out_declaration_is_refused_by_name() {
        let held = HeldOut::of(&[ProofStep::sample("Held.add_self", "n : Nat\n⊢ n + n = 2 * n", "omega")]);
        let error = collect(&[ProofStep::sample("Held.add_self", "⊢ True", "trivial")], &held).unwrap_err();
        assert!(error.to_string().contains("`Held.add_self`"), "{error}");
    }

    #[test]
    fn a_held_out_declaration_of_a_project_is_refused_by_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list.json");
        let goal = Goal::parse("n : Nat\n⊢ n + n = 2 * n");
        let list = HashedList {
            declarations: [hashed("Held.add_self")].into(),
            statements: [statement_hash(&goal)[..16].to_owned()].into(),
        };
        std::fs::write(&file, serde_json::to_string(&list).unwrap()).unwrap();
        let held = HeldOut::default().with_projects(&file).unwrap();
        let error = collect(&[ProofStep::sample("Held.add_self", "⊢ True", "trivial")], &held).unwrap_err();
        assert!(error.to_string().contains("`Held.add_self`"), "{error}");
        let (kept, left_out) =
            collect(&[ProofStep::sample("Mine", "k : Nat\n⊢ k + k = 2 * k", "omega")], &held).unwrap();
        assert_eq!((kept.len(), left_out.near_held_out), (0, 1));
    }

    #[test]
    fn a_held_out_statement_under_other_names_is_left_out() {
        let held = HeldOut::of(&[ProofStep::sample("Held.add_self", "n : Nat\n⊢ n + n = 2 * n", "omega")]);
        let steps = [
            ProofStep::sample("Mine.twice", "k : Nat\n⊢ k + k = 2 * k", "omega"),
            ProofStep::sample("Mine.b", "⊢ True", "trivial"),
        ];
        let (kept, left_out) = collect(&steps, &held).unwrap();
        assert_eq!((kept.len(), left_out.near_held_out), (1, 1));
        assert_eq!(kept[0].decl, "Mine.b");
    }

    #[test]
    fn repetitions_errors_and_sorry_are_left_out() {
        let mut bad = ProofStep::sample("C", "⊢ True", "simp");
        bad.error = Some("no".into());
        let steps = [
            ProofStep::sample("A", "h : p\n⊢ p", "exact h"),
            ProofStep::sample("B", "h :  p\n⊢ p", "exact h"),
            ProofStep::sample("D", "⊢ True", "sorry"),
            bad,
        ];
        let (kept, left_out) = collect(&steps, &HeldOut::default()).unwrap();
        assert_eq!((kept.len(), left_out.repeated, left_out.unusable), (1, 1, 2));
    }

    fn example(file: &str, decl: &str, made_up: bool) -> Step {
        let (goal, tactic) = (Goal::parse("⊢ True"), "trivial".into());
        Step { goal, tactic, decl: decl.into(), file: file.into(), made_up }
    }

    #[test]
    fn whole_files_are_kept_apart_with_what_was_made_up_of_them() {
        let mut all = Vec::new();
        for i in 0..300 {
            // Files of ten, and one that is larger than the share.
            let file = if i < 100 { "Large.lean".to_owned() } else { format!("F{}.lean", i / 10) };
            all.push(example(&file, &format!("d{i}"), false));
            all.push(example(&file, &format!("d{i}"), true));
        }
        let (rest, apart) = split(all.clone(), 10);
        let of = |steps: &[Step]| steps.iter().map(|s| s.file.clone()).collect::<BTreeSet<_>>();
        assert_eq!((apart.len(), of(&apart).len()), (30, 3), "{:?}", of(&apart));
        assert!(of(&rest).is_disjoint(&of(&apart)));
        assert!(apart.iter().all(|s| !s.made_up), "only what people wrote is measured by");
        assert_eq!(rest.len(), 2 * 270, "what was made up of files kept apart is on neither side");
        assert_eq!(split(all, 10), (rest, apart), "always the same");
    }

    #[test]
    fn one_file_is_split_by_declaration() {
        let all: Vec<Step> =
            (0..200).map(|i| example("A.lean", &format!("d{}", i / 4), i % 4 == 3)).collect();
        let (rest, apart) = split(all.clone(), 10);
        assert!(!apart.is_empty() && rest.len() > 100);
        let of = |steps: &[Step]| steps.iter().map(|s| s.decl.clone()).collect::<BTreeSet<_>>();
        assert!(of(&rest).is_disjoint(&of(&apart)));
        assert!(apart.iter().all(|s| !s.made_up));
        assert_eq!(split(all.clone(), 10), (rest, apart));
        assert_eq!(split(all.clone(), 0), (all, vec![]));
    }

    #[test]
    fn what_was_made_up_of_a_held_out_declaration_is_refused_or_left_out() {
        let held = HeldOut::of(&[ProofStep::sample("Held.add_self", "n : Nat\n⊢ n + n = 2 * n", "omega")]);
        let made_up = |decl: &str, goal: &str| {
            let mut s = ProofStep::sample(decl, goal, "omega");
            s.origin = Origin::Variant;
            s
        };
        let error =
            collect(&[made_up("Held.add_self~swapped1", "n : Nat\n⊢ 2 * n = n + n")], &held).unwrap_err();
        assert!(error.to_string().contains("`Held.add_self`"), "{error}");
        // A variant of another theorem may come out as a held-out statement.
        let variants = [
            made_up("Mine.t~sibling1", "k : Nat\n⊢ k + k = 2 * k"),
            made_up("Mine.t~sibling2", "k : Nat\n⊢ k * k = 2 * k"),
        ];
        let (kept, left_out) = collect(&variants, &held).unwrap();
        assert_eq!((kept.len(), left_out.near_held_out), (1, 1));
        assert_eq!((kept[0].decl.as_str(), kept[0].made_up), ("Mine.t", true));
    }
}
