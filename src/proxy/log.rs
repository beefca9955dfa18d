//! The log of `serve`: a file, since an editor shows what a server prints on stderr as an error.
//!
//! Lines go to a thread that writes them; where it cannot keep up or the disk is full, lines are lost
//! and nothing waits.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// A log longer than this is set aside as `serve.log.1` at the next start.
const LONGEST: u64 = 8 << 20;

/// Lines that may wait for the disk.
const WAITING: usize = 4096;

/// What is written where `LEAN_COPILOT_LOG` says nothing. ONNX Runtime tells of every node that it moves.
const DEFAULT: &str = "info,ort=warn";

/// Starts logging into `serve.log` below a folder, filtered by `LEAN_COPILOT_LOG` (as `RUST_LOG` is
/// written; [`DEFAULT`] where unset), and sends panics there. Without a folder that can be written nothing
/// is logged, for there is nowhere to say so.
pub fn start(folder: &Path) {
    std::panic::set_hook(Box::new(|info| tracing::error!("{info}")));
    let Ok(file) = open(folder) else { return };
    let (lines, waiting) = sync_channel::<Vec<u8>>(WAITING);
    let writer = std::thread::Builder::new().name("log".into()).spawn(move || {
        let mut file = file;
        for line in waiting {
            // A full disk must not stop the relay; the line is lost.
            let _ = file.write_all(&line);
        }
    });
    if writer.is_err() {
        return;
    }
    let filter = EnvFilter::try_from_env("LEAN_COPILOT_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    // A subscriber that was set before, by a test, stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Lines(lines))
        .try_init();
}

fn open(folder: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join("serve.log");
    if std::fs::metadata(&path).is_ok_and(|m| m.len() > LONGEST) {
        std::fs::rename(&path, folder.join("serve.log.1"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

struct Lines(SyncSender<Vec<u8>>);

/// One event's text, handed over whole when it is dropped.
struct Line {
    text: Vec<u8>,
    to: SyncSender<Vec<u8>>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { text: Vec::new(), to: self.0.clone() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // A full queue loses the line rather than wait.
        let _ = self.to.try_send(std::mem::take(&mut self.text));
    }
}
