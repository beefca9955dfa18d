//! The stand-ins and the editors that `setup` knows.

use std::path::Path;

use super::report::{Check, State};
use crate::config::Dirs;
use crate::lean::toolchain;
use crate::setup::places::{self, Surroundings};
use crate::setup::{self, Change, Editor, record};
use crate::standin::{Tool, folder};

/// `stand_ins`, and `editor.<name>` for each editor.
pub fn checks(dirs: &Dirs) -> Vec<Check> {
    let mut all = vec![stand_ins(dirs)];
    let Some(around) = Surroundings::from_env() else { return all };
    all.extend(Editor::ALL.map(|editor| editor_check(dirs, editor, &around)));
    all
}

/// The folder of stand-ins, and its place on this PATH.
fn stand_ins(dirs: &Dirs) -> Check {
    let bin = folder::bin(dirs);
    let check = |state, found: String| Check::new("stand_ins", state, found).path(&bin);
    let in_use = record::all(dirs).into_iter().find(|r| r.editor.needs_stand_ins());
    let renew = format!(
        "run `lean-copilot setup {} --write` again",
        in_use.as_ref().map_or("vscode", |r| r.editor.name())
    );
    let states: Vec<_> = folder::wanted().into_iter().map(|t| (t, folder::state(dirs, t))).collect();
    let broken: Vec<&str> =
        states.iter().filter(|(_, s)| *s == folder::State::Broken).map(|(t, _)| t.name()).collect();
    if !broken.is_empty() {
        let found = format!("`{}` leads nowhere or to another program", broken.join("`, `"));
        return check(State::Fail, found).remedy(renew);
    }
    if states.iter().any(|(_, s)| *s == folder::State::Missing) {
        return match &in_use {
            None => check(State::Off, "none; `setup` makes them for the editors that need them".to_owned()),
            Some(record) => {
                let found = format!("missing, and `{}` needs them", record.editor.name());
                check(State::Fail, found).remedy(renew)
            }
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let real = toolchain::native(Tool::Lake.name()).or_else(|| toolchain::native(Tool::Lean.name()));
    check(State::Ok, order(std::env::split_paths(&path), &bin, real.as_deref()))
}

/// Where the folder stands on a PATH, in words. Editors may put it there themselves.
fn order(path: impl Iterator<Item = std::path::PathBuf>, bin: &Path, real: Option<&Path>) -> String {
    let folders: Vec<_> = path.collect();
    let at = |wanted: &Path| folders.iter().position(|f| f == wanted);
    match (at(bin), real.and_then(Path::parent).and_then(at)) {
        (None, _) => "in place; not on this PATH, which only the editor needs".to_owned(),
        (Some(ours), Some(real)) if real < ours => {
            "in place; on this PATH behind the real tools, which come first".to_owned()
        }
        (Some(_), _) => "in place; first on this PATH".to_owned(),
    }
}

fn editor_check(dirs: &Dirs, editor: Editor, around: &Surroundings) -> Check {
    let id = format!("editor.{}", editor.name());
    let records = record::all(dirs);
    let mut files: Vec<_> = places::in_use(editor, around, Path::exists)
        .into_iter()
        .filter(|p| p.sign.exists())
        .map(|p| p.file)
        .collect();
    // Files that were named by hand.
    files.extend(records.iter().filter(|r| r.editor == editor).map(|r| r.file.clone()));
    files.dedup();
    if files.is_empty() {
        return Check::new(id, State::Off, "not found on this machine");
    }
    let (mut ready, mut lost, mut blocked) = (Vec::new(), Vec::new(), Vec::new());
    for file in &files {
        let name = file.display().to_string();
        match planned(dirs, editor, file) {
            Ok(Change::None) => ready.push(name),
            Ok(Change::Blocked(obstacle)) => blocked.push(format!("{name}: {}", obstacle.reason())),
            Ok(_) if records.iter().any(|r| r.file == *file) => lost.push(name),
            Ok(_) => {}
            Err(error) => blocked.push(format!("{error:#}")),
        }
    }
    let write = format!("run `lean-copilot setup {} --write`", editor.name());
    match (ready.first(), lost.first(), blocked.first()) {
        (_, Some(file), _) => {
            let found = format!("was set up in `{file}`, and is no more");
            Check::new(id, State::Warn, found).remedy(format!("{write} again"))
        }
        (Some(file), None, _) => {
            Check::new(id, State::Ok, format!("set up in `{file}`")).path(Path::new(file))
        }
        (None, None, Some(why)) => {
            let remedy = format!("`lean-copilot setup {}` says what to add by hand", editor.name());
            Check::new(id, State::Off, format!("not set up: {why}")).remedy(remedy)
        }
        (None, None, None) => Check::new(id, State::Off, "found, not set up").remedy(write),
    }
}

/// What `setup --write` would change, however this program is called in the file.
fn planned(dirs: &Dirs, editor: Editor, file: &Path) -> anyhow::Result<Change> {
    let own = std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default();
    let names = ["lean-copilot".to_owned(), own.display().to_string()];
    let mut last = Change::None;
    for name in names {
        let need = setup::need(editor, &name, &folder::root(dirs));
        last = setup::plan_write(editor, file, &need)?.change;
        if last == Change::None {
            break;
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_on_path_is_said() {
        let say = |path: &[&str]| {
            order(path.iter().map(Into::into), Path::new("/s/bin"), Some(Path::new("/elan/lake")))
        };
        assert!(say(&["/s/bin", "/elan"]).ends_with("first on this PATH"));
        assert!(say(&["/elan", "/s/bin"]).contains("behind the real tools"));
        assert!(say(&["/elan"]).contains("not on this PATH"));
    }
}
