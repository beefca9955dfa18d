//! `setup`: what it puts into an editor's settings, what it takes out, and what it leaves alone.

use std::path::{Path, PathBuf};

use lean_copilot::config::Dirs;
use lean_copilot::setup::{self, Change, Editor, Need, Obstacle};

use crate::support;

const STAND_INS: &str = "/home/u/.local/share/lean-copilot/stand-ins";

fn need(editor: Editor) -> Need {
    setup::need(editor, "lean-copilot", Path::new(STAND_INS))
}

struct Desk {
    dirs: Dirs,
    file: PathBuf,
}

fn desk() -> Desk {
    let root = support::scratch("setup");
    let dirs = Dirs::below(&root, support::root().to_path_buf(), root.join("cache"));
    Desk { dirs, file: root.join("editor/settings") }
}

impl Desk {
    fn put(&self, text: &str) {
        std::fs::create_dir_all(self.file.parent().unwrap()).unwrap();
        std::fs::write(&self.file, text).unwrap();
    }

    fn text(&self) -> Option<String> {
        std::fs::read_to_string(&self.file).ok()
    }

    fn write(&self, editor: Editor) -> Change {
        let plan = setup::plan_write(editor, &self.file, &need(editor)).unwrap();
        setup::write(&self.dirs, &plan).unwrap();
        plan.change
    }

    fn undo(&self, editor: Editor) -> Change {
        let plan = setup::plan_undo(&self.dirs, editor, &self.file, &need(editor)).unwrap();
        setup::undo(&self.dirs, &plan).unwrap();
        plan.change
    }
}

/// Writing gives `after`; writing again changes nothing; undoing gives every byte of `before`; and undoing
/// after the person has added `more` at the end gives `before` with that.
fn check(editor: Editor, before: Option<&str>, after: &str) {
    let desk = desk();
    if let Some(before) = before {
        desk.put(before);
    }
    desk.write(editor);
    assert_eq!(desk.text().as_deref(), Some(after), "written");
    assert_eq!(desk.write(editor), Change::None, "twice");
    assert_eq!(desk.text().as_deref(), Some(after));
    desk.undo(editor);
    assert_eq!(desk.text().as_deref(), before, "undone to the byte");
    assert_eq!(desk.undo(editor), Change::None, "undone twice");

    desk.write(editor);
    let sign = match editor {
        Editor::Vscode | Editor::Zed => "// mine",
        Editor::Helix => "# mine",
        Editor::Neovim => "-- mine",
        Editor::Emacs => ";; mine",
    };
    // A byte order mark stays the first thing in the file.
    let (mark, body) = after.strip_prefix('\u{feff}').map_or(("", after), |body| ("\u{feff}", body));
    desk.put(&format!("{mark}{sign}\n{body}"));
    desk.undo(editor);
    let left = desk.text().unwrap();
    assert!(left.starts_with(&format!("{mark}{sign}\n")), "what came between stays: {left:?}");
    assert_eq!(need(editor).remove(&left), Ok(None), "ours is gone: {left:?}");
    if let Some(before) =
        before.filter(|b| b.ends_with('\n') && !b.contains("{}") && !b.contains("\"a\": 1}"))
    {
        let before = before.trim_start_matches('\u{feff}');
        assert_eq!(left, format!("{mark}{sign}\n{before}"), "and nothing else is");
    }
}

#[test]
fn vscode_gets_one_entry_and_keeps_comments_commas_and_line_ends() {
    let entry = "\"/home/u/.local/share/lean-copilot/stand-ins/bin\"";
    let vscode =
        |before: Option<&str>, after: &str| check(Editor::Vscode, before, &after.replace("@", entry));
    vscode(None, "{\n  \"lean4.envPathExtensions\": [@]\n}\n");
    vscode(Some(""), "{\n  \"lean4.envPathExtensions\": [@]\n}\n");
    vscode(Some("{}\n"), "{\n  \"lean4.envPathExtensions\": [@]\n}\n");
    vscode(
        Some(
            "// mine\n{\n    // sizes\n    \"editor.fontSize\": 14, // big\n    /* last */ \"x\": {\"y\": [1, 2]}\n}\n",
        ),
        "// mine\n{\n    // sizes\n    \"editor.fontSize\": 14, // big\n    /* last */ \"x\": {\"y\": [1, 2]},\n    \"lean4.envPathExtensions\": [@]\n}\n",
    );
    vscode(
        Some("{\n\t\"a\": 1,\n\t\"b\": [\n\t\t2,\n\t],\n}\n"),
        "{\n\t\"a\": 1,\n\t\"b\": [\n\t\t2,\n\t],\n\t\"lean4.envPathExtensions\": [@],\n}\n",
    );
    vscode(
        Some("{\r\n  \"a\": 1\r\n}\r\n"),
        "{\r\n  \"a\": 1,\r\n  \"lean4.envPathExtensions\": [@]\r\n}\r\n",
    );
    vscode(
        Some("{\n  \"lean4.envPathExtensions\": [\n    // tools\n    \"/opt/bin\"\n  ],\n  \"z\": null\n}\n"),
        "{\n  \"lean4.envPathExtensions\": [\n    @,\n    // tools\n    \"/opt/bin\"\n  ],\n  \"z\": null\n}\n",
    );
    vscode(
        Some("\u{feff}{\n  \"a\": 1\n}\n"),
        "\u{feff}{\n  \"a\": 1,\n  \"lean4.envPathExtensions\": [@]\n}\n",
    );
}

#[test]
fn zed_gets_its_binary_beside_what_is_there() {
    let zed = |before: Option<&str>, after: &str| check(Editor::Zed, before, after);
    let whole = "{\n  \"lsp\": {\n    \"lean4-lsp\": {\n      \"binary\": {\n        \"arguments\": [\"serve\"],\n        \"path\": \"lean-copilot\"\n      }\n    }\n  }\n}\n";
    zed(None, whole);
    zed(
        Some(
            "// Zed settings\n{\n  \"theme\": \"One\",\n  \"lsp\": {\n    \"rust-analyzer\": {\"x\": 1}, // keep\n  },\n}\n",
        ),
        "// Zed settings\n{\n  \"theme\": \"One\",\n  \"lsp\": {\n    \"rust-analyzer\": {\"x\": 1}, // keep\n    \"lean4-lsp\": {\n      \"binary\": {\n        \"arguments\": [\"serve\"],\n        \"path\": \"lean-copilot\"\n      }\n    },\n  },\n}\n",
    );
}

#[test]
fn helix_gets_two_keys_in_a_table_of_its_own_or_in_the_one_there_is() {
    let keys = "command = \"lean-copilot\"\nargs = [\"serve\"]\n";
    let helix = |before: Option<&str>, after: &str| check(Editor::Helix, before, &after.replace("@\n", keys));
    helix(None, "[language-server.lean]\n@\n");
    helix(
        Some("# mine\n[[language]]\nname = \"rust\" # keep\n"),
        "# mine\n[[language]]\nname = \"rust\" # keep\n\n[language-server.lean]\n@\n",
    );
    helix(
        Some("[ language-server . \"lean\" ] # ours too\nconfig = { a = 1 }\n\n[x]\ny = 2\n"),
        "[ language-server . \"lean\" ] # ours too\n@\nconfig = { a = 1 }\n\n[x]\ny = 2\n",
    );
    let crlf = "[x]\r\ny = 1\r\n\r\n[language-server.lean]\r\n".to_owned() + &keys.replace('\n', "\r\n");
    helix(Some("[x]\r\ny = 1\r\n"), &crlf);
    helix(Some("[x]\ny = 1"), "[x]\ny = 1\n\n[language-server.lean]\n@\n");
}

#[test]
fn neovim_and_emacs_get_a_marked_block() {
    for editor in [Editor::Neovim, Editor::Emacs] {
        let block = need(editor).by_hand();
        check(editor, None, &block);
        let mine = if editor == Editor::Emacs {
            "(setq x 1)\n;; lean4-rootdir is nice\n"
        } else {
            "vim.o.nu = true\n"
        };
        check(editor, Some(mine), &format!("{mine}{block}"));
        check(editor, Some("x"), &format!("x\n{block}"));
        let crlf = mine.replace('\n', "\r\n");
        check(editor, Some(&crlf), &format!("{crlf}{}", block.replace('\n', "\r\n")));

        // An older version's block is renewed in its place.
        let desk = desk();
        let old = block.replace("folder", "ordner").replace("pass", "PASS");
        desk.put(&format!("{mine}{old}{mine}"));
        desk.write(editor);
        assert_eq!(desk.text().unwrap(), format!("{mine}{block}{mine}"));
        desk.undo(editor);
        assert_eq!(desk.text().unwrap(), format!("{mine}{old}{mine}"), "exact again");
    }
    assert!(need(Editor::Emacs).by_hand().contains(&format!("(setq lean4-rootdir \"{STAND_INS}\")")));
    assert!(need(Editor::Neovim).by_hand().contains(&format!("'{STAND_INS}/bin'")));
}

#[test]
fn what_the_person_changed_since_survives_the_undo() {
    let desk = desk();
    desk.put("{\n  \"a\": 1\n}\n");
    desk.write(Editor::Vscode);
    let bin = format!("\"{STAND_INS}/bin\"");
    let changed = desk.text().unwrap().replace(&bin, &format!("\"/mine\", {bin}")).replace("1", "2");
    desk.put(&changed);
    desk.undo(Editor::Vscode);
    assert_eq!(desk.text().unwrap(), "{\n  \"a\": 2,\n  \"lean4.envPathExtensions\": [\"/mine\"]\n}\n");

    // The file that we made is not removed with what the person put in it.
    let desk = self::desk();
    desk.write(Editor::Helix);
    desk.put(&format!("{}\n[mine]\nx = 1\n", desk.text().unwrap()));
    desk.undo(Editor::Helix);
    assert_eq!(desk.text().unwrap().trim(), "[mine]\nx = 1");
    // Without the record (another machine, a lost data directory) our part still goes.
    desk.write(Editor::Helix);
    std::fs::remove_dir_all(&desk.dirs.data).unwrap();
    desk.undo(Editor::Helix);
    assert_eq!(desk.text().unwrap().trim(), "[mine]\nx = 1");
}

#[test]
fn what_cannot_be_read_or_is_set_otherwise_is_left_alone() {
    let blocked = |editor, text: &str, taken: bool| {
        let desk = desk();
        desk.put(text);
        let change = desk.write(editor);
        match (&change, taken) {
            (Change::Blocked(Obstacle::Taken(_)), true)
            | (Change::Blocked(Obstacle::Unreadable(_)), false) => {}
            _ => panic!("{editor:?} {text:?}: {change:?}"),
        }
        assert_eq!(desk.text().as_deref(), Some(text), "untouched");
        assert!(!desk.dirs.data.join("setup").exists(), "nothing is remembered");
    };
    for broken in ["{\"a\": ", "[1]", "{'a': 1}", "{\"a\" 1}", "{} {}", "{a: 1}"] {
        blocked(Editor::Vscode, broken, false);
        blocked(Editor::Zed, broken, false);
    }
    blocked(Editor::Vscode, "{\"lean4.envPathExtensions\": \"/opt\"}", true);
    blocked(Editor::Zed, "{\"lsp\": {\"lean4-lsp\": {\"binary\": {\"path\": \"lake\"}}}}", true);
    blocked(Editor::Zed, "{\"lsp\": 3}", true);
    blocked(Editor::Helix, "[x\n", false);
    blocked(Editor::Helix, "[language-server.lean]\ncommand = \"lake\"\n", true);
    blocked(Editor::Helix, "language-server = { rust = { command = \"r\" } }\n", false);
    blocked(Editor::Helix, "language-server.lean = { config = {} }\n", false);
    blocked(Editor::Emacs, "(setq lean4-rootdir \"/opt/lean\")\n", true);
    // A header inside a string is no header.
    let text = "x = '''\n[language-server.lean]\n'''\n\n[language-server.lean]\nconfig = 1\n";
    blocked(Editor::Helix, text, false);

    let desk = desk();
    std::fs::create_dir_all(desk.file.parent().unwrap()).unwrap();
    std::fs::write(&desk.file, b"{\"a\": \"\xff\"}").unwrap();
    assert!(matches!(desk.write(Editor::Vscode), Change::Blocked(Obstacle::Unreadable(_))));
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let desk = desk();
    desk.put("");
    std::fs::remove_file(&desk.file).unwrap();
    let target = desk.dirs.data.with_file_name("dotfile");
    std::fs::write(&target, "{}").unwrap();
    std::fs::set_permissions(&target, PermissionsExt::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&target, &desk.file).unwrap();
    desk.write(Editor::Zed);
    assert!(desk.file.symlink_metadata().unwrap().is_symlink());
    let metadata = std::fs::metadata(&target).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    assert!(std::fs::read_to_string(&target).unwrap().contains("lean-copilot"));
    desk.undo(Editor::Zed);
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "{}");
}

/// Helix and Zed are not to be had here; what they read is known (Helix 25's `LanguageServerConfiguration`, Zed's
/// `lsp.<id>.binary`), with every key that there is.
#[test]
fn what_is_written_for_helix_and_zed_is_what_they_read() {
    #[derive(Debug, serde::Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct HelixServer {
        command: String,
        #[serde(default)]
        args: Vec<String>,
        #[serde(default)]
        environment: std::collections::HashMap<String, String>,
        config: Option<toml::Value>,
        timeout: Option<u64>,
        required_root_patterns: Option<Vec<String>>,
    }
    #[derive(Debug, serde::Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct ZedBinary {
        path: Option<String>,
        arguments: Option<Vec<String>>,
        env: Option<std::collections::HashMap<String, String>>,
        ignore_system_version: Option<bool>,
    }
    // A person's own languages come along, in Helix's own words.
    let before =
        "[[language]]\nname = \"lean\"\nrulers = [100]\n\n[language-server.rust-analyzer]\ntimeout = 9\n";
    let after = need(Editor::Helix).add(before).unwrap().unwrap();
    let whole: toml::Value = toml::from_str(&after).unwrap();
    assert_eq!(whole["language"][0]["rulers"][0].as_integer(), Some(100));
    assert_eq!(whole["language-server"]["rust-analyzer"]["timeout"].as_integer(), Some(9));
    let server: HelixServer = whole["language-server"]["lean"].clone().try_into().unwrap();
    assert_eq!(
        (server.command.as_str(), server.args.as_slice()),
        ("lean-copilot", &["serve".to_owned()][..])
    );

    let after = need(Editor::Zed).add("{\"theme\": \"One\"}").unwrap().unwrap();
    let whole: serde_json::Value = serde_json::from_str(&after).unwrap();
    let binary: ZedBinary = serde_json::from_value(whole["lsp"]["lean4-lsp"]["binary"].clone()).unwrap();
    assert_eq!(
        (binary.path.as_deref(), binary.arguments),
        (Some("lean-copilot"), Some(vec!["serve".into()]))
    );
}
