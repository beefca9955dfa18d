//! A short form of `lean-copilot bench soak`: `serve` with the default bundle is small, and does not grow.

use std::process::Command;

use serde_json::Value;

use crate::support;

#[cfg(target_os = "linux")]
#[test]
fn serve_stays_small_and_does_not_grow_while_a_person_works() {
    let dirs = support::dirs();
    let folder = support::scratch("soak");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
    command.args(["bench", "soak", "--messages", "5000", "--first", "2000", "--json", "--offline"]);
    command.env("LEAN_COPILOT_CACHE_DIR", &dirs.cache).env("LEAN_COPILOT_SHARE_DIR", &dirs.share);
    for key in ["CONFIG", "DATA", "STATE"] {
        command.env(format!("LEAN_COPILOT_{key}_DIR"), folder.join(key));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
    println!("{report}");
    // Memory, open files and threads are compared by the command itself.
    assert!(output.status.success(), "{said}{report}");
    assert!(report["messages"].as_u64().unwrap() >= 5000, "{report}");
    // One in five bursts ends with a question, and what is best is taken.
    assert!(report["accepted"].as_u64().unwrap() > 5, "{report}");
    assert!(report["suggestions"].as_u64().unwrap() > 20, "{report}");
    let memory = report["last"]["memory_bytes"].as_u64().unwrap();
    assert!(memory < 150_000_000, "the sidecar alone, bundle loaded: {memory} bytes");
}
