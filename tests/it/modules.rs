//! Files that import their neighbours, with the embedded Lean: compiled into the cache, and found there.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lean_copilot::candidates::Neighbours;
use lean_copilot::candidates::neighbours::ProjectIndex;
use lean_copilot::lean::modules::plan::Problem;
use lean_copilot::lean::modules::{Broken, Built, Modules};
use lean_copilot::lean::{LeanClient, ServerProcess, client, toolchain, uri};
use lean_copilot::lsp::position;
use lean_copilot::proof::{Goal, ProofStep};
use serde_json::Value;

use crate::support;

const LAKEFILE: &str = "name = \"three\"\nsrcDir = \"src\"\n[leanOptions]\nautoImplicit = false\n[[lean_lib]]\nname = \"Three\"\n";
const FIRST: &str = "module\n\npublic def Three.twist : Nat → Nat → Prop := fun a b => a + b = 2 * b\n\n\
                     public theorem Three.twist_self (n : Nat) : twist n n := by\n  unfold twist\n  omega\n";
const SECOND: &str = "import Three.First\n\n/-- Code that runs when the third file is elaborated. -/\n\
                      macro \"close_it\" : tactic => `(tactic| exact Three.twist_self _)\n";
const THIRD: &str =
    "import Three.Second\n\ntheorem third (k : Nat) : Three.twist (k + 1) (k + 1) := by\n  sorry\n";

/// A project whose third file imports the second, and that the first.
struct Project {
    root: PathBuf,
}

impl Project {
    fn new(name: &str) -> Project {
        let root = support::scratch(name);
        let project = Project { root };
        project.write("lakefile.toml", LAKEFILE);
        project.write("src/Three/First.lean", FIRST);
        project.write("src/Three/Second.lean", SECOND);
        project.write("src/Three/Third.lean", THIRD);
        project
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.root.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        file
    }

    fn modules(&self) -> Option<Modules> {
        Modules::of(support::dirs(), &self.root, &[]).unwrap()
    }

    /// Compiles what the third file imports.
    fn build(&self) -> Built {
        let modules = self.modules().unwrap();
        let third = self.root.join("src/Three/Third.lean");
        let text = std::fs::read_to_string(&third).unwrap();
        let plan = modules.plan_for([(third.as_path(), text.as_str())]);
        modules.build(&plan, 1, Broken::Refuse, &AtomicBool::new(false), |_, _, _| {}).unwrap()
    }
}

impl Drop for Project {
    /// What was compiled lies in the ordinary cache directory, for nobody to find again.
    fn drop(&mut self) {
        for lib in self.modules().iter().flat_map(|m| m.lean_path(Broken::Refuse)) {
            let _ = std::fs::remove_dir_all(lib.parent().unwrap());
        }
        let _ = ProjectIndex::remove(support::dirs(), &self.root);
    }
}

fn program(args: &[&str]) -> (Option<i32>, String, String) {
    let output = support::program()
        .args(args)
        .env("LEAN_COPILOT_VERIFY_TIMEOUT_MS", "20000")
        .output()
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Where a native Lean serves every folder, its Lake compiles, and there is nothing of ours to test.
fn embedded() -> bool {
    toolchain::is_embedded(support::root())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_changed_or_imports_what_changed_is_compiled_again() {
    if !embedded() {
        return;
    }
    let _permit = support::permit().await;
    let project = Project::new("modules-changed");
    tokio::task::block_in_place(|| {
        let built = project.build();
        assert_eq!((built.compiled, built.fresh, built.problems), (2, 0, vec![]));
        let built = project.build();
        assert_eq!((built.compiled, built.fresh), (0, 2));

        // The middle file changes, and breaks.
        let broken = project.write("src/Three/Second.lean", &format!("{SECOND}\nexample : 1 = 2 := rfl\n"));
        let built = project.build();
        assert_eq!((built.compiled, built.fresh), (1, 1));
        let [Problem::Refused { file, why }] = built.problems.as_slice() else { panic!("{built:?}") };
        assert_eq!(std::fs::canonicalize(file).unwrap(), std::fs::canonicalize(broken).unwrap());
        assert!(why.starts_with("6:"), "the place of the error: {why}");
        let modules = project.modules().unwrap();
        let olean = |name: &str| modules.lean_path(Broken::Refuse)[0].join("Three").join(name);
        assert!(
            olean("First.olean").is_file() && !olean("Second.olean").exists(),
            "nobody imports a broken module"
        );
    });
    assert!(!project.root.join(".lake").exists(), "nothing is written into the project");
}

#[test]
fn a_circle_and_a_missing_import_are_named_without_running_lean() {
    if !embedded() {
        return;
    }
    let project = Project::new("modules-problems");
    project.write("src/Three/First.lean", "import Three.Second\n");
    let (code, _, stderr) = program(&["modules", &project.root.join("src").to_string_lossy()]);
    assert_eq!(code, Some(6), "{stderr}");
    assert!(stderr.contains("Three.Second → Three.First → Three.Second"), "{stderr}");

    project.write("src/Three/First.lean", "import Nowhere.Else\n");
    let third = project.root.join("src/Three/Third.lean");
    let (code, _, stderr) = program(&["modules", &third.to_string_lossy()]);
    assert_eq!(code, Some(6), "{stderr}");
    assert!(stderr.contains("First.lean`, line 1: there is no module `Nowhere.Else`"), "{stderr}");
    assert!(stderr.contains("hint: `--lib DIR`"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suggest_in_the_third_file_finds_the_lemma_of_the_first() {
    if !embedded() {
        return;
    }
    let _permit = support::permit().await;
    let project = Project::new("modules-suggest");
    let place = format!("{}:4:3", project.root.join("src/Three/Third.lean").display());
    let (code, stdout, stderr) = tokio::task::block_in_place(|| program(&["suggest", &place, "--json"]));
    assert_eq!(code, Some(0), "{stderr}");
    let out: Value = serde_json::from_str(&stdout).unwrap();
    let tactics: Vec<&str> =
        out["suggestions"].as_array().unwrap().iter().filter_map(|s| s["tactic"].as_str()).collect();
    assert!(tactics.iter().any(|t| t.contains("twist_self")), "{tactics:?}");

    // What was compiled for it is there for the next command, macros of the second file included.
    let (code, stdout, stderr) =
        tokio::task::block_in_place(|| program(&["verify", &place, "close_it", "exact no_such", "--json"]));
    assert_eq!(code, Some(0), "{stderr}");
    let out: Value = serde_json::from_str(&stdout).unwrap();
    let kinds: Vec<&str> =
        out["verdicts"].as_array().unwrap().iter().filter_map(|v| v["verdict"]["kind"].as_str()).collect();
    assert_eq!(kinds, ["closes", "error"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_has_our_names_is_served_without_them_and_told() {
    if !embedded() {
        return;
    }
    let _permit = support::permit().await;
    let project = Project::new("modules-clash");
    let first = format!("{FIRST}\npublic structure LeanCopilotScope.Offer where\n  x : Nat\n");
    project.write("src/Three/First.lean", &first);
    let place = format!("{}:4:3", project.root.join("src/Three/Third.lean").display());
    let (code, stdout, stderr) = tokio::task::block_in_place(|| program(&["suggest", &place]));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("twist_self"), "{stdout}");
    assert!(stderr.contains("what is in scope: it refuses the probe"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_is_traced_with_its_broken_module_and_only_what_changed_again() {
    if !embedded() {
        return;
    }
    let _permit = support::permit().await;
    let project = Project::new("modules-trace");
    // An error in one file does not keep the others from being read, nor those that import it.
    let broken = "module\n\npublic import Three.First\n\nexample : 1 = 2 := rfl\n\n\
                  public theorem twisted : Three.twist 1 1 := by\n  exact Three.twist_self 1\n";
    project.write("src/Three/Broken.lean", broken);
    let beyond = "module\n\nimport Three.Broken\n\ntheorem beyond : Three.twist 1 1 := by\n  exact twisted\n";
    project.write("src/Three/Beyond.lean", beyond);
    project.write("src/Three/Third.lean", &THIRD.replace("sorry", "close_it"));
    let out = project.root.join("steps.jsonl");
    let trace = || {
        let src = project.root.join("src");
        let args = ["trace", &src.to_string_lossy(), "--index", "--out", &out.to_string_lossy()];
        let (code, _, stderr) = tokio::task::block_in_place(|| program(&args));
        assert_eq!(code, Some(0), "{stderr}");
        let text = std::fs::read_to_string(&out).unwrap();
        let steps: Vec<ProofStep> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        (steps, stderr)
    };
    let (steps, stderr) = trace();
    assert!(stderr.contains("warning:") && stderr.contains("Broken.lean"), "{stderr}");
    let of =
        |decl: &str| steps.iter().filter(|s| s.decl == decl).map(|s| s.tactic.as_str()).collect::<Vec<_>>();
    assert_eq!(of("Three.twist_self"), ["unfold twist", "omega"]);
    assert_eq!(of("third"), ["close_it"]);
    assert_eq!((of("twisted"), of("beyond")), (vec!["exact Three.twist_self 1"], vec!["exact twisted"]));
    assert!(steps.iter().all(|s| s.error.is_none()), "{steps:?}");
    let third = steps.iter().find(|s| s.decl == "third").unwrap();
    assert_eq!((third.error.as_deref(), third.premises.join(" ").as_str()), (None, "Three.twist_self"));

    let (again, stderr) = trace();
    assert_eq!(again, steps);
    assert!(stderr.contains("of 5 files, 5 of them traced before"), "{stderr}");

    // What the project has proved is proposed in it: in the names of the goal, in a session that goes on …
    let session = Neighbours::of_project(support::dirs(), &project.root);
    let goal = Goal::parse("m : Nat\n⊢ Three.twist (m + 1) (m + 1)");
    let proposed =
        || -> Vec<String> { session.propose(&goal, 16).unwrap().into_iter().map(|c| c.tactic).collect() };
    let before = proposed();
    assert!(before.contains(&"close_it".to_owned()), "{before:?}");
    project.write("src/Three/Second.lean", &format!("{SECOND}-- changed\n"));
    project.write("src/Three/Third.lean", &THIRD.replace("sorry", "exact Three.twist_self _"));
    let (_, stderr) = trace();
    assert!(stderr.contains("of 5 files, 3 of them traced before"), "the third imports the second: {stderr}");
    let after = proposed();
    assert!(after.contains(&"exact Three.twist_self _".to_owned()), "{after:?}");
    assert!(!after.contains(&"close_it".to_owned()), "the file does not say it any more: {after:?}");

    // … and in one that begins, from where the editor has the file.
    let place = format!("{}:4:3", project.write("src/Three/Third.lean", THIRD).display());
    let (code, stdout, stderr) = tokio::task::block_in_place(|| program(&["suggest", &place, "--json"]));
    assert_eq!(code, Some(0), "{stderr}");
    let out: Value = serde_json::from_str(&stdout).unwrap();
    let ours = |s: &&Value| s["source"] == "neighbours";
    let tactics: Vec<&Value> =
        out["suggestions"].as_array().unwrap().iter().filter(ours).map(|s| &s["tactic"]).collect();
    assert!(tactics.iter().any(|t| *t == "exact Three.twist_self _"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_editor_opens_a_file_before_its_imports_are_compiled() {
    if !embedded() {
        return;
    }
    let _permit = support::permit().await;
    let project = Project::new("modules-editor");
    let third = project.root.join("src/Three/Third.lean");
    let command = tokio::task::block_in_place(|| {
        toolchain::server_command(support::dirs(), third.parent().unwrap()).unwrap()
    });
    let mut process = ServerProcess::spawn(&command).unwrap();
    let lean = LeanClient::start(process.stdout.take().unwrap(), process.stdin.take().unwrap());
    lean.initialize(client::initialize_params()).await.unwrap();

    // A change made while the imports are being compiled is in the text that Lean gets.
    let uri = uri::from_path(&third).unwrap();
    lean.open(&uri, 1, THIRD).unwrap();
    let text = THIRD.replace("sorry", "close_it").replace("third", "third'");
    lean.replace(&uri, 2, &text).unwrap();
    let at = position::position(&text, text.find("close_it").unwrap());
    let limit = Duration::from_secs(180);
    let goals = lean.plain_goal(&uri, at, limit).await.unwrap().expect("a proof state");
    assert_eq!(goals[0].target, "Three.twist (k + 1) (k + 1)");
    assert_eq!(lean.barrier(&uri, 2, limit).await.unwrap(), vec![], "no errors, and no word about compiling");

    // The options of the lakefile hold as with Lake: no variable is bound by itself.
    let lax = "import Three.First\n\ntheorem lax (h : p) : p := h\n";
    let other = uri::from_path(&project.write("src/Three/Lax.lean", lax)).unwrap();
    lean.open(&other, 1, lax).unwrap();
    let said = lean.barrier(&other, 1, limit).await.unwrap();
    assert!(!said.is_empty(), "`autoImplicit` is off");
    lean.shutdown(Duration::from_secs(10)).await.unwrap();
    process.finish(Duration::from_secs(10)).await;
    assert!(is_empty_of_ours(&project.root));
}

fn is_empty_of_ours(root: &Path) -> bool {
    !root.join(".lake").exists() && !root.join("src/Three/First.olean").exists()
}
