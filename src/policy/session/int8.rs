//! The graph with weights of 8 bits in the cache directory: `policy/{SHA-256 of the bundle}-int8-{version}.onnx`. It
//! follows from the bundle and the version alone, so that its name says all about it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::policy::bundle::{Bundle, LlamaConfig};
use crate::policy::onnx;

/// Changes with what [`onnx::int8_graph`] writes.
const VERSION: u32 = 1;
/// Graphs that are kept; of more, the oldest are removed. They are made again when they are needed.
const KEPT: usize = 4;

/// The bundle's graph, made where it is not there yet.
pub(super) fn file(bundle: &Bundle, config: &LlamaConfig, cache: &Path) -> Result<PathBuf> {
    let folder = cache.join("policy");
    let file = folder.join(format!("{}-int8-{VERSION}.onnx", bundle.sha256()));
    if file.is_file() {
        return Ok(file);
    }
    let context = || format!("cannot write `{}`", file.display());
    let graph = onnx::int8_graph(config, &bundle.weights()?)?;
    std::fs::create_dir_all(&folder).with_context(context)?;
    let mut temporary = tempfile::NamedTempFile::new_in(&folder).with_context(context)?;
    temporary.write_all(&graph).with_context(context)?;
    temporary.as_file().sync_all().with_context(context)?;
    temporary.persist(&file).with_context(context)?;
    remove_old(&folder, &file);
    Ok(file)
}

/// Removes all but the newest; what cannot be removed now can be the next time.
fn remove_old(folder: &Path, new: &Path) {
    let mut others: Vec<(SystemTime, PathBuf)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| e.path() != new && e.path().extension().is_some_and(|x| x == "onnx"))
        .filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path())))
        .collect();
    others.sort();
    let surplus = others.len().saturating_sub(KEPT - 1);
    for (_, old) in others.into_iter().take(surplus) {
        let _ = std::fs::remove_file(old);
    }
}
