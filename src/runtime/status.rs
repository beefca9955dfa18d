//! What is installed, for `runtime status` and `doctor`.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use super::Component;
use super::client::size_of;
use super::locate::{Store, node_in};
use crate::config::Dirs;

/// A component and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComponentStatus {
    /// Which.
    pub component: Component,
    /// Whether it can be used.
    pub state: State,
    /// Its version: the installed one, or the one that would be installed.
    pub version: Option<String>,
    /// Where it lies.
    pub path: Option<PathBuf>,
    /// Bytes on the disk; for what is not installed, roughly what it would take.
    pub bytes: Option<u64>,
    /// Bytes to fetch, roughly, if it is not installed.
    pub download: Option<u64>,
}

/// Whether a component can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In the cache directory.
    Installed,
    /// The system's own serves.
    System,
    /// Not installed.
    Missing,
    /// There is none for this platform.
    Unavailable,
}

/// All components.
pub fn status(dirs: &Dirs) -> Result<Vec<ComponentStatus>> {
    let store = Store::open(dirs)?;
    Ok(Component::ALL.into_iter().map(|component| of(&store, component)).collect())
}

fn of(store: &Store, component: Component) -> ComponentStatus {
    if component == Component::Node
        && let Ok(node) = node_in(store)
        && node.system
    {
        return ComponentStatus {
            component,
            state: State::System,
            version: Some(node.version),
            path: Some(node.path),
            bytes: None,
            download: None,
        };
    }
    if let Some((way, folder)) = store.find(component) {
        let bytes = Some(size_of(&folder));
        let version = Some(way.version.clone());
        return ComponentStatus {
            component,
            state: State::Installed,
            version,
            path: Some(folder),
            bytes,
            download: None,
        };
    }
    let way = store.manifest.ways(component, &store.platform).next();
    ComponentStatus {
        component,
        state: if way.is_some() { State::Missing } else { State::Unavailable },
        version: way.map(|w| w.version.clone()),
        path: None,
        bytes: way.map(|w| w.disk),
        download: way.map(|w| w.download()).filter(|n| *n > 0),
    }
}
