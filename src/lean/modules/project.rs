//! Which file is which module: a project, its packages, and what they import from each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use super::lakefile::{self, Lakefile, Library};
use crate::error::{Failure, FailureKind};
use crate::lean::toolchain;

/// A folder with modules: the project itself, or what it depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Its folder, absolute.
    pub root: PathBuf,
    /// Its libraries, folders absolute.
    pub libraries: Vec<Library>,
    /// Lean options of its lakefile.
    pub options: BTreeMap<String, Value>,
}

/// A project with its packages.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The project itself first, then what it requires.
    pub packages: Vec<Package>,
}

/// A module of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its file.
    pub file: PathBuf,
    /// Index of its package.
    pub package: usize,
}

impl Project {
    /// The project that a folder belongs to: the nearest one with a lakefile at or above it, otherwise the
    /// folder itself. Its dependencies are what the lakefile requires by path, what lies in
    /// `.lake/packages`, and `libs`.
    pub fn discover(folder: &Path, libs: &[PathBuf]) -> Result<Project> {
        let root = match toolchain::lake_project(folder) {
            Some(root) => root,
            None => std::path::absolute(folder)?,
        };
        let mut packages: Vec<Package> = Vec::new();
        let mut todo = vec![root];
        for lib in libs {
            if !lib.is_dir() {
                let message = format!("`{}` is not a folder with modules", lib.display());
                return Err(Failure::new(FailureKind::Usage, message)
                    .hint("`--lib` takes the folder of a project, or of Lean files")
                    .into());
            }
            todo.push(std::path::absolute(lib)?);
        }
        let mut at = 0;
        while at < todo.len() {
            let folder = std::fs::canonicalize(&todo[at]).unwrap_or_else(|_| todo[at].clone());
            at += 1;
            if packages.iter().any(|p| p.root == folder) {
                continue;
            }
            let (package, file) = read_package(&folder)?;
            todo.extend(file.paths.iter().map(|p| folder.join(p)).filter(|p| p.is_dir()));
            let fetched = folder.join(file.packages_dir.unwrap_or_else(|| ".lake/packages".into()));
            let mut fetched: Vec<PathBuf> = std::fs::read_dir(fetched)
                .map(|entries| entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect())
                .unwrap_or_default();
            fetched.sort();
            todo.extend(fetched);
            packages.push(package);
        }
        Ok(Project { packages })
    }

    /// The file of a module, the project's own before those of its dependencies.
    pub fn source(&self, module: &str) -> Option<Source> {
        let below: PathBuf = module.split('.').collect();
        self.packages.iter().enumerate().find_map(|(package, p)| {
            p.libraries.iter().filter(|l| l.owns(module)).find_map(|l| {
                let file = l.folder.join(&below).with_extension("lean");
                file.is_file().then_some(Source { file, package })
            })
        })
    }

    /// The module that a file is, if it is one of the project.
    pub fn module_of(&self, file: &Path) -> Option<String> {
        let file = std::fs::canonicalize(file).ok()?;
        self.packages.iter().flat_map(|p| &p.libraries).find_map(|l| {
            let below = file.strip_prefix(&l.folder).ok()?.with_extension("");
            let module = below.iter().map(|c| c.to_string_lossy()).collect::<Vec<_>>().join(".");
            l.owns(&module).then_some(module)
        })
    }
}

impl Library {
    fn owns(&self, module: &str) -> bool {
        self.roots.iter().any(|root| {
            root.is_empty()
                || module
                    .strip_prefix(root.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// A package and its lakefile; a folder without one is a library whose modules lie in it.
fn read_package(folder: &Path) -> Result<(Package, Lakefile)> {
    let toml = folder.join("lakefile.toml");
    let lean = folder.join("lakefile.lean");
    let mut file = if let Ok(text) = std::fs::read_to_string(&lean) {
        lakefile::from_lean(&text)
    } else if let Ok(text) = std::fs::read_to_string(&toml) {
        lakefile::from_toml(&text).map_err(|e| {
            Failure::new(FailureKind::Usage, format!("`{}` is not valid TOML: {e}", toml.display()))
                .hint("`lake build` would refuse it as well; mend the file")
        })?
    } else {
        Lakefile::default()
    };
    if file.libraries.is_empty() {
        file.libraries.push(Library { folder: PathBuf::new(), roots: vec![String::new()] });
    }
    for library in &mut file.libraries {
        let joined = folder.join(&library.folder);
        library.folder = std::fs::canonicalize(&joined).unwrap_or(joined);
    }
    let package =
        Package { root: folder.to_owned(), libraries: file.libraries.clone(), options: file.options.clone() };
    Ok((package, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let file = root.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    #[test]
    fn modules_are_found_by_the_lakefile_and_in_the_packages() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        write(root, "lakefile.toml", "name = \"a\"\nsrcDir = \"src\"\n[[lean_lib]]\nname = \"A\"\n");
        write(root, "src/A/B.lean", "");
        write(root, "src/Other.lean", "");
        write(root, ".lake/packages/dep/lakefile.lean", "package dep\nlean_lib Dep\n");
        write(root, ".lake/packages/dep/Dep.lean", "");
        let plain = tempfile::tempdir().unwrap();
        write(plain.path(), "Loose/X.lean", "");
        let project = Project::discover(&root.join("src/A"), &[plain.path().to_owned()]).unwrap();
        let package = |module| project.source(module).map(|s| s.package);
        assert_eq!((package("A.B"), package("Loose.X"), package("Dep")), (Some(0), Some(1), Some(2)));
        assert_eq!((package("Other"), package("A")), (None, None), "no library's, and no file");
        assert_eq!(project.module_of(&root.join("src/A/B.lean")).as_deref(), Some("A.B"));
        assert_eq!(project.module_of(&root.join("src/Other.lean")), None);
        assert!(Project::discover(root, &[root.join("nowhere")]).is_err());
    }

    #[test]
    fn a_folder_without_a_lakefile_is_its_own_library() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "A.lean", "");
        write(dir.path(), "Sub/B.lean", "");
        let project = Project::discover(dir.path(), &[]).unwrap();
        assert!(project.source("A").is_some() && project.source("Sub.B").is_some());
        assert_eq!(project.module_of(&dir.path().join("Sub/B.lean")).as_deref(), Some("Sub.B"));
    }
}
