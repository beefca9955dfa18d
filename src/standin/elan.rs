//! What the official VS Code extension asks elan, answered for a machine without elan: pure.

use std::path::Path;

use serde_json::{Value, json};

/// The version that the answers follow: the extension asks for 4 or newer, which resolve toolchains eagerly.
const VERSION: &str = "4.2.0";

/// The name of the embedded Lean among elan's toolchains. A local one: the extension installs and updates
/// nothing then, and adds no `+toolchain` to its commands.
pub const TOOLCHAIN: &str = "lean-copilot-embedded";

/// What elan would print on standard output; none where only a real elan can do it.
///
/// `embedded` is the folder of the embedded Lean, where it is installed.
pub fn answer(args: &[&str], embedded: Option<&Path>) -> Option<String> {
    match args {
        ["--version" | "-V"] => {
            Some(format!("elan {VERSION} (lean-copilot {})\n", env!("CARGO_PKG_VERSION")))
        }
        ["dump-state"] | ["dump-state", "--no-net"] => Some(format!("{}\n", state(embedded))),
        ["toolchain", "list"] => Some(match embedded {
            Some(_) => format!("{TOOLCHAIN} (default)\n"),
            None => "no installed toolchains\n".to_owned(),
        }),
        _ => None,
    }
}

/// `elan dump-state`: the embedded Lean as the one local toolchain and the default.
fn state(embedded: Option<&Path>) -> Value {
    let resolved = json!({"live": {"Ok": TOOLCHAIN}, "cached": TOOLCHAIN});
    let toolchains = match embedded {
        Some(folder) => json!({
            "installed": [{"resolved_name": TOOLCHAIN, "path": folder.display().to_string()}],
            "default": {"unresolved": {"Local": {"name": TOOLCHAIN}}, "resolved": resolved},
            "active_override": null,
            "resolved_active": resolved,
        }),
        None => json!({"installed": [], "default": null, "active_override": null, "resolved_active": null}),
    };
    json!({
        "elan_version": {"current": VERSION, "newest": {"Ok": VERSION}},
        "toolchains": toolchains,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_has_the_shape_that_the_extension_checks() {
        let read = |embedded| -> Value {
            serde_json::from_str(&answer(&["dump-state", "--no-net"], embedded).unwrap()).unwrap()
        };
        let state = read(Some(Path::new("/cache/lean")));
        let toolchains = &state["toolchains"];
        assert_eq!(toolchains["installed"][0]["path"], "/cache/lean");
        assert_eq!(toolchains["default"]["unresolved"]["Local"]["name"], TOOLCHAIN);
        assert_eq!(toolchains["resolved_active"]["live"]["Ok"], TOOLCHAIN);
        assert_eq!(toolchains["resolved_active"]["cached"], toolchains["installed"][0]["resolved_name"]);
        assert!(toolchains.as_object().unwrap().contains_key("active_override"));
        assert!(read(None)["toolchains"]["resolved_active"].is_null());
        assert_eq!(state["elan_version"]["newest"]["Ok"], state["elan_version"]["current"]);
        assert!(answer(&["--version"], None).unwrap().starts_with("elan 4."));
        assert_eq!(answer(&["toolchain", "install", "x"], None), None);
        assert_eq!(answer(&[], None), None);
    }
}
