//! Which bundle is in use: a named one, the active one, or the shipped one.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{MANIFEST, check_name};
use crate::config::Dirs;
use crate::error::{Failure, FailureKind};

/// The bundle that comes with the program.
const SHIPPED: &str = "core-small";
/// In `data/models/`: names the bundle in use.
const ACTIVE: &str = "active.json";

/// The content of `active.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Active {
    /// A folder below `data/models/`.
    bundle: String,
}

/// The folder of the user's own bundles.
pub fn user_bundles(dirs: &Dirs) -> PathBuf {
    dirs.data.join("models")
}

/// The folder of the bundle in use: the explicit one (a folder, or a name under the user's or the shipped
/// models), else the active one, else the shipped one. The folder exists; nothing in it is checked.
pub fn resolve(dirs: &Dirs, explicit: Option<&str>) -> Result<PathBuf> {
    let (user, shipped) = (user_bundles(dirs), dirs.share.join("models"));
    if let Some(wanted) = explicit.filter(|w| !w.is_empty()) {
        let as_name = check_name(wanted).is_ok();
        let places = [user.join(wanted), shipped.join(wanted)];
        let found =
            places.into_iter().filter(|_| as_name).chain([PathBuf::from(wanted)]).find(|p| p.is_dir());
        return found.ok_or_else(|| {
            Failure::new(FailureKind::Missing, format!("there is no bundle `{wanted}`"))
                .hint(format!(
                    "give a folder or a name under `{}` or `{}`",
                    user.display(),
                    shipped.display()
                ))
                .into()
        });
    }
    let file = user.join(ACTIVE);
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let dir = shipped.join(SHIPPED);
            return if dir.is_dir() {
                Ok(dir)
            } else {
                let message = format!("the shipped bundle `{}` is missing", dir.display());
                Err(Failure::new(FailureKind::Missing, message)
                    .hint("reinstall lean-copilot, or train one: `lean-copilot finetune --from scratch`")
                    .into())
            };
        }
        Err(e) => return Err(e).with_context(|| format!("cannot read `{}`", file.display())),
    };
    let remedy = format!("remove `{}` to return to the shipped bundle", file.display());
    let active: Active = serde_json::from_slice(&bytes).map_err(|e| {
        Failure::new(FailureKind::Corrupt, format!("`{}`: {e}", file.display())).hint(remedy.clone())
    })?;
    let dir = user.join(&active.bundle);
    if check_name(&active.bundle).is_err() || !dir.is_dir() {
        let message =
            format!("`{}` names the bundle `{}`, which is not there", file.display(), active.bundle);
        return Err(Failure::new(FailureKind::Missing, message).hint(remedy).into());
    }
    Ok(dir)
}

/// Puts a bundle into use, by its name: one of the user's, or the shipped one; a running sidecar picks it up
/// before its next request.
pub fn activate(dirs: &Dirs, name: &str) -> Result<()> {
    check_name(name)?;
    let user = user_bundles(dirs);
    let file = user.join(ACTIVE);
    if !user.join(name).is_dir() {
        if name == SHIPPED && dirs.share.join("models").join(name).is_dir() {
            // Nothing named is the shipped one.
            return match std::fs::remove_file(&file) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    Err(e).with_context(|| format!("cannot remove `{}`", file.display()))
                }
                _ => Ok(()),
            };
        }
        let message = format!("there is no bundle `{name}` in `{}`", user.display());
        return Err(Failure::new(FailureKind::Missing, message).hint("`lean-copilot model list`").into());
    }
    let json = serde_json::to_vec_pretty(&Active { bundle: name.to_owned() })?;
    replace_file(&file, &json)
}

/// The folders of all bundles: the user's, then the shipped ones, each in the order of their names.
pub fn all(dirs: &Dirs) -> Vec<PathBuf> {
    let below = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> =
            entries.map(|e| e.path()).filter(|p| p.join(MANIFEST).is_file()).collect();
        found.sort();
        found
    };
    [below(user_bundles(dirs)), below(dirs.share.join("models"))].concat()
}

/// Removes one of the user's bundles; never the one in use.
pub fn remove(dirs: &Dirs, name: &str) -> Result<()> {
    check_name(name)?;
    let dir = user_bundles(dirs).join(name);
    if !dir.join(MANIFEST).is_file() {
        let message = format!("there is no bundle `{name}` in `{}`", user_bundles(dirs).display());
        return Err(Failure::new(FailureKind::Missing, message).hint("`lean-copilot model list`").into());
    }
    if resolve(dirs, None).is_ok_and(|used| used == dir) {
        return Err(Failure::new(FailureKind::Usage, format!("the bundle `{name}` is in use"))
            .hint(format!("put another into use first: `lean-copilot model use {SHIPPED}`"))
            .into());
    }
    std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove `{}`", dir.display()))
}

/// Writes a file beside the target and renames it, so that readers see the old or the new content.
fn replace_file(file: &Path, content: &[u8]) -> Result<()> {
    let context = || format!("cannot write `{}`", file.display());
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).with_context(context)?;
    temporary.write_all(content).with_context(context)?;
    temporary.as_file().sync_all().with_context(context)?;
    temporary.persist(file).map(drop).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_then_active_then_shipped() {
        let root = tempfile::tempdir().unwrap();
        let dirs = Dirs::below(root.path(), root.path().join("share"), root.path().join("cache"));
        let error = resolve(&dirs, None).unwrap_err();
        assert_eq!(Failure::of(&error).unwrap().kind, FailureKind::Missing);

        let shipped = dirs.share.join("models").join(SHIPPED);
        let mine = user_bundles(&dirs).join("mine");
        std::fs::create_dir_all(&shipped).unwrap();
        assert_eq!(resolve(&dirs, None).unwrap(), shipped);
        assert!(activate(&dirs, "mine").is_err(), "only what is there can be put into use");
        std::fs::create_dir_all(&mine).unwrap();
        activate(&dirs, "mine").unwrap();
        assert_eq!(resolve(&dirs, None).unwrap(), mine);
        assert_eq!(resolve(&dirs, Some(SHIPPED)).unwrap(), shipped);
        assert_eq!(resolve(&dirs, Some(shipped.to_str().unwrap())).unwrap(), shipped);
        assert!(resolve(&dirs, Some("other")).unwrap_err().to_string().contains("`other`"));

        std::fs::remove_dir(&mine).unwrap();
        let error = resolve(&dirs, None).unwrap_err();
        assert!(Failure::of(&error).unwrap().hint.as_deref().unwrap().contains("active.json"));
        assert!(activate(&dirs, "../share").is_err(), "a name is no path");
    }
}
