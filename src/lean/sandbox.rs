//! What a Lean server of our own may do: a tactic is a program, and ours come from a model.
//!
//! On Linux the second server and all that it starts run with Landlock (they read as usual; they write only
//! in a temporary directory of their own, in the project's `.lake` and to `/dev/null`; they signal only each
//! other) and with a seccomp filter that refuses every socket but local ones. A native Lean's memory is
//! limited, too; the embedded Lean's is bounded by WebAssembly, at 2 GiB a process. What a kernel cannot do is
//! left out, and [`support`] says so. The user's own server is never confined.
//!
//! The rules are made before the fork; between fork and exec only system calls happen, so that nothing can
//! deadlock on a lock that another thread held. A program of ours between us and Lean would do as well, but it
//! would have to be found again after an upgrade replaced it.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use tempfile::TempDir;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
use other as platform;

/// Limits of a confined server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes of private memory that one process of a native Lean may take; none means no limit.
    pub memory: Option<u64>,
}

impl Limits {
    /// The limit that a person set in MiB (0: none), otherwise half of the machine's memory, and not less
    /// than 8 GiB: Mathlib's files alone take five.
    pub fn new(memory_mb: Option<u64>) -> Limits {
        const LEAST: u64 = 8 << 30;
        let memory = match memory_mb {
            Some(0) => None,
            Some(mb) => Some(mb.saturating_mul(1 << 20)),
            None => Some(platform::physical_memory().map_or(LEAST, |m| (m / 2).max(LEAST))),
        };
        Limits { memory }
    }
}

/// What a confined server is kept from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Writing outside its own folders (Landlock).
    Files,
    /// Sockets other than local ones (seccomp).
    Network,
    /// Taking all memory (a resource limit).
    Memory,
}

/// Whether this machine can do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeatureStatus {
    /// What.
    pub feature: Feature,
    /// Whether confined servers are kept from it here.
    pub works: bool,
    /// With what, or why not; for people.
    pub detail: String,
}

/// What of the sandbox works on this machine, one entry for each [`Feature`]; for `doctor`. Asks the kernel,
/// changes nothing.
pub fn support() -> Vec<FeatureStatus> {
    let status = |feature, found: std::result::Result<String, String>| {
        let works = found.is_ok();
        FeatureStatus { feature, works, detail: found.unwrap_or_else(|why| why) }
    };
    vec![
        status(Feature::Files, platform::files()),
        status(Feature::Network, platform::network()),
        status(Feature::Memory, platform::memory()),
    ]
}

/// The rules for one server, ready to be applied, and its temporary directory, which is removed on drop.
#[derive(Debug)]
pub struct Sandbox {
    temporary: TempDir,
    /// Held as long as the directory is in use: whoever finds it unlocked may remove it.
    _lock: File,
    rules: platform::Rules,
}

const PREFIX: &str = "lean-copilot-lean-";
const LOCK: &str = "in-use";

impl Sandbox {
    /// Makes the rules: `writable` may be written to beside the temporary directory; what does not exist is
    /// left out. `memory` is a limit in bytes for each process.
    pub fn new(writable: &[PathBuf], memory: Option<u64>) -> Result<Sandbox> {
        let base = std::env::temp_dir();
        remove_abandoned(&base);
        let (temporary, lock) = own_directory(&base)?;
        let mut writable = writable.to_vec();
        writable.push(temporary.path().to_owned());
        let rules =
            platform::Rules::new(&writable, memory).context("cannot make the sandbox of the second Lean")?;
        Ok(Sandbox { temporary, _lock: lock, rules })
    }

    /// The temporary directory.
    pub fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// Confines what the command will start.
    pub fn confine(&self, command: &mut tokio::process::Command) {
        for name in ["TMPDIR", "TMP", "TEMP"] {
            command.env(name, self.temporary());
        }
        self.rules.confine(command);
    }
}

fn own_directory(base: &Path) -> Result<(TempDir, File)> {
    let failed = || format!("cannot make a temporary directory in `{}`", base.display());
    loop {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(base).with_context(failed)?;
        let lock = File::create(folder.path().join(LOCK)).with_context(failed)?;
        match lock.try_lock() {
            Ok(()) => return Ok((folder, lock)),
            // Someone who cleans up was quicker: this one is about to go.
            Err(std::fs::TryLockError::WouldBlock) => continue,
            Err(std::fs::TryLockError::Error(e)) => return Err(e).with_context(failed),
        }
    }
}

/// Removes the temporary directories of those who were killed before they could.
fn remove_abandoned(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let free = File::open(entry.path().join(LOCK)).is_ok_and(|f| f.try_lock().is_ok());
        if free && let Err(e) = std::fs::remove_dir_all(entry.path()) {
            tracing::debug!("`{}` is left over and cannot be removed: {e}", entry.path().display());
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::path::PathBuf;
    use std::sync::Arc;

    use anyhow::{Context, Result};
    use landlock::{
        ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope, path_beneath_rules,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch,
    };

    /// The first version that can forbid truncating a file.
    const LANDLOCK: ABI = ABI::V3;
    /// The first version that can keep signals inside.
    const LANDLOCK_SCOPES: ABI = ABI::V6;

    #[derive(Debug)]
    struct Made {
        landlock: Option<OwnedFd>,
        seccomp: Option<BpfProgram>,
        memory: Option<u64>,
    }

    /// Everything that the child applies to itself.
    #[derive(Debug)]
    pub struct Rules(Arc<Made>);

    impl Rules {
        pub fn new(writable: &[PathBuf], memory: Option<u64>) -> Result<Rules> {
            let landlock = files().ok().map(|_| ruleset(writable)).transpose()?.flatten();
            let seccomp = network().ok().map(|_| filter()).transpose()?;
            Ok(Rules(Arc::new(Made { landlock, seccomp, memory })))
        }

        pub fn confine(&self, command: &mut tokio::process::Command) {
            let made = self.0.clone();
            // SAFETY: `apply` makes system calls only; it neither allocates nor takes a lock.
            unsafe { command.pre_exec(move || apply(&made)) };
        }
    }

    /// Runs in the child, between fork and exec.
    fn apply(made: &Made) -> io::Result<()> {
        let check = |code: i64| if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        if let Some(limit) = made.memory {
            let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
            // SAFETY: the pointer is to a valid structure. (An inherited smaller limit cannot be raised, and
            // need not be.)
            unsafe { libc::setrlimit(libc::RLIMIT_DATA, &limit) };
        }
        if let Some(ruleset) = &made.landlock {
            // SAFETY: plain numbers; the descriptor is open, for it is closed only by exec.
            unsafe {
                check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).into())?;
                check(libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0))?;
            }
        }
        if let Some(filter) = &made.seccomp {
            seccompiler::apply_filter(filter).map_err(|_| io::Error::last_os_error())?;
        }
        Ok(())
    }

    fn ruleset(writable: &[PathBuf]) -> Result<Option<OwnedFd>> {
        let null = PathBuf::from("/dev/null");
        let rules = path_beneath_rules(writable.iter().chain([&null]), AccessFs::from_write(LANDLOCK));
        // What this kernel's version does not know is left out of the ruleset by the library.
        let created = Ruleset::default()
            .handle_access(AccessFs::from_write(LANDLOCK))
            .and_then(|r| r.scope(Scope::from_all(LANDLOCK_SCOPES)))
            .and_then(Ruleset::create)
            .and_then(|r| r.add_rules(rules))
            .context("Landlock")?;
        Ok(created.into())
    }

    /// Refuses internet sockets with `EACCES`: of the families local and kernel-information sockets remain.
    fn filter() -> Result<BpfProgram> {
        let not =
            |family: i32| SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family as u64);
        let socket = || -> Result<Vec<SeccompRule>> {
            Ok(vec![SeccompRule::new(vec![not(libc::AF_UNIX)?, not(libc::AF_NETLINK)?])?])
        };
        // A ring makes sockets without the system call; without a ring Node uses threads.
        let mut rules = vec![(libc::SYS_socket, socket()?), (libc::SYS_io_uring_setup, Vec::new())];
        if cfg!(target_arch = "x86_64") {
            // The same calls by their numbers in the x32 interface, which the check of the architecture passes.
            const X32: i64 = 0x4000_0000;
            rules.push((X32 | libc::SYS_socket, socket()?));
            rules.push((X32 | libc::SYS_io_uring_setup, Vec::new()));
        }
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        let refuse = SeccompAction::Errno(libc::EACCES as u32);
        let filter = SeccompFilter::new(rules.into_iter().collect(), SeccompAction::Allow, refuse, arch)?;
        Ok(filter.try_into()?)
    }

    /// Landlock's version, or why there is none.
    pub fn files() -> Result<String, String> {
        const VERSION: u32 = 1;
        // SAFETY: with this flag the kernel only answers with its version; the pointer must be null.
        let version = unsafe {
            libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0, VERSION)
        };
        if version > 0 {
            return Ok(match version {
                1 | 2 => {
                    format!("Landlock, version {version}: files outside can be cut short, but not written")
                }
                _ => format!("Landlock, version {version}"),
            });
        }
        let error = io::Error::last_os_error();
        Err(match error.raw_os_error() {
            Some(libc::ENOSYS) => "this kernel has no Landlock (Linux 5.13 and later have)".to_owned(),
            Some(libc::EOPNOTSUPP) => {
                "Landlock is switched off in this kernel (add `landlock` to its `lsm=` parameter)".to_owned()
            }
            _ => format!("Landlock cannot be used here: {error}"),
        })
    }

    /// Whether the kernel takes filters that answer with an error.
    pub fn network() -> Result<String, String> {
        TargetArch::try_from(std::env::consts::ARCH)
            .map_err(|_| format!("no seccomp filter for {}", std::env::consts::ARCH))?;
        let action: u32 = libc::SECCOMP_RET_ERRNO;
        // SAFETY: the kernel reads one number behind the pointer and answers.
        let code =
            unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) };
        match code {
            0 => Ok("seccomp".to_owned()),
            _ => Err(format!("seccomp cannot be used here: {}", io::Error::last_os_error())),
        }
    }

    pub fn memory() -> Result<String, String> {
        Ok("a limit of private memory for a native Lean; WebAssembly bounds the embedded one at 2 GiB"
            .to_owned())
    }

    /// The machine's memory in bytes.
    pub fn physical_memory() -> Option<u64> {
        // SAFETY: plain numbers.
        let (pages, size) =
            unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
        u64::try_from(pages).ok()?.checked_mul(u64::try_from(size).ok()?)
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::path::PathBuf;

    use anyhow::Result;

    /// Nothing but the temporary directory.
    #[derive(Debug)]
    pub struct Rules;

    impl Rules {
        pub fn new(_writable: &[PathBuf], _memory: Option<u64>) -> Result<Rules> {
            Ok(Rules)
        }

        pub fn confine(&self, _command: &mut tokio::process::Command) {}
    }

    fn only_linux() -> Result<String, String> {
        Err(format!("there is no sandbox on {} yet; Linux has one", std::env::consts::OS))
    }

    pub fn files() -> Result<String, String> {
        only_linux()
    }

    pub fn network() -> Result<String, String> {
        only_linux()
    }

    pub fn memory() -> Result<String, String> {
        only_linux()
    }

    pub fn physical_memory() -> Option<u64> {
        None
    }
}
