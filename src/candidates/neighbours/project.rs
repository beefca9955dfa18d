//! The index of a project's own proofs: one in the cache for each project, never in its folder.
//!
//! `<cache>/neighbours/<name>-<hash>.db`, named by the project's folder. `lean-copilot trace --index` and
//! `neighbours add` fill it, file by file: an origin is a file of the project, its state what the file's steps were
//! made from. A running `serve` sees what is added with its next question.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::index::{self, Index, Learned};
use crate::config::Dirs;

/// An open index of a project.
#[derive(Debug)]
pub struct ProjectIndex {
    index: Index,
    root: PathBuf,
}

impl ProjectIndex {
    /// Begins the key of a file whose steps were added from elsewhere: it need not be in the project.
    pub const ADDED: &str = "added ";

    /// Where the index of the project in this folder lies, whether there is one or not.
    pub fn path_in(dirs: &Dirs, root: &Path) -> PathBuf {
        let root = canonical(root);
        let hash = Sha256::digest(root.as_os_str().as_encoded_bytes());
        let hash: String = hash.iter().take(6).map(|b| format!("{b:02x}")).collect();
        let name = root.file_name().map_or_else(Default::default, |n| n.to_string_lossy().into_owned());
        dirs.cache.join("neighbours").join(format!("{name}-{hash}.db"))
    }

    /// Opens the index of the project in this folder, or begins one.
    pub fn open(dirs: &Dirs, root: &Path) -> Result<ProjectIndex> {
        let index = Index::open(&ProjectIndex::path_in(dirs, root))?;
        Ok(ProjectIndex { index, root: canonical(root) })
    }

    /// Throws the index of a project away; whether there was one.
    pub fn remove(dirs: &Dirs, root: &Path) -> Result<bool> {
        let path = ProjectIndex::path_in(dirs, root);
        if !path.is_file() {
            return Ok(false);
        }
        // Emptied first: who has it open must not go on proposing from it. One that is broken goes all the same.
        if let Ok(mut index) = Index::open(&path) {
            for origin in index.origins()? {
                index.forget(&origin)?;
            }
        }
        index::delete(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        Ok(true)
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        self.index.path()
    }

    /// How the index names a file: by its place in the project, `/` between the parts; one from elsewhere as given.
    pub fn name_of(&self, file: &Path) -> String {
        let whole = canonical(file);
        whole.strip_prefix(&self.root).unwrap_or(file).to_string_lossy().replace('\\', "/")
    }

    /// What a file's steps were made from, as [`ProjectIndex::learn`] was told.
    pub fn key_of(&self, file: &str) -> Result<Option<String>> {
        self.index.state(file)
    }

    /// Puts a file's steps in the place of what was known of it.
    pub fn learn(&mut self, file: &str, steps: &[Learned], key: &str) -> Result<()> {
        self.index.replace(file, steps, key)
    }

    /// Forgets the traced files that are not there any more; returns how many.
    pub fn forget_missing(&mut self) -> Result<usize> {
        let mut missing = 0;
        for file in self.files()? {
            let is_added = self.key_of(&file)?.is_some_and(|k| k.starts_with(ProjectIndex::ADDED));
            if !is_added && !self.root.join(&file).exists() {
                self.index.forget(&file)?;
                missing += 1;
            }
        }
        Ok(missing)
    }

    /// The files whose steps it holds.
    pub fn files(&self) -> Result<Vec<String>> {
        self.index.origins()
    }

    /// Number of steps.
    pub fn len(&self) -> Result<u64> {
        self.index.len()
    }

    /// Whether it holds no step.
    pub fn is_empty(&self) -> Result<bool> {
        self.index.is_empty()
    }
}

/// Without links, so that a project has one index however it is reached.
fn canonical(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidates::Neighbours;
    use crate::proof::Goal;

    fn step(goal: &str, tactic: &str) -> Learned {
        Learned { goal: Goal::parse(goal), tactic: tactic.into() }
    }

    #[test]
    fn a_running_session_proposes_what_its_project_proved_and_no_other_project() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(dir.path(), dir.path().join("share"), dir.path().join("cache"));
        let (ours, other) = (dir.path().join("ours"), dir.path().join("other"));
        std::fs::create_dir_all(&ours).unwrap();
        let goal = Goal::parse("t : Tree\n⊢ size (mirror t) = size t");
        // The session begins before there is an index.
        let session = Neighbours::of_project(&dirs, &ours);
        let proposed = |n: &Neighbours| -> Vec<String> {
            n.propose(&goal, 8).unwrap().into_iter().map(|c| c.tactic).collect()
        };
        assert!(proposed(&session).is_empty());
        assert!(!ProjectIndex::path_in(&dirs, &ours).exists(), "asking begins no index");

        let mut index = ProjectIndex::open(&dirs, &ours).unwrap();
        assert_eq!(index.name_of(&ours.join("A.lean")), "A.lean");
        let steps = [step("s : Tree\n⊢ size (mirror s) = size s", "induction s")];
        index.learn("A.lean", &steps, "1").unwrap();
        assert_eq!(proposed(&session), ["induction t"]);
        assert_eq!(proposed(&Neighbours::of_project(&dirs, &ours)), ["induction t"], "after a restart");
        assert!(proposed(&Neighbours::of_project(&dirs, &other)).is_empty());
        assert!(proposed(&Neighbours::new(&dirs)).is_empty());

        // The file changes: what it said before is gone.
        index
            .learn("A.lean", &[step("s : Tree\n⊢ size (mirror s) = size s", "simp [size_mirror]")], "2")
            .unwrap();
        assert_eq!(proposed(&session), ["simp [size_mirror]"]);
        assert_eq!(index.key_of("A.lean").unwrap().as_deref(), Some("2"));
        // … and goes.
        assert_eq!(index.forget_missing().unwrap(), 1);
        assert!(proposed(&session).is_empty());

        index.learn("A.lean", &steps, "1").unwrap();
        drop(index);
        assert!(ProjectIndex::remove(&dirs, &ours).unwrap());
        assert!(proposed(&session).is_empty());
        assert!(!ProjectIndex::remove(&dirs, &ours).unwrap());
        let mut index = ProjectIndex::open(&dirs, &ours).unwrap();
        index.learn("A.lean", &steps, "1").unwrap();
        assert_eq!(proposed(&session), ["induction t"], "begun anew while the session runs");
    }
}
