//! What must be compiled before some files can be elaborated, in which order, and what cannot be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::header::Header;
use super::project::Project;
use super::schedule::initializes;

/// A module that is to be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name.
    pub module: String,
    /// Its file.
    pub file: PathBuf,
    /// Index of its package in the project.
    pub package: usize,
    /// The modules of the project that it imports.
    pub imports: Vec<String>,
    /// SHA-256 over toolchain, options, text and the keys of its imports: what its compiled form depends on.
    pub key: String,
    /// Whether Lean runs code of it at import (`schedule::initializes`).
    pub initializes: bool,
}

/// Why a module cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Modules that import each other in a circle, the first one again at the end.
    Cycle(Vec<String>),
    /// No such module.
    Missing {
        /// The module.
        module: String,
        /// The file that imports it.
        file: PathBuf,
        /// Line of the import, from 0.
        line: u32,
    },
    /// A file that cannot be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// A module that Lean refused.
    Refused {
        /// The file.
        file: PathBuf,
        /// Lean's first error, or how Lean ended.
        why: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Cycle(modules) => {
                write!(f, "modules import each other in a circle: {}", modules.join(" → "))
            }
            Problem::Missing { module, file, line } => write!(
                f,
                "`{}`, line {}: there is no module `{module}` in the project, its packages or Lean",
                file.display(),
                line + 1
            ),
            Problem::Unreadable { file, why } => write!(f, "cannot read `{}`: {why}", file.display()),
            Problem::Refused { file, why } => write!(f, "`{}` has errors: {why}", file.display()),
        }
    }
}

/// The modules to compile, each behind those that it imports.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// In an order in which they can be compiled.
    pub units: Vec<Unit>,
    /// What stands in the way of others.
    pub problems: Vec<Problem>,
    /// Modules that cannot be compiled because of a problem, their own or that of an import.
    pub blocked: BTreeSet<String>,
}

/// Reads headers and puts modules in order.
pub struct Planner<'a> {
    project: &'a Project,
    is_core: &'a dyn Fn(&str) -> bool,
    toolchain: &'a str,
    keys: HashMap<String, String>,
    /// The modules being visited, the outermost first.
    path: Vec<String>,
    plan: Plan,
}

impl<'a> Planner<'a> {
    /// `is_core` knows the modules that come with Lean; `toolchain` goes into every key.
    pub fn new(project: &'a Project, is_core: &'a dyn Fn(&str) -> bool, toolchain: &'a str) -> Planner<'a> {
        Planner { project, is_core, toolchain, keys: HashMap::new(), path: Vec::new(), plan: Plan::default() }
    }

    /// Everything that a file with this header imports, directly or not. Returns whether all of it can be
    /// had.
    pub fn imports_of(&mut self, file: &Path, header: &Header) -> bool {
        self.direct(file, header).1
    }

    /// A module with all that it imports.
    pub fn module(&mut self, module: &str) -> bool {
        if self.keys.contains_key(module) {
            return true;
        }
        if self.plan.blocked.contains(module) {
            return false;
        }
        if let Some(start) = self.path.iter().position(|m| m == module) {
            let mut cycle = self.path[start..].to_vec();
            cycle.push(module.to_owned());
            self.plan.problems.push(Problem::Cycle(cycle));
            return false;
        }
        let Some(source) = self.project.source(module) else { return false };
        let text = match std::fs::read_to_string(&source.file) {
            Ok(text) => text,
            Err(e) => {
                self.plan.problems.push(Problem::Unreadable { file: source.file, why: e.to_string() });
                self.plan.blocked.insert(module.to_owned());
                return false;
            }
        };
        self.path.push(module.to_owned());
        let (imports, complete) = self.direct(&source.file, &Header::read(&text));
        self.path.pop();
        if !complete {
            self.plan.blocked.insert(module.to_owned());
            return false;
        }
        let mut hash = Sha256::new();
        hash.update(self.toolchain);
        hash.update(
            serde_json::to_string(&self.project.packages[source.package].options).unwrap_or_default(),
        );
        hash.update(text.replace("\r\n", "\n"));
        for import in &imports {
            hash.update([0]);
            hash.update(import);
            hash.update(&self.keys[import]);
        }
        let key: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        self.keys.insert(module.to_owned(), key.clone());
        let unit = Unit {
            module: module.to_owned(),
            file: source.file,
            package: source.package,
            imports,
            key,
            initializes: initializes(&text),
        };
        self.plan.units.push(unit);
        true
    }

    /// The project's modules among the direct imports, and whether all imports can be had.
    fn direct(&mut self, file: &Path, header: &Header) -> (Vec<String>, bool) {
        let mut imports = Vec::new();
        let mut complete = true;
        for import in &header.imports {
            let name = &import.module;
            if imports.contains(name) {
                continue;
            }
            // A module of the project hides one of Lean's, as its folder comes first in the search path.
            if self.project.source(name).is_some() {
                complete &= self.module(name);
                imports.push(name.clone());
            } else if !(self.is_core)(name) {
                let problem =
                    Problem::Missing { module: name.clone(), file: file.to_owned(), line: import.line };
                if !self.plan.problems.contains(&problem) {
                    self.plan.problems.push(problem);
                }
                complete = false;
            }
        }
        (imports, complete)
    }

    /// The plan.
    pub fn finish(self) -> Plan {
        self.plan
    }
}

impl Plan {
    /// The unit of each module.
    pub fn by_module(&self) -> BTreeMap<&str, &Unit> {
        self.units.iter().map(|u| (u.module.as_str(), u)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(files: &[(&str, &str)]) -> Folder {
            let dir = tempfile::tempdir().unwrap();
            for (name, text) in files {
                std::fs::write(dir.path().join(name), text).unwrap();
            }
            Folder(dir)
        }

        fn plan(&self, module: &str) -> Plan {
            let project = Project::discover(self.0.path(), &[]).unwrap();
            let is_core = |m: &str| m == "Init" || m == "Lean";
            let mut planner = Planner::new(&project, &is_core, "t");
            planner.module(module);
            planner.finish()
        }
    }

    fn modules(plan: &Plan) -> Vec<&str> {
        plan.units.iter().map(|u| u.module.as_str()).collect()
    }

    #[test]
    fn imports_come_first_and_only_what_depends_on_a_change_gets_a_new_key() {
        let folder = Folder::new(&[
            ("A.lean", "import Lean\n"),
            ("B.lean", "import A\n"),
            ("C.lean", "import B\nimport A\n"),
            ("D.lean", "import A"),
        ]);
        let before = folder.plan("C");
        assert_eq!(modules(&before), ["A", "B", "C"]);
        std::fs::write(folder.0.path().join("B.lean"), "import A\ndef x := 1\n").unwrap();
        let after = folder.plan("C");
        let same: Vec<bool> = before.units.iter().zip(&after.units).map(|(a, b)| a.key == b.key).collect();
        assert_eq!(same, [true, false, false]);
    }

    #[test]
    fn a_circle_is_named_and_blocks_its_importers() {
        let folder = Folder::new(&[
            ("A.lean", "import B"),
            ("B.lean", "import C"),
            ("C.lean", "import B"),
            ("D.lean", "import A"),
        ]);
        let plan = folder.plan("D");
        assert_eq!(plan.problems, [Problem::Cycle(["B", "C", "B"].map(String::from).to_vec())]);
        assert!(plan.units.is_empty());
        assert_eq!(plan.blocked.len(), 4);
        assert!(plan.problems[0].to_string().contains("B → C → B"));
    }

    #[test]
    fn a_missing_import_is_named_with_its_place() {
        let folder = Folder::new(&[("A.lean", "import Lean\nimport Nowhere.X\n"), ("B.lean", "import A")]);
        let plan = folder.plan("B");
        let [problem @ Problem::Missing { module, line: 1, .. }] = plan.problems.as_slice() else {
            panic!("{:?}", plan.problems)
        };
        assert_eq!(module, "Nowhere.X");
        assert!(problem.to_string().contains("A.lean`, line 2"), "{problem}");
        assert!(plan.blocked.contains("B") && plan.units.is_empty());
    }
}
