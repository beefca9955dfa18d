//! `lean-copilot bench proxy`: what the proxy adds to a message's way, and how much goes through it.
//!
//! The server is `cat`, which echoes. Three ways to it are taken in turn, in one run: `cat` alone; a bare
//! pipe, which is a `cat` more on the way there and on the way back, the least that a process in between
//! can cost; and `lean-copilot serve -- cat`, a process of its own with its own pipes, as an editor starts
//! it.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::error::{Failure, FailureKind};
use crate::lsp::codec::Frame;

/// Arguments of `bench proxy`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A round trip passes the proxy twice; `added` is half of the difference, the cost of one message passing once.
Throughput is that of messages sent without waiting for their echo, counted once.

Examples:
  lean-copilot bench proxy
  lean-copilot bench proxy --sizes 1024 --count 5000 --json")]
pub struct Args {
    /// Message sizes in bytes.
    #[arg(long, value_delimiter = ',', default_values_t = [1 << 10, 100 << 10, 10 << 20])]
    sizes: Vec<usize>,
    /// Round trips of each size each way; fewer of the large ones where absent.
    #[arg(long)]
    count: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One value for each of the three ways.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Ways<T> {
    direct: T,
    bare_pipe: T,
    proxied: T,
}

#[derive(Debug, Serialize)]
struct Row {
    bytes: usize,
    count: usize,
    /// There and back.
    round_trip: Ways<Times>,
    /// Added to one message's way, against `direct`.
    added_by_bare_pipe: Times,
    added_by_proxy: Times,
    megabytes_per_s: Ways<f64>,
}

/// Microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Times {
    median_us: f64,
    p99_us: f64,
}

/// Measures and prints.
pub fn proxy(args: &Args) -> Result<()> {
    let state = tempfile::tempdir()?;
    let exe = std::env::current_exe().context("where this program lies")?;
    let mut bare = Command::new("sh");
    bare.args(["-c", "cat | cat | cat"]);
    let mut serve = Command::new(exe);
    serve.args(["serve", "--", "cat"]);
    for key in ["CONFIG", "DATA", "STATE"] {
        serve.env(format!("LEAN_COPILOT_{key}_DIR"), state.path());
    }
    let mut ways = [Echo::start(Command::new("cat"))?, Echo::start(bare)?, Echo::start(serve)?];
    let mut rows = Vec::new();
    for &bytes in &args.sizes {
        rows.push(measure(bytes, args.count, &mut ways)?);
    }
    if args.json {
        println!("{}", serde_json::json!({"sizes": rows}));
    } else {
        print(&rows);
    }
    Ok(())
}

fn print(rows: &[Row]) {
    let us = |t: &Times| format!("{:.0} (p99 {:.0})", t.median_us, t.p99_us);
    println!("round trips in µs");
    println!("{:>10} {:>6} {:>22} {:>22} {:>22}", "bytes", "count", "direct", "bare pipe", "proxy");
    for r in rows {
        let [a, b, c] = [&r.round_trip.direct, &r.round_trip.bare_pipe, &r.round_trip.proxied].map(us);
        println!("{:>10} {:>6} {a:>22} {b:>22} {c:>22}", r.bytes, r.count);
    }
    println!("\nadded to one message's way, in µs, and throughput in MB/s");
    println!(
        "{:>10} {:>22} {:>22} {:>9} {:>9} {:>9}",
        "bytes", "by a bare pipe", "by the proxy", "direct", "bare", "proxy"
    );
    for r in rows {
        let [a, b] = [&r.added_by_bare_pipe, &r.added_by_proxy].map(us);
        let Ways { direct, bare_pipe, proxied } = r.megabytes_per_s;
        println!("{:>10} {a:>22} {b:>22} {direct:>9.0} {bare_pipe:>9.0} {proxied:>9.0}", r.bytes);
    }
}

/// All ways in turn, so that what else the machine does falls on each.
fn measure(bytes: usize, count: Option<usize>, ways: &mut [Echo; 3]) -> Result<Row> {
    const WARM_UP: usize = 5;
    const ROUNDS: usize = 3;
    let count = count.unwrap_or((200 << 20) / bytes.max(1)).clamp(1, 1000);
    let message = message(bytes);
    let mut times: [Vec<Duration>; 3] = Default::default();
    for i in 0..count + WARM_UP {
        for (way, times) in ways.iter_mut().zip(&mut times) {
            let took = way.round_trip(&message)?;
            if i >= WARM_UP {
                times.push(took);
            }
        }
    }
    // A stream of small messages is short enough for the patience of its reader.
    let streamed = (300 << 20) / bytes.max(1);
    let streamed = streamed.clamp(1, 20_000);
    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (way, rates) in ways.iter_mut().zip(&mut rates) {
            rates.push(way.stream(&message, streamed)?);
        }
    }
    let [direct, bare_pipe, proxied] = times.map(quantiles);
    let added = |with: Times| Times {
        median_us: (with.median_us - direct.median_us) / 2.0,
        p99_us: (with.p99_us - direct.p99_us) / 2.0,
    };
    let [a, b, c] = rates.map(|mut r| {
        r.sort_by(f64::total_cmp);
        r[ROUNDS / 2]
    });
    Ok(Row {
        bytes,
        count,
        added_by_bare_pipe: added(bare_pipe),
        added_by_proxy: added(proxied),
        round_trip: Ways { direct, bare_pipe, proxied },
        megabytes_per_s: Ways { direct: a, bare_pipe: b, proxied: c },
    })
}

fn quantiles(mut all: Vec<Duration>) -> Times {
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

/// What surely fits into the pipes and the program between them, and needs no thread that writes while we
/// read.
const FITS_PIPES: usize = 120 << 10;

/// A program that echoes.
struct Echo {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    got: Vec<u8>,
}

impl Echo {
    fn start(mut command: Command) -> Result<Echo> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|e| {
            let program = command.get_program().to_string_lossy().into_owned();
            Failure::new(FailureKind::Other, format!("cannot start `{program}`: {e}"))
                .hint("the benchmark needs `sh` and `cat` as the server that echoes")
        })?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("a pipe")?;
        Ok(Echo { child, stdin, stdout, got: Vec::new() })
    }

    fn round_trip(&mut self, frame: &Frame) -> Result<Duration> {
        let stdin = self.stdin.as_mut().context("a pipe")?;
        let stdout = &mut self.stdout;
        let got = &mut self.got;
        got.resize(frame.raw().len(), 0);
        let begin = Instant::now();
        let result = if frame.raw().len() <= FITS_PIPES {
            stdin.write_all(frame.raw()).and_then(|()| stdout.read_exact(got)).map_err(Into::into)
        } else {
            std::thread::scope(|scope| -> Result<()> {
                // A large message comes back while it is still being written.
                let writer = scope.spawn(|| stdin.write_all(frame.raw()));
                stdout.read_exact(got)?;
                writer.join().map_err(|_| anyhow::anyhow!("the writer failed"))?.map_err(Into::into)
            })
        };
        result.context("the echoing server ended")?;
        let took = begin.elapsed();
        ensure!(self.got == *frame.raw(), "the message came back changed");
        Ok(took)
    }

    /// Sends messages without waiting for their echo; megabytes per second.
    fn stream(&mut self, frame: &Frame, count: usize) -> Result<f64> {
        let stdin = self.stdin.as_mut().context("a pipe")?;
        let stdout = &mut self.stdout;
        let got = &mut self.got;
        let total = frame.raw().len() * count;
        got.resize(256 << 10, 0);
        let begin = Instant::now();
        std::thread::scope(|scope| -> Result<()> {
            let writer = scope.spawn(|| (0..count).try_for_each(|_| stdin.write_all(frame.raw())));
            let mut left = total;
            while left > 0 {
                let n = stdout.read(got)?;
                ensure!(n > 0, "the stream ended {left} bytes early");
                left -= n;
            }
            writer.join().map_err(|_| anyhow::anyhow!("the writer failed"))?.map_err(Into::into)
        })
        .context("the echoing server ended")?;
        Ok(total as f64 / 1e6 / begin.elapsed().as_secs_f64())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // All end with their input; a status is of no interest here.
        let _ = self.child.wait();
    }
}
