//! What an installation says of itself: bars on a terminal, plain lines on a pipe, JSON Lines for programs.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::Component;

/// What happens during an installation, in this order for each component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Another process installs; this one waits for it.
    Waiting,
    /// A component is going to be installed.
    Start {
        /// Which.
        component: Component,
        /// Its version.
        version: String,
        /// Bytes to fetch, roughly; 0 when not known.
        download: u64,
        /// Bytes that it will take on the disk, roughly.
        disk: u64,
    },
    /// A package is being fetched.
    Fetch {
        /// Which component.
        component: Component,
        /// Name and version of the package.
        package: String,
        /// Bytes so far.
        done: u64,
        /// Bytes in all, roughly; 0 when not known.
        total: u64,
    },
    /// The component is unpacked or made ready.
    SetUp {
        /// Which component.
        component: Component,
        /// What is done now.
        step: String,
    },
    /// Something worth saying that is no failure.
    Note {
        /// The words.
        message: String,
    },
    /// The component is installed.
    Done {
        /// Which component.
        component: Component,
        /// Time that it took, in milliseconds.
        elapsed_ms: u64,
    },
}

/// Receives an installation's events; must not block for long.
pub trait Progress: Send + Sync {
    /// One event.
    fn event(&self, event: &Event);
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: &Event) {}
}

/// What suits standard error: JSON Lines when asked for, bars on a terminal, plain lines otherwise.
pub fn for_stderr(json: bool) -> Box<dyn Progress> {
    if json {
        Box::new(JsonLines)
    } else if std::io::stderr().is_terminal() {
        Box::new(Bars { bar: Mutex::new(None) })
    } else {
        Box::new(Lines)
    }
}

/// One JSON object a line on standard error.
pub struct JsonLines;

impl Progress for JsonLines {
    fn event(&self, event: &Event) {
        let line = serde_json::to_string(event).unwrap_or_default();
        // Nobody may be listening any more; the installation goes on.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

/// A line when something begins or ends, none for the bytes between.
pub struct Lines;

impl Progress for Lines {
    fn event(&self, event: &Event) {
        if let Some(line) = line_for(event) {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }
}

fn line_for(event: &Event) -> Option<String> {
    match event {
        Event::Waiting => Some("another lean-copilot is installing; waiting for it to finish".into()),
        Event::Start { component, version, download, disk } => {
            let fetch = match download {
                0 => String::new(),
                n => format!("{} to fetch, ", HumanBytes(*n)),
            };
            Some(format!("installing {component} {version} ({fetch}{} on disk)", HumanBytes(*disk)))
        }
        Event::Note { message } => Some(message.clone()),
        Event::Done { component, elapsed_ms } => {
            Some(format!("installed {component} in {:.1} s", *elapsed_ms as f64 / 1000.0))
        }
        Event::Fetch { .. } | Event::SetUp { .. } => None,
    }
}

/// A bar for the bytes, a spinner for the rest.
struct Bars {
    bar: Mutex<Option<(String, ProgressBar)>>,
}

impl Bars {
    fn show(&self, key: &str, total: u64) -> ProgressBar {
        let mut slot = self.bar.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((k, bar)) = &*slot {
            if k == key {
                return bar.clone();
            }
            bar.finish_and_clear();
        }
        let (bar, template) = if total > 0 {
            (ProgressBar::new(total), "  {msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}")
        } else {
            (ProgressBar::new_spinner(), "  {spinner} {msg}")
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(key.to_owned());
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        *slot = Some((key.to_owned(), bar.clone()));
        bar
    }
}

impl Progress for Bars {
    fn event(&self, event: &Event) {
        match event {
            Event::Fetch { package, done, total, .. } => {
                // The clients write more than the archive alone (headers, a second copy for a moment).
                let done = if *total > 0 { (*done).min(*total) } else { *done };
                self.show(&format!("fetching {package}"), *total).set_position(done);
            }
            Event::SetUp { step, .. } => {
                self.show(step, 0);
            }
            other => {
                if let Some((_, bar)) = self.bar.lock().unwrap_or_else(|e| e.into_inner()).take() {
                    bar.finish_and_clear();
                }
                if let Some(line) = line_for(other) {
                    anstream::eprintln!("{line}");
                }
            }
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        if let Some((_, bar)) = self.bar.get_mut().unwrap_or_else(|e| e.into_inner()).take() {
            bar.finish_and_clear();
        }
    }
}
