//! The policy: ONNX Runtime, CUDA, the bundle in use.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::ask::ask;
use super::report::{Check, State};
use crate::config::{DeviceChoice, Dirs, Settings};
use crate::policy::bundle::{self, Bundle};
use crate::policy::session::PolicySession;
use crate::runtime::status::{State as Installed, status};
use crate::runtime::{Component, locate};

/// A bundle loads in a second.
const LIMIT: Duration = Duration::from_secs(120);

/// What loading the bundle in a process of its own gave: a broken library can end the process that loads it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Probe {
    /// Where the policy runs: `cpu, 1 thread (no CUDA: …)`.
    device: Option<String>,
    /// Why it does not.
    error: Option<String>,
    /// What mends that.
    hint: Option<String>,
}

/// Loads the bundle in use into ONNX Runtime, for real.
pub fn probe(dirs: &Dirs, settings: &Settings) -> Probe {
    let load = || -> Result<String> {
        let library = locate::onnxruntime(dirs)?;
        let bundle = Bundle::open(&bundle::resolve(dirs, settings.bundle.as_deref())?)?;
        // As `serve` loads it.
        let (device, threads) = (settings.device, settings.threads);
        let session = PolicySession::load_fast(&bundle, &library, &dirs.cache, device, threads)?;
        Ok(session.device().to_owned())
    };
    match load() {
        Ok(device) => Probe { device: Some(device), error: None, hint: None },
        Err(error) => {
            let hint = crate::error::Failure::of(&error).and_then(|f| f.hint.clone());
            Probe { device: None, error: Some(format!("{error:#}")), hint }
        }
    }
}

/// `onnxruntime`, `cuda`, `bundle` and `policy`.
pub fn checks(dirs: &Dirs, settings: &Settings) -> Vec<Check> {
    let (bundle_check, bundle_ok) = bundle_check(dirs, settings);
    let (library, library_ok) = library(dirs);
    let (policy, device) = match (bundle_ok, library_ok) {
        (true, true) => loaded(dirs),
        _ => {
            let found = "not loaded: see `bundle` and `onnxruntime`; Lean's own search and the portfolio still suggest";
            (Check::new("policy", State::Warn, found), None)
        }
    };
    let cuda = cuda(settings, device.as_deref());
    vec![library, cuda, bundle_check, policy]
}

fn bundle_check(dirs: &Dirs, settings: &Settings) -> (Check, bool) {
    let opened = bundle::resolve(dirs, settings.bundle.as_deref()).and_then(|dir| Bundle::open(&dir));
    match opened {
        Ok(bundle) => {
            let whose = match bundle.dir.starts_with(bundle::user_bundles(dirs)) {
                true => "yours",
                false if settings.bundle.is_some() => "the one that the settings name",
                false => "the shipped one",
            };
            let found =
                format!("{whose}; every file has the size and hash that `{}` lists", bundle::MANIFEST);
            (Check::new("bundle", State::Ok, found).path(&bundle.dir).version(bundle.id()), true)
        }
        Err(error) => (Check::failed("bundle", State::Fail, &error), false),
    }
}

fn library(dirs: &Dirs) -> (Check, bool) {
    let id = "onnxruntime";
    let path = match locate::onnxruntime(dirs) {
        Ok(path) => path,
        Err(error) => return (Check::failed(id, State::Fail, &error), false),
    };
    let installed = status(dirs).unwrap_or_default().into_iter().rev();
    let mut of_ours = installed.filter(|s| {
        matches!(s.component, Component::OnnxRuntime | Component::OnnxRuntimeCuda)
            && s.state == Installed::Installed
    });
    let check = Check::new(id, State::Ok, "installed in the cache directory").path(&path);
    let check = match of_ours.next().and_then(|s| s.version) {
        Some(version) => check.version(version),
        None => check,
    };
    (check, true)
}

/// The bundle in ONNX Runtime, in a process of its own; with the device.
fn loaded(dirs: &Dirs) -> (Check, Option<String>) {
    let id = "policy";
    let asked = std::env::current_exe().map_err(|e| e.to_string()).and_then(|own| {
        let mut command = Command::new(own);
        command.args(["doctor", "--probe"]);
        command.current_dir(if dirs.share.is_dir() { &dirs.share } else { std::path::Path::new(".") });
        ask(command, LIMIT)
    });
    let probe = asked.and_then(|answer| {
        serde_json::from_str::<Probe>(&answer.stdout).map_err(|e| format!("gave no answer: {e}"))
    });
    let reinstall = "run `lean-copilot runtime remove onnxruntime`, then `lean-copilot runtime install`";
    match probe {
        Ok(Probe { device: Some(device), .. }) => {
            (Check::new(id, State::Ok, format!("the bundle loads; {device}")), Some(device))
        }
        Ok(Probe { error, hint, .. }) => {
            let check = Check::new(id, State::Fail, error.unwrap_or_default());
            (check.remedy(hint.unwrap_or_else(|| reinstall.to_owned())), None)
        }
        Err(why) => {
            (Check::new(id, State::Fail, format!("loading the bundle {why}")).remedy(reinstall), None)
        }
    }
}

fn cuda(settings: &Settings, device: Option<&str>) -> Check {
    let id = "cuda";
    let Some(device) = device else {
        return Check::new(id, State::Off, "not looked for: the policy does not load");
    };
    if device.to_lowercase().starts_with("cuda") {
        return Check::new(id, State::Ok, device);
    }
    if settings.device == DeviceChoice::Cpu {
        return Check::new(id, State::Off, "the setting `device` is `cpu`");
    }
    let why = device.split_once("no CUDA: ").map(|(_, why)| why.trim_end_matches(')'));
    let found = why.map_or("not used".to_owned(), |why| format!("not used: {why}"));
    Check::new(id, State::Off, found)
}
