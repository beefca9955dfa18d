//! The output of a trace, written file by file so that a run can be continued.
//!
//! `steps.jsonl` holds whole files' steps, one behind the other, and is readable at any time. Beside it,
//! `steps.jsonl.files` says for each file what its steps were made from and how many there are. A run that is
//! begun again keeps what is complete and unchanged, and traces the rest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::run::FileReport;
use crate::error::{Failure, FailureKind};
use crate::proof::ProofStep;

/// A file that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The file as given, `/` between its parts.
    pub file: String,
    /// What its steps were made from (`Source::key`).
    pub key: String,
    /// Number of its steps: as many lines.
    pub steps: usize,
    /// Number of errors that Lean reported.
    pub errors: usize,
    /// The first error, or why nothing could be traced.
    pub problem: Option<String>,
    /// Declarations with tactics.
    pub declarations: usize,
    /// Those of them with steps and without errors.
    pub clean: usize,
}

impl Entry {
    /// What is noted of a file that is traced.
    pub fn new(key: &str, report: &FileReport) -> Entry {
        Entry {
            file: report.file.to_string_lossy().replace('\\', "/"),
            key: key.to_owned(),
            steps: report.steps.len(),
            errors: report.errors,
            problem: report.problem.clone(),
            declarations: report.declarations,
            clean: report.clean,
        }
    }
}

/// An output that grows.
#[derive(Debug)]
pub struct Journal {
    out: PathBuf,
    steps: File,
    index: File,
    /// What is done, in the order of the output.
    pub entries: Vec<Entry>,
}

impl Journal {
    /// Opens or begins the output. Of what is there already the files in `keys` with the same key are kept;
    /// the rest, and what a broken-off run left half written, is removed.
    pub fn open(out: &Path, keys: &BTreeMap<String, String>) -> Result<Journal> {
        let index = index_of(out);
        // An output without an index is not ours to change.
        if out.metadata().is_ok_and(|m| m.len() > 0) && !index.is_file() {
            let message =
                format!("`{}` exists, and no trace of Lean files can be continued in it", out.display());
            return Err(Failure::new(FailureKind::Usage, message)
                .hint("name another file, or remove it")
                .into());
        }
        let known = read_index(&index)?;
        let keep: Vec<bool> = known.iter().map(|e| keys.get(&e.file) == Some(&e.key)).collect();
        let mut kept = Vec::new();
        let mut text = Vec::new();
        if out.is_file() {
            let file = File::open(out).with_context(|| format!("cannot read `{}`", out.display()))?;
            let mut lines = BufReader::new(file);
            for (entry, keep) in known.into_iter().zip(keep) {
                let mut part = Vec::new();
                let mut complete = 0;
                for _ in 0..entry.steps {
                    let n = lines
                        .read_until(b'\n', &mut part)
                        .with_context(|| format!("reading `{}`", out.display()))?;
                    complete += usize::from(n > 0 && part.ends_with(b"\n"));
                }
                if keep && complete == entry.steps {
                    text.extend(part);
                    kept.push(entry);
                }
            }
        }
        replace(out, &text)?;
        replace(&index, &index_text(&kept)?)?;
        let append = |path: &Path| -> Result<File> {
            let mut file = File::options()
                .write(true)
                .open(path)
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        Ok(Journal { out: out.to_owned(), steps: append(out)?, index: append(&index)?, entries: kept })
    }

    /// Reads the steps of what is done, file by file, in the order of the output.
    pub fn read(&self, mut each: impl FnMut(&Entry, Vec<ProofStep>) -> Result<()>) -> Result<()> {
        let reading = || format!("reading `{}`", self.out.display());
        let mut lines = BufReader::new(File::open(&self.out).with_context(reading)?).lines();
        for entry in &self.entries {
            let mut steps = Vec::with_capacity(entry.steps);
            for line in lines.by_ref().take(entry.steps) {
                steps.push(serde_json::from_str(&line.with_context(reading)?).with_context(reading)?);
            }
            each(entry, steps)?;
        }
        Ok(())
    }

    /// Adds a file with its steps: the steps first, then the line that makes them count.
    pub fn add(&mut self, key: &str, report: &FileReport) -> Result<()> {
        let entry = Entry::new(key, report);
        let mut text = Vec::new();
        for step in &report.steps {
            serde_json::to_writer(&mut text, step)?;
            text.push(b'\n');
        }
        let line = index_text(std::slice::from_ref(&entry))?;
        let mut write = || -> std::io::Result<()> {
            self.steps.write_all(&text)?;
            self.index.write_all(&line)
        };
        write().with_context(|| format!("cannot write `{}`", self.out.display()))?;
        self.entries.push(entry);
        Ok(())
    }

    /// Sorts the output by file, so that it does not depend on which file was done first.
    pub fn finish(self) -> Result<Vec<Entry>> {
        let Journal { out, entries, .. } = self;
        let file = File::open(&out).with_context(|| format!("cannot read `{}`", out.display()))?;
        let mut lines = BufReader::new(file);
        let mut parts = Vec::new();
        for entry in entries {
            let mut part = Vec::new();
            for _ in 0..entry.steps {
                lines.read_until(b'\n', &mut part).with_context(|| format!("reading `{}`", out.display()))?;
            }
            parts.push((entry, part));
        }
        parts.sort_by(|a, b| a.0.file.cmp(&b.0.file));
        let (entries, parts): (Vec<Entry>, Vec<Vec<u8>>) = parts.into_iter().unzip();
        replace(&out, &parts.concat())?;
        replace(&index_of(&out), &index_text(&entries)?)?;
        Ok(entries)
    }
}

fn index_of(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".files");
    name.into()
}

fn read_index(index: &Path) -> Result<Vec<Entry>> {
    let text = match std::fs::read_to_string(index) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e).with_context(|| format!("cannot read `{}`", index.display())),
    };
    // A last line that was cut off belongs to a file that is not done.
    Ok(text.lines().map_while(|l| serde_json::from_str(l).ok()).collect())
}

fn index_text(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut text, entry)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// Replaces a file as a whole.
fn replace(path: &Path, text: &[u8]) -> Result<()> {
    let write = || -> Result<()> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text)?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(file: &str, tactics: &[&str]) -> FileReport {
        let step =
            |tactic: &&str| ProofStep { file: file.into(), ..ProofStep::sample("d", "⊢ True", tactic) };
        let steps: Vec<ProofStep> = tactics.iter().map(step).collect();
        FileReport { file: file.into(), steps, errors: 0, problem: None, declarations: 1, clean: 1 }
    }

    fn keys(keys: &[(&str, &str)]) -> BTreeMap<String, String> {
        keys.iter().map(|(f, k)| ((*f).to_owned(), (*k).to_owned())).collect()
    }

    fn tactics(out: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(out).unwrap();
        text.lines().map(|l| serde_json::from_str::<ProofStep>(l).unwrap().tactic).collect()
    }

    #[test]
    fn a_broken_off_run_keeps_what_is_complete_and_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("steps.jsonl");
        let all = keys(&[("A", "1"), ("B", "1"), ("C", "1")]);
        let mut journal = Journal::open(&out, &all).unwrap();
        journal.add("1", &report("C", &["c1", "c2"])).unwrap();
        journal.add("1", &report("A", &["a1"])).unwrap();
        drop(journal);
        // Half a file, without the line that makes it count.
        let mut file = File::options().append(true).open(&out).unwrap();
        file.write_all(b"{\"half\":").unwrap();

        let journal = Journal::open(&out, &keys(&[("A", "1"), ("B", "1"), ("C", "2")])).unwrap();
        assert_eq!(
            journal.entries.iter().map(|e| e.file.as_str()).collect::<Vec<_>>(),
            ["A"],
            "C has changed"
        );
        assert_eq!(tactics(&out), ["a1"]);
        drop(journal);

        let mut journal = Journal::open(&out, &all).unwrap();
        journal.add("1", &report("C", &["c3"])).unwrap();
        journal.add("1", &report("B", &[])).unwrap();
        assert_eq!(journal.finish().unwrap().len(), 3);
        assert_eq!(tactics(&out), ["a1", "c3"], "sorted by file");
        let journal = Journal::open(&out, &all).unwrap();
        let mut read = Vec::new();
        let note = |e: &Entry, steps: Vec<ProofStep>| {
            read.push((e.file.clone(), steps.len()));
            Ok(())
        };
        journal.read(note).unwrap();
        assert_eq!(read, [("A".into(), 1), ("B".into(), 0), ("C".into(), 1)], "nothing is left to do");
    }

    #[test]
    fn a_file_of_another_kind_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("notes.txt");
        std::fs::write(&out, "mine").unwrap();
        assert!(Journal::open(&out, &BTreeMap::new()).is_err());
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
    }
}
