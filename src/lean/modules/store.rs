//! Where compiled modules are kept: in the cache, never in the user's project.
//!
//! `<cache>/modules/<package>-<hash>/` with `lib/A/B.olean`, what `LEAN_PATH` names, and `stamps/A.B.json`, which
//! says from what it was made. `all/` holds these modules and beside them those that have errors, or import some
//! that have: good enough to trace proofs in, and never in the search path of what verifies. It is whole, and not
//! an addition to `lib`, because Lean takes all modules below `A` from the first folder that has an `A`.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a module's compiled form was made from, and how that went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Key of its unit.
    pub key: String,
    /// Lean's first error, or how Lean ended; none where all went well.
    pub problem: Option<String>,
    /// Whether there is a compiled form, below `lib` and `all` where it is whole, below `all` where it is partial.
    pub compiled: bool,
    /// Whether it has errors, or imports a module that has.
    pub partial: bool,
}

/// The compiled modules of one package for one toolchain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageStore {
    folder: PathBuf,
}

impl PackageStore {
    /// The store of the package in this folder, below the cache directory.
    pub fn new(cache: &Path, package: &Path, toolchain: &str) -> PackageStore {
        let hash = Sha256::digest(format!("{toolchain}\n{}", package.display()).as_bytes());
        let hash: String = hash.iter().take(6).map(|b| format!("{b:02x}")).collect();
        let name = package.file_name().map_or_else(Default::default, |n| n.to_string_lossy().into_owned());
        PackageStore { folder: cache.join("modules").join(format!("{name}-{hash}")) }
    }

    /// The folder for LEAN_PATH.
    pub fn lib(&self) -> PathBuf {
        self.folder.join("lib")
    }

    /// The folder for LEAN_PATH of who wants modules with errors, too.
    pub fn all(&self) -> PathBuf {
        self.folder.join("all")
    }

    /// Where a module's compiled form goes.
    pub fn olean(&self, module: &str, partial: bool) -> PathBuf {
        let below: PathBuf = module.split('.').collect();
        let base = if partial { self.all() } else { self.lib() };
        // Not `with_extension`: the last part of a name may hold a dot.
        let mut path = base.join(below).into_os_string();
        path.push(".olean");
        path.into()
    }

    fn stamp_file(&self, module: &str) -> PathBuf {
        self.folder.join("stamps").join(format!("{module}.json"))
    }

    /// The stamp of a module, where its compiled form is there as the stamp says.
    pub fn stamp(&self, module: &str) -> Option<Stamp> {
        let text = std::fs::read_to_string(self.stamp_file(module)).ok()?;
        let stamp: Stamp = serde_json::from_str(&text).ok()?;
        let is_there = |partial| self.olean(module, partial).is_file();
        (!stamp.compiled || is_there(true) && (stamp.partial || is_there(false))).then_some(stamp)
    }

    /// Forgets a module, before it is compiled again.
    pub fn forget(&self, module: &str) -> Result<()> {
        let file = self.stamp_file(module);
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(e).with_context(|| format!("cannot remove `{}`", file.display()));
            }
            _ => {}
        }
        for file in parts(&self.olean(module, false)).into_iter().chain(parts(&self.olean(module, true))) {
            std::fs::remove_file(file).ok();
        }
        Ok(())
    }

    /// Puts a module's new compiled form, which is in `lib`, in its place: into `all`, and out of `lib` where it is
    /// partial.
    pub fn place(&self, module: &str, partial: bool) -> Result<()> {
        let (from, to) = (self.olean(module, false), self.olean(module, true));
        std::fs::create_dir_all(to.parent().expect("a module lies in a folder"))?;
        for (from, to) in parts(&from).into_iter().zip(parts(&to)).filter(|(from, _)| from.is_file()) {
            let placed = match partial {
                true => std::fs::rename(&from, &to),
                // Where the file system has no links, a copy.
                false => std::fs::hard_link(&from, &to).or_else(|_| std::fs::copy(&from, &to).map(drop)),
            };
            placed.with_context(|| format!("cannot place `{}`", to.display()))?;
        }
        Ok(())
    }

    /// Writes the stamp of a module whose compiled form is in its place.
    pub fn set_stamp(&self, module: &str, stamp: &Stamp) -> Result<()> {
        let file = self.stamp_file(module);
        let folder = file.parent().expect("a stamp lies in a folder");
        let write = || -> Result<()> {
            std::fs::create_dir_all(folder)?;
            let temporary = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(temporary.as_file(), stamp)?;
            temporary.persist(&file)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write `{}`", file.display()))
    }

    /// Keeps other processes from compiling into this store until the handle is dropped.
    pub fn lock(&self) -> Result<File> {
        lock(&self.folder)
    }
}

/// The files that Lean writes for a module: one, or four where it says `module`.
fn parts(olean: &Path) -> [PathBuf; 4] {
    let with = |ending: &str| {
        let mut path = olean.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    [olean.to_owned(), with(".private"), with(".server"), olean.with_extension("ir")]
}

/// A lock on a folder, which is made where it is not there; waits for whoever holds it.
pub(super) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let open = || -> std::io::Result<File> {
        std::fs::create_dir_all(folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        file.lock()?;
        Ok(file)
    };
    open().with_context(|| format!("cannot lock `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_only_with_its_compiled_form() {
        let cache = tempfile::tempdir().unwrap();
        let store = PackageStore::new(cache.path(), Path::new("/some/project"), "t");
        let stamp = Stamp { key: "k".into(), problem: None, compiled: true, partial: false };
        store.set_stamp("A.B", &stamp).unwrap();
        assert_eq!(store.stamp("A.B"), None, "the compiled form is not there");
        let olean = store.olean("A.B", false);
        assert!(olean.ends_with("lib/A/B.olean"));
        std::fs::create_dir_all(olean.parent().unwrap()).unwrap();
        std::fs::write(&olean, "").unwrap();
        store.place("A.B", false).unwrap();
        assert_eq!(store.stamp("A.B"), Some(stamp.clone()));
        store.forget("A.B").unwrap();
        assert!(!olean.exists() && store.stamp("A.B").is_none());
        // One with errors is found by nobody who looks in `lib`.
        std::fs::write(&olean, "").unwrap();
        store.place("A.B", true).unwrap();
        store.set_stamp("A.B", &Stamp { partial: true, ..stamp }).unwrap();
        assert!(!olean.exists() && store.stamp("A.B").is_some());
        let other = PackageStore::new(cache.path(), Path::new("/some/project"), "another Lean");
        assert_ne!(store, other);
    }
}
