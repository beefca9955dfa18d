//! Installing: fetch, check, unpack, set up, and put into place by one rename.
//!
//! Below `<cache>/runtime`: `<component>-<version>-<hash>/` (complete, or not there at all), `archives/`
//! (fetched and checked packages of components that are not in place yet, and Lean's, which its set-up
//! may need again), `staging/` (work in progress; what a killed run leaves there is removed by the next)
//! and `lock`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::Component;
use super::client::{Client, disk_error, missing};
use super::locate::Store;
use super::manifest::{ClientKind, Package, Way};
use super::progress::{Event, Progress};
use super::{archive, lean_setup, locate};
use crate::config::Dirs;
use crate::error::{Failure, FailureKind};

/// Makes sure that the components are installed; quick when they are. Lean brings Node with it where
/// the system has none that is new enough. With `offline` nothing is fetched: what is missing is a
/// failure, unless its archive is there.
///
/// Fails with [`FailureKind::Missing`] (no package client, or offline), [`FailureKind::Corrupt`] (an
/// archive with a wrong hash) or [`FailureKind::Other`] (network, disk).
pub fn ensure(dirs: &Dirs, components: &[Component], offline: bool, progress: &dyn Progress) -> Result<()> {
    let store = Store::open(dirs)?;
    let mut wanted = components.to_vec();
    if wanted.contains(&Component::Lean) {
        wanted.push(Component::Node);
    }
    wanted.sort();
    wanted.dedup();
    wanted.retain(|c| !present(&store, *c));
    if wanted.is_empty() {
        return Ok(());
    }
    let _lock = lock(&store, progress)?;
    // Another process may have finished it while this one waited.
    wanted.retain(|c| !present(&store, *c));
    clear_staging(&store)?;
    for component in wanted {
        install(&store, component, offline, progress)?;
    }
    clear_staging(&store)
}

/// Removes the components (all when none is named), and with all of them everything else that an
/// installation keeps. Returns the bytes that were freed.
pub fn remove(dirs: &Dirs, components: &[Component], progress: &dyn Progress) -> Result<u64> {
    let store = Store::open(dirs)?;
    if !store.root.exists() {
        return Ok(0);
    }
    let lock = lock(&store, progress)?;
    let mut freed = 0;
    for entry in std::fs::read_dir(&store.root).with_context(|| store.root.display().to_string())? {
        let path = entry?.path();
        let of = Component::ALL.into_iter().find(|c| store.is_folder_of(&path, *c));
        let chosen = of.map_or(components.is_empty(), |c| components.is_empty() || components.contains(&c));
        if chosen && path.is_dir() {
            freed += super::client::size_of(&path);
            std::fs::remove_dir_all(&path).map_err(|e| disk_error(e, &path))?;
        }
    }
    drop(lock);
    Ok(freed)
}

fn present(store: &Store, component: Component) -> bool {
    match component {
        Component::Node => locate::node_in(store).is_ok(),
        // Either one serves the policy, and so does the person's own.
        Component::OnnxRuntime if locate::own_onnxruntime().is_some() => true,
        other => store.find(other).is_some(),
    }
}

/// Takes the lock, waiting for another process if need be; it ends with the returned file.
fn lock(store: &Store, progress: &dyn Progress) -> Result<File> {
    std::fs::create_dir_all(&store.root).map_err(|e| disk_error(e, &store.root))?;
    let path = store.root.join("lock");
    let file = File::options().create(true).append(true).open(&path).map_err(|e| disk_error(e, &path))?;
    if file.try_lock().is_err() {
        progress.event(&Event::Waiting);
        file.lock().with_context(|| format!("cannot lock `{}`", path.display()))?;
    }
    Ok(file)
}

fn clear_staging(store: &Store) -> Result<()> {
    let staging = store.root.join("staging");
    match std::fs::remove_dir_all(&staging) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(disk_error(e, &staging)),
        _ => Ok(()),
    }
}

fn install(store: &Store, component: Component, offline: bool, progress: &dyn Progress) -> Result<()> {
    let ways: Vec<&Way> = store.manifest.ways(component, &store.platform).collect();
    if ways.is_empty() {
        return Err(Failure::new(
            FailureKind::Missing,
            format!("there is no {component} to install for {}", store.platform),
        )
        .hint(match component {
            Component::Node => "install Node.js 20 or newer yourself and put `node` on PATH",
            Component::OnnxRuntimeCuda => "the CPU is used without it: `lean-copilot runtime install`",
            _ => "it is available for linux-x64",
        })
        .into());
    }
    let mut failed = None;
    for way in &ways {
        let Some(clients) = clients_for(store, way, offline)? else { continue };
        if let Some(reason) = failed.take() {
            progress
                .event(&Event::Note { message: format!("{reason:#}\ntrying {} instead", way.packages[0]) });
        }
        match install_way(store, component, way, &clients, progress) {
            Ok(()) => return Ok(()),
            // A wrong hash is a warning about the source, and a full disk is full for the next way too.
            Err(e) if Failure::of(&e).is_some_and(|f| f.kind != FailureKind::Other) => return Err(e),
            Err(e) => failed = Some(e),
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    if offline {
        return Err(Failure::new(
            FailureKind::Missing,
            format!("{component} is not installed, and `--offline` forbids fetching it"),
        )
        .hint(format!("run `lean-copilot runtime install {}` with a network", component.key()))
        .into());
    }
    let kinds: std::collections::BTreeSet<_> =
        ways.iter().flat_map(|w| &w.packages).map(|p| p.client).collect();
    Err(missing(component, &kinds.into_iter().collect::<Vec<_>>()))
}

/// The client for each package of a way; `None` for the whole when one is not there and needed.
fn clients_for(store: &Store, way: &Way, offline: bool) -> Result<Option<Vec<Option<Client>>>> {
    let mut clients = Vec::new();
    for package in &way.packages {
        let fetched = store.archive(package).is_file();
        let client = if fetched || offline { None } else { Client::find(package.client) };
        if client.is_none() && !fetched {
            return Ok(None);
        }
        clients.push(client);
    }
    Ok(Some(clients))
}

fn install_way(
    store: &Store,
    component: Component,
    way: &Way,
    clients: &[Option<Client>],
    progress: &dyn Progress,
) -> Result<()> {
    let begun = Instant::now();
    let pending = way.packages.iter().zip(clients).filter(|(_, client)| client.is_some());
    let download = pending.filter_map(|(package, _)| package.bytes).sum();
    progress.event(&Event::Start { component, version: way.version.clone(), download, disk: way.disk });
    check_space(store, component, download + way.disk)?;
    for (package, client) in way.packages.iter().zip(clients) {
        if let Some(client) = client {
            fetch(store, component, package, client, progress)?;
        }
    }
    let folder = store.root.join("staging").join(component.key());
    for package in &way.packages {
        progress.event(&Event::SetUp { component, step: format!("unpacking {package}") });
        let archive = store.archive(package);
        let mut file =
            File::open(&archive).with_context(|| format!("cannot read `{}`", archive.display()))?;
        // Again, because it may lie there since long ago.
        if let Err(e) = package.hash.check(package, &mut file) {
            std::fs::remove_file(&archive).map_err(|e| disk_error(e, &archive))?;
            return Err(e);
        }
        archive::unpack(&archive, &folder, &package.take)?;
    }
    if component == Component::Lean {
        lean_setup::set_up(store, &folder, progress)?;
    }
    let entry = folder.join(&way.entry);
    if !entry.is_file() {
        return Err(Failure::new(
            FailureKind::Corrupt,
            format!("the package of {component} does not hold `{}`", way.entry),
        )
        .into());
    }
    let stamp = serde_json::to_string_pretty(way).context("the stamp as JSON")?;
    let stamp_file = folder.join(locate::STAMP);
    std::fs::write(&stamp_file, stamp + "\n").map_err(|e| disk_error(e, &stamp_file))?;
    let target = store.folder(component, way);
    if target.exists() {
        // Without a stamp: not ours to use, and in the way.
        std::fs::remove_dir_all(&target).map_err(|e| disk_error(e, &target))?;
    }
    std::fs::rename(&folder, &target).map_err(|e| disk_error(e, &target))?;
    if component != Component::Lean {
        for package in &way.packages {
            // Only room is lost if this fails.
            let _ = std::fs::remove_file(store.archive(package));
        }
    }
    progress.event(&Event::Done { component, elapsed_ms: begun.elapsed().as_millis() as u64 });
    Ok(())
}

/// Fetches one package into `archives/`, by a rename, so that it is complete and checked or not there.
fn fetch(
    store: &Store,
    component: Component,
    package: &Package,
    client: &Client,
    progress: &dyn Progress,
) -> Result<()> {
    let folder: PathBuf = store.root.join("staging").join("fetch");
    clear(&folder)?;
    std::fs::create_dir_all(&folder).map_err(|e| disk_error(e, &folder))?;
    let total = package.bytes.unwrap_or(0);
    let report = |done| {
        progress.event(&Event::Fetch { component, package: package.to_string(), done, total });
    };
    report(0);
    let fetched = client.fetch(package, &folder, &report)?;
    let archive = store.archive(package);
    let parent = store.root.join("archives");
    std::fs::create_dir_all(&parent).map_err(|e| disk_error(e, &parent))?;
    std::fs::rename(&fetched, &archive).map_err(|e| disk_error(e, &archive))?;
    clear(&folder)
}

fn clear(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(disk_error(e, folder)),
        _ => Ok(()),
    }
}

fn check_space(store: &Store, component: Component, needed: u64) -> Result<()> {
    // A file system that does not say is no reason to stop.
    let Ok(free) = fs4::available_space(&store.root) else { return Ok(()) };
    if free >= needed {
        return Ok(());
    }
    let mb = |n: u64| n / 1_000_000;
    Err(Failure::new(
        FailureKind::Unsuccessful,
        format!(
            "{component} needs {} MB on the disk of `{}`, which has {} MB left",
            mb(needed),
            store.root.display(),
            mb(free)
        ),
    )
    .hint("make room on that disk, or set LEAN_COPILOT_CACHE_DIR to a folder on another one")
    .into())
}

/// The clients that a component may need, for `doctor` and for messages.
pub fn clients() -> Vec<(ClientKind, bool)> {
    [ClientKind::Npm, ClientKind::Pip].map(|k| (k, Client::find(k).is_some())).to_vec()
}
