//! Unpacking: `.tgz` of npm and `.whl` of pip, only what the manifest takes out of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Component as Part, Path, PathBuf};

use anyhow::{Context, Result};

use super::client::disk_error;
use crate::error::{Failure, FailureKind};

/// Unpacks into `folder`. `take` maps prefixes of paths in the archive to prefixes below `folder`; what
/// no prefix covers is left out. Nothing can be written outside `folder`.
pub fn unpack(archive: &Path, folder: &Path, take: &BTreeMap<String, String>) -> Result<()> {
    let count = if archive.extension().is_some_and(|e| e == "whl") {
        unpack_zip(archive, folder, take)
    } else {
        let file = File::open(archive).with_context(|| format!("cannot read `{}`", archive.display()))?;
        unpack_tar_gz(BufReader::new(file), folder, take)
    };
    match count.with_context(|| format!("unpacking `{}`", archive.display()))? {
        0 => Err(Failure::new(
            FailureKind::Corrupt,
            format!("`{}` holds none of the files that are needed", archive.display()),
        )
        .into()),
        _ => Ok(()),
    }
}

/// Where an entry goes, if it is taken.
fn target(path: &str, take: &BTreeMap<String, String>) -> Result<Option<PathBuf>> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let found = take.iter().find_map(|(from, to)| path.strip_prefix(from.as_str()).map(|rest| (rest, to)));
    let Some((rest, to)) = found else { return Ok(None) };
    // `._x`: what macOS keeps beside a file; Lean would take `._Init.olean` for a module.
    if path.ends_with('/') || path.rsplit('/').next().is_some_and(|name| name.starts_with("._")) {
        return Ok(None);
    }
    let joined = PathBuf::from(format!("{to}{rest}"));
    if !rest.starts_with("../") && joined.components().all(|p| matches!(p, Part::Normal(_))) {
        Ok(Some(joined))
    } else {
        Err(Failure::new(
            FailureKind::Corrupt,
            format!("the archive holds the path `{path}`, which leads out of it"),
        )
        .into())
    }
}

/// Unpacks a gzipped tar; returns how many files were written.
pub(super) fn unpack_tar_gz(
    reader: impl Read,
    folder: &Path,
    take: &BTreeMap<String, String>,
) -> Result<usize> {
    let mut count = 0;
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(reader)).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.to_string_lossy().into_owned();
        if let Some(to) = target(&path, take)? {
            let executable = entry.header().mode().is_ok_and(|m| m & 0o100 != 0);
            write(&mut entry, &folder.join(to), executable)?;
            count += 1;
        }
    }
    Ok(count)
}

fn unpack_zip(archive: &Path, folder: &Path, take: &BTreeMap<String, String>) -> Result<usize> {
    let mut zip = zip::ZipArchive::new(BufReader::new(File::open(archive)?))?;
    let mut count = 0;
    for i in 0..zip.len() {
        let mut entry = zip.by_index(i)?;
        if !entry.is_file() {
            continue;
        }
        let path = entry.name()?.into_owned();
        if let Some(to) = target(&path, take)? {
            let executable = entry.unix_mode().is_some_and(|m| m & 0o100 != 0);
            write(&mut entry, &folder.join(to), executable)?;
            count += 1;
        }
    }
    Ok(count)
}

fn write(from: &mut dyn Read, to: &Path, executable: bool) -> Result<()> {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).map_err(|e| disk_error(e, parent))?;
    }
    let file = File::create(to).map_err(|e| disk_error(e, to))?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    io::copy(from, &mut out).and_then(|_| io::Write::flush(&mut out)).map_err(|e| disk_error(e, to))?;
    #[cfg(unix)]
    if executable {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o755))?;
    }
    #[cfg(not(unix))]
    let _ = executable;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn only_what_is_taken_and_never_outside() {
        let map = take(&[("package/bin/", "bin/"), ("onnxruntime/capi/lib.so.1", "lib/lib.so.1")]);
        let at = |path| target(path, &map).unwrap().map(|p| p.to_string_lossy().into_owned());
        assert_eq!(at("package/bin/node").as_deref(), Some("bin/node"));
        assert_eq!(at("./package/bin/node").as_deref(), Some("bin/node"));
        assert_eq!(at("onnxruntime/capi/lib.so.1").as_deref(), Some("lib/lib.so.1"));
        assert_eq!(at("package/README.md"), None);
        assert_eq!(at("package/bin/._node"), None);
        assert!(target("package/bin/../../../etc/passwd", &map).is_err());
    }
}
