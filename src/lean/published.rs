//! What a server of ours has published about its documents.

use std::collections::HashMap;

use lsp_types::Diagnostic;

/// Diagnostics of one document that are kept; more come from a program that prints without end.
const MOST_DIAGNOSTICS: usize = 20_000;

/// A document's diagnostics as published so far.
#[derive(Debug, Default, Clone)]
pub struct Published {
    /// The version that they are about.
    pub version: Option<i32>,
    /// In the order of publication.
    pub diagnostics: Vec<Diagnostic>,
    /// There were more than are kept.
    pub flooded: bool,
}

/// The parameters of `textDocument/publishDiagnostics`.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishParams {
    uri: String,
    version: Option<i32>,
    diagnostics: Vec<Diagnostic>,
    #[serde(default)]
    is_incremental: bool,
}

/// `isIncremental` (Lean 4.31) appends to the same version; otherwise the list is replaced.
pub fn publish(params: PublishParams, published: &mut HashMap<String, Published>) {
    let entry = published.entry(params.uri).or_default();
    // A late message about an older version says nothing about the newer one.
    if matches!((entry.version, params.version), (Some(have), Some(new)) if new < have) {
        return;
    }
    if params.is_incremental && entry.version == params.version {
        let room = MOST_DIAGNOSTICS.saturating_sub(entry.diagnostics.len());
        entry.flooded |= params.diagnostics.len() > room;
        entry.diagnostics.extend(params.diagnostics.into_iter().take(room));
    } else {
        (entry.diagnostics, entry.flooded) = (params.diagnostics, false);
    }
    entry.version = params.version;
}
