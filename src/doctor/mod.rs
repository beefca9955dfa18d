//! What is there, what works, and what to do where it does not.
//!
//! Everything is tried for real: Lean is started, the bundle is loaded, the database is read through. Nothing
//! is installed, repaired or written, and the network is never used. It works when nothing else does.

mod ask;
mod editors;
mod lean;
pub mod policy;
pub mod report;
mod system;

use std::path::Path;

use crate::config::Dirs;
pub use report::{Check, Report, State};

/// Looks at everything, for a folder.
pub fn examine(folder: &Path) -> Report {
    let dirs = Dirs::from_env();
    let mut checks = Vec::new();
    match &dirs {
        Err(error) => {
            checks.push(Check::failed("directories", State::Fail, error));
            checks.extend(lean::checks(None, folder));
        }
        Ok(dirs) => {
            let found = format!("shipped files in `{}`", dirs.share.display());
            checks.push(Check::new("directories", State::Ok, found).path(&dirs.data));
            let (check, settings) = system::settings(dirs);
            checks.push(check);
            checks.extend(lean::checks(Some(dirs), folder));
            checks.extend(policy::checks(dirs, &settings));
            checks.extend(system::checks(dirs, &settings));
            checks.extend(editors::checks(dirs));
        }
    }
    checks.extend(system::sandbox());
    Report::new(checks)
}
