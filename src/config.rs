//! Settings and directories: one schema for the file, the environment and the editor.
//!
//! Later sources win: defaults, `config.toml`, `LEAN_COPILOT_<KEY>`, `initializationOptions.leanCopilot`,
//! `$/leanCopilot/configure`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::error::{Failure, FailureKind};

/// Where the policy runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// CUDA where it works, otherwise the CPU; `status` and `doctor` say which.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA, or an error that names what is missing.
    Cuda,
}

/// Everything a person can set. Every key has a default and may stand alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Suggest without being asked, after a pause at a goal.
    pub auto_suggest: bool,
    /// The pause before that, in milliseconds.
    pub pause_ms: u64,
    /// How many candidates the policy is asked for (K).
    pub candidates: usize,
    /// Most suggestions shown at one goal.
    pub limit: usize,
    /// Longest time that Lean may take for one candidate, in milliseconds.
    pub verify_timeout_ms: u64,
    /// Ask Lean's own search tactics (`try?`, `exact?`, `simp?`) too.
    pub lean_search: bool,
    /// Where nothing closes the goal: look whether Lean finishes what the best steps leave.
    pub lookahead: bool,
    /// Propose what was done at similar goals: in the user's history and in the shipped steps.
    pub neighbours: bool,
    /// Propose what the names at the goal offer: case splits, definitions to unfold, the project's theorems.
    pub scope: bool,
    /// Stop the second Lean server after this time without work, in seconds.
    pub idle_stop_s: u64,
    /// Ask Lean's server whether it is there after this time in which it left the editor without a word,
    /// and say so after as long again, in seconds.
    pub lean_silence_s: u64,
    /// Keep the second Lean server from writing files and from the network, where the system can.
    pub sandbox: bool,
    /// Private memory that a process of the second server may take, in MiB, where it is a native Lean; 0 means
    /// all, none means half of the machine's, at least 8192.
    pub verify_memory_mb: Option<u64>,
    /// Keep goals, candidates, verdicts and outcomes in the feedback store.
    pub recording: bool,
    /// Bundle in use: a name under `models/` or a folder; none means the default bundle.
    pub bundle: Option<String>,
    /// Where the policy runs.
    pub device: DeviceChoice,
    /// Threads of the policy; none means half of the cores, at least one.
    pub threads: Option<usize>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            auto_suggest: true,
            pause_ms: 150,
            candidates: 8,
            limit: 8,
            verify_timeout_ms: 3000,
            lean_search: true,
            lookahead: true,
            neighbours: true,
            scope: true,
            idle_stop_s: 600,
            lean_silence_s: 20,
            sandbox: true,
            verify_memory_mb: None,
            recording: true,
            bundle: None,
            device: DeviceChoice::Auto,
            threads: None,
        }
    }
}

impl Settings {
    /// Reads `config.toml` (absent is fine) and the environment.
    pub fn load(dirs: &Dirs) -> Result<Settings> {
        let file = dirs.config.join("config.toml");
        let mut settings = Settings::default();
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
                    Failure::new(FailureKind::Usage, format!("`{}` is not valid TOML: {e}", file.display()))
                        .hint("mend the file or remove it; the defaults then hold")
                })?;
                let json = serde_json::to_value(table).context("settings as JSON")?;
                settings.merge(&json).with_context(|| format!("in `{}`", file.display()))?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(e).with_context(|| format!("cannot read `{}`", file.display())),
        }
        settings.merge(&environment()).context("in the environment")?;
        Ok(settings)
    }

    /// Sets the keys of a JSON object; keys that are no setting are returned, the others hold.
    pub fn merge(&mut self, object: &serde_json::Value) -> Result<Vec<String>> {
        let Some(given) = object.as_object() else { return Ok(Vec::new()) };
        let mut all = serde_json::to_value(&*self).context("settings as JSON")?;
        let known = all.as_object_mut().expect("a struct serialises as an object");
        let mut unknown = Vec::new();
        for (key, value) in given {
            match known.get_mut(key) {
                Some(slot) => *slot = value.clone(),
                None => unknown.push(key.clone()),
            }
        }
        *self = serde_json::from_value(all).map_err(|e| {
            Failure::new(FailureKind::Usage, format!("a setting has a value of another kind: {e}"))
                .hint("`lean-copilot serve --help` lists the settings")
        })?;
        Ok(unknown)
    }
}

/// `LEAN_COPILOT_PAUSE_MS=300` and its like, as an object of settings.
fn environment() -> serde_json::Value {
    let all = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut object = serde_json::Map::new();
    for key in all.as_object().into_iter().flat_map(|o| o.keys()) {
        if let Ok(text) = std::env::var(format!("LEAN_COPILOT_{}", key.to_uppercase())) {
            let value = serde_json::from_str(&text).ok().filter(|v: &serde_json::Value| !v.is_object());
            object.insert(key.clone(), value.unwrap_or(serde_json::Value::String(text)));
        }
    }
    serde_json::Value::Object(object)
}

/// The user directories, each movable by an environment variable, and the share directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// `config.toml` (`LEAN_COPILOT_CONFIG_DIR`).
    pub config: PathBuf,
    /// The feedback store and the user's own bundles (`LEAN_COPILOT_DATA_DIR`).
    pub data: PathBuf,
    /// The embedded runtime and derived files (`LEAN_COPILOT_CACHE_DIR`).
    pub cache: PathBuf,
    /// Logs (`LEAN_COPILOT_STATE_DIR`).
    pub state: PathBuf,
    /// `models/`, `runtime/` and `examples/` as shipped (`LEAN_COPILOT_SHARE_DIR`).
    pub share: PathBuf,
}

impl Dirs {
    /// The directories of this process's environment.
    pub fn from_env() -> Result<Dirs> {
        use etcetera::app_strategy::{AppStrategy, AppStrategyArgs, choose_app_strategy};
        let strategy = choose_app_strategy(AppStrategyArgs {
            top_level_domain: "org".into(),
            author: "lean-copilot".into(),
            app_name: "lean-copilot".into(),
        })
        .map_err(|e| {
            Failure::new(FailureKind::Other, format!("the home directory is not known: {e}"))
                .hint("set HOME, or LEAN_COPILOT_{CONFIG,DATA,CACHE,STATE}_DIR")
        });
        let dir = |key: &str, default: fn(&_) -> PathBuf| -> Result<PathBuf> {
            match std::env::var_os(format!("LEAN_COPILOT_{key}_DIR")).filter(|v| !v.is_empty()) {
                Some(path) => Ok(std::path::absolute(PathBuf::from(path))?),
                None => match &strategy {
                    Ok(s) => Ok(default(s)),
                    Err(e) => Err(Failure::new(e.kind, e.message.clone())
                        .hint(e.hint.clone().unwrap_or_default())
                        .into()),
                },
            }
        };
        Ok(Dirs {
            config: dir("CONFIG", |s| s.config_dir())?,
            data: dir("DATA", |s| s.data_dir())?,
            cache: dir("CACHE", |s| s.cache_dir())?,
            state: dir("STATE", |s| s.state_dir().unwrap_or_else(|| s.data_dir().join("state")))?,
            share: share_dir()?,
        })
    }

    /// The folder of `serve.log`.
    pub fn log(&self) -> PathBuf {
        self.state.join("log")
    }

    /// Directories below one folder, for runs that must touch nothing of the user's.
    pub fn below(root: &Path, share: PathBuf, cache: PathBuf) -> Dirs {
        Dirs { config: root.join("config"), data: root.join("data"), cache, state: root.join("state"), share }
    }
}

/// A file beside a copy of the executable that names the share directory, for stand-ins on Windows.
pub const SHARE_NOTE: &str = "lean-copilot.share";

/// `LEAN_COPILOT_SHARE_DIR`, `../share/lean-copilot` or `share` beside the executable, or the source tree.
fn share_dir() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("LEAN_COPILOT_SHARE_DIR").filter(|v| !v.is_empty()) {
        return Ok(std::path::absolute(PathBuf::from(dir))?);
    }
    let exe = std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default();
    let mut places = Vec::new();
    if let Some(bin) = exe.parent() {
        places.extend(std::fs::read_to_string(bin.join(SHARE_NOTE)).map(|p| PathBuf::from(p.trim())));
        places.push(bin.join("../share/lean-copilot"));
        places.push(bin.join("share"));
        // A build in `target/<profile>/` (or `target/<profile>/deps/`) of the source tree.
        places.extend(bin.ancestors().skip(1).take(3).map(Path::to_path_buf));
    }
    let found = places.iter().find(|p| p.join("runtime/packages.json").is_file());
    found.cloned().ok_or_else(|| {
        Failure::new(
            FailureKind::Missing,
            "the share directory (models, runtime) was not found beside the executable",
        )
        .hint("set LEAN_COPILOT_SHARE_DIR to the folder that holds `models` and `runtime`")
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_set_one_by_one_and_unknown_ones_are_named() {
        let mut s = Settings::default();
        let unknown = s.merge(&serde_json::json!({"pause_ms": 20, "colour": "red"})).unwrap();
        assert_eq!((s.pause_ms, s.candidates, unknown), (20, 8, vec!["colour".to_owned()]));
        assert!(s.merge(&serde_json::json!({"pause_ms": "soon"})).is_err());
        assert_eq!(s.pause_ms, 20, "a wrong value changes nothing");
    }
}
