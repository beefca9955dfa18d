//! `lean-copilot bench proxy`: the time of a message there and back, with and without the proxy.
//!
//! The server is `cat`, which echoes: what differs between the two ways is `lean-copilot serve -- cat`
//! as a process of its own, with its own pipes, as an editor starts it.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::error::{Failure, FailureKind};
use crate::lsp::codec::Frame;

/// Arguments of `bench proxy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Message sizes in bytes.
    #[arg(long, value_delimiter = ',', default_values_t = [1 << 10, 100 << 10, 10 << 20])]
    sizes: Vec<usize>,
    /// Messages of each size each way; fewer of the large ones where absent.
    #[arg(long)]
    count: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    bytes: usize,
    count: usize,
    direct: Times,
    proxied: Times,
    added_median_us: f64,
}

/// Microseconds there and back.
#[derive(Debug, Serialize)]
struct Times {
    median_us: f64,
    p99_us: f64,
}

/// Measures and prints.
pub fn proxy(args: &Args) -> Result<()> {
    let state = tempfile::tempdir()?;
    let exe = std::env::current_exe().context("where this program lies")?;
    let mut direct = Echo::start(Command::new("cat"))?;
    let mut serve = Command::new(exe);
    serve.args(["serve", "--", "cat"]);
    for key in ["CONFIG", "DATA", "STATE"] {
        serve.env(format!("LEAN_COPILOT_{key}_DIR"), state.path());
    }
    let mut proxied = Echo::start(serve)?;
    let mut rows = Vec::new();
    for &bytes in &args.sizes {
        rows.push(measure(bytes, args.count, &mut direct, &mut proxied)?);
    }
    if args.json {
        println!("{}", serde_json::json!({"sizes": rows}));
        return Ok(());
    }
    println!("{:>10} {:>7} {:>25} {:>25} {:>12}", "bytes", "count", "direct", "through the proxy", "added");
    for r in rows {
        let times = |t: &Times| format!("{:.0} µs (p99 {:.0})", t.median_us, t.p99_us);
        let (direct, proxied) = (times(&r.direct), times(&r.proxied));
        println!("{:>10} {:>7} {direct:>25} {proxied:>25} {:>9.0} µs", r.bytes, r.count, r.added_median_us);
    }
    Ok(())
}

/// Both ways in turn, so that what else the machine does falls on both.
fn measure(bytes: usize, count: Option<usize>, direct: &mut Echo, proxied: &mut Echo) -> Result<Row> {
    const WARM_UP: usize = 5;
    let count = count.unwrap_or((200 << 20) / bytes.max(1)).clamp(1, 1000);
    let message = message(bytes);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for i in 0..count + WARM_UP {
        let (a, b) = (direct.round_trip(&message)?, proxied.round_trip(&message)?);
        if i >= WARM_UP {
            without.push(a);
            with.push(b);
        }
    }
    let (direct, proxied) = (times(without), times(with));
    let added_median_us = proxied.median_us - direct.median_us;
    Ok(Row { bytes, count, direct, proxied, added_median_us })
}

fn times(mut all: Vec<Duration>) -> Times {
    all.sort_unstable();
    let at = |q: f64| all[((all.len() - 1) as f64 * q).round() as usize].as_secs_f64() * 1e6;
    Times { median_us: at(0.5), p99_us: at(0.99) }
}

/// A frame of about this many bytes that belongs to nobody: it only passes.
fn message(bytes: usize) -> Frame {
    let head = r#"{"jsonrpc":"2.0","method":"$/bench","params":{"text":""#;
    let line = "theorem t (p q : Prop) (h : p ∧ q) : q ∧ p := by\\n  exact ⟨h.2, h.1⟩\\n";
    let mut body = head.to_owned();
    while body.len() + line.len() + 3 < bytes {
        body.push_str(line);
    }
    body.push_str("\"}}");
    Frame::from_body(body)
}

/// What surely fits into a pipe, and needs no thread that writes while we read.
const FITS_PIPES: usize = 16 << 10;

/// A program that echoes.
struct Echo {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

impl Echo {
    fn start(mut command: Command) -> Result<Echo> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|e| {
            let program = command.get_program().to_string_lossy().into_owned();
            Failure::new(FailureKind::Other, format!("cannot start `{program}`: {e}"))
                .hint("the benchmark needs `cat` as the server that echoes")
        })?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("a pipe")?;
        Ok(Echo { child, stdin, stdout })
    }

    fn round_trip(&mut self, frame: &Frame) -> Result<Duration> {
        let stdin = self.stdin.as_mut().context("a pipe")?;
        let stdout = &mut self.stdout;
        let mut got = vec![0; frame.raw().len()];
        let begin = Instant::now();
        if frame.raw().len() <= FITS_PIPES {
            stdin.write_all(frame.raw()).and_then(|()| stdin.flush()).context("the echoing server ended")?;
            stdout.read_exact(&mut got).context("the echoing server ended")?;
            let took = begin.elapsed();
            ensure!(got == *frame.raw(), "the message came back changed");
            return Ok(took);
        }
        std::thread::scope(|scope| -> Result<()> {
            // A large message comes back while it is still being written.
            let writer = scope.spawn(|| stdin.write_all(frame.raw()).and_then(|()| stdin.flush()));
            stdout.read_exact(&mut got)?;
            writer.join().map_err(|_| anyhow::anyhow!("the writer failed"))??;
            Ok(())
        })
        .context("the echoing server ended")?;
        let took = begin.elapsed();
        ensure!(got == *frame.raw(), "the message came back changed");
        Ok(took)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Both end with their input; a status is of no interest here.
        let _ = self.child.wait();
    }
}
