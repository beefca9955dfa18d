//! Settings, store, log, disk, and what the kernel offers.

use std::path::{Path, PathBuf};

use anyhow::Result;
use indicatif::HumanBytes;

use super::report::{Check, State};
use crate::config::{Dirs, Settings};
use crate::feedback::store::{Store, inspect};
use crate::lean::sandbox::{self, Feature, FeatureStatus};

/// Less than this, and the next log line or recorded round may be the last.
const LITTLE: u64 = 200 << 20;

/// `settings`, and the settings that hold.
pub fn settings(dirs: &Dirs) -> (Check, Settings) {
    let file = dirs.config.join("config.toml");
    let id = "settings";
    match Settings::load(dirs) {
        Err(error) => (Check::failed(id, State::Fail, &error).path(&file), Settings::default()),
        Ok(settings) => {
            let check = match unknown_keys(&file) {
                Ok(None) => Check::new(id, State::Ok, "no `config.toml`: the defaults hold"),
                Ok(Some(unknown)) if unknown.is_empty() => {
                    Check::new(id, State::Ok, "`config.toml` is valid").path(&file)
                }
                Ok(Some(unknown)) => {
                    let found =
                        format!("`config.toml` has keys that are no settings: `{}`", unknown.join("`, `"));
                    Check::new(id, State::Warn, found).path(&file).remedy("the README lists the settings")
                }
                Err(error) => Check::failed(id, State::Fail, &error).path(&file),
            };
            (check, settings)
        }
    }
}

/// The keys of the file that nobody reads; none without a file.
fn unknown_keys(file: &Path) -> Result<Option<Vec<String>>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let table: toml::Table = text.parse()?;
    Settings::default().merge(&serde_json::to_value(table)?).map(Some)
}

/// `store`, `log` and `disk`.
pub fn checks(dirs: &Dirs, settings: &Settings) -> Vec<Check> {
    vec![store(dirs, settings), log(dirs), disk(dirs)]
}

fn store(dirs: &Dirs, settings: &Settings) -> Check {
    let path = Store::path_in(dirs);
    let recording = if settings.recording { "recording is on" } else { "recording is off" };
    let check = match inspect::inspect(&path) {
        Ok(Some(found)) => {
            let size = HumanBytes(found.bytes);
            let found = format!("{} rounds, {size}; {recording}", found.rounds);
            Check::new("store", State::Ok, found).version(crate::feedback::store::SCHEMA_VERSION.to_string())
        }
        Ok(None) => match writable(&dirs.data) {
            Ok(()) => Check::new("store", State::Ok, format!("begun with the first suggestion; {recording}")),
            Err(why) => Check::new("store", State::Fail, format!("`{}` {why}", dirs.data.display()))
                .remedy("make the folder writable, or set LEAN_COPILOT_DATA_DIR to another one"),
        },
        Err(error) => Check::failed("store", State::Fail, &error),
    };
    check.path(&path)
}

fn log(dirs: &Dirs) -> Check {
    let folder = dirs.log();
    let file = folder.join("serve.log");
    let check = match (std::fs::metadata(&file), writable(&folder)) {
        (_, Err(why)) => {
            Check::new("log", State::Warn, format!("`serve` logs nothing: `{}` {why}", folder.display()))
                .remedy("make the folder writable, or set LEAN_COPILOT_STATE_DIR to another one")
        }
        (Ok(metadata), Ok(())) => Check::new("log", State::Ok, HumanBytes(metadata.len()).to_string()),
        (Err(_), Ok(())) => Check::new("log", State::Ok, "begun with the first `serve`"),
    };
    check.path(&file)
}

/// Whether files can be made in a folder, or in the nearest one above it that is there; else why not, as the
/// rest of a sentence. Nothing stays behind.
fn writable(folder: &Path) -> Result<(), String> {
    let there = nearest(folder);
    if !there.is_dir() {
        return Err(format!("cannot be made: `{}` is no folder", there.display()));
    }
    tempfile::tempfile_in(&there).map(drop).map_err(|e| format!("is not writable: {e}"))
}

fn nearest(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|f| f.symlink_metadata().is_ok());
    there.unwrap_or(Path::new(std::path::MAIN_SEPARATOR_STR)).to_owned()
}

fn disk(dirs: &Dirs) -> Check {
    let folders = [&dirs.data, &dirs.cache, &dirs.state];
    let free = folders.map(|f| (f, fs4::available_space(nearest(f))));
    let least = free.iter().filter_map(|(f, n)| Some((f, *n.as_ref().ok()?))).min_by_key(|(_, n)| *n);
    match least {
        None => Check::new("disk", State::Warn, "the free space cannot be read"),
        Some((folder, free)) => {
            let found = format!("{} free", HumanBytes(free));
            match free < LITTLE {
                false => Check::new("disk", State::Ok, found).path(folder),
                true => Check::new("disk", State::Warn, found).path(folder).remedy("make room on this disk"),
            }
        }
    }
}

/// `sandbox.files`, `sandbox.network` and `sandbox.memory`: what keeps the second server in its place here.
pub fn sandbox() -> Vec<Check> {
    let check = |status: FeatureStatus| {
        let (id, without) = match status.feature {
            Feature::Files => ("sandbox.files", "tactics can write files while they are checked"),
            Feature::Network => ("sandbox.network", "tactics can use the network while they are checked"),
            Feature::Memory => ("sandbox.memory", "tactics can take all memory while they are checked"),
        };
        match status.works {
            true => Check::new(id, State::Ok, status.detail),
            false => Check::new(id, State::Warn, format!("{}: {without}", status.detail))
                .remedy("use a Linux kernel that has it (5.13 or newer, with Landlock and seccomp)"),
        }
    };
    sandbox::support().into_iter().map(check).collect()
}
