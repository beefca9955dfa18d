//! The report of `eval` for people.

use crate::eval::Report;
use crate::eval::report::{Paired, Shares, WEAK};

/// Prints it; `order` is that of the rows.
pub fn print(report: &Report, order: &[String]) {
    anstream::println!(
        "{} steps, {} theorems; {} shown of each set, {:.1} s of Lean each",
        report.steps,
        report.theorems,
        report.k,
        report.bounds.budget_ms / 1e3
    );
    if let Some(bundle) = &report.bundle {
        anstream::println!("policy: {bundle}");
    }
    let counts = &report.counts;
    if counts.unanswered + counts.unplayable + counts.refused > 0 {
        anstream::println!(
            "not counted: {} steps that Lean did not answer for, {} declarations that are not one block of \
             tactics; {} found proofs were refused in the file",
            counts.unanswered,
            counts.unplayable,
            counts.refused
        );
    }
    anstream::println!();
    heading("", true);
    for name in order {
        let (Some(shares), Some(first)) = (report.sources.get(name), report.times.first.get(name)) else {
            continue;
        };
        let interval = report.intervals[name]["same_state"];
        let first = format!("{:>6.0} {:>6.0}", first.median_ms, first.p95_ms);
        row(name, shares, Some((interval.low, interval.high)), &first);
    }
    print_pairs(&report.paired);
    anstream::println!(
        "\n{} hard steps: neither portfolio nor Lean's search closes them ({} undecided)\n",
        report.hard.steps,
        report.hard.undecided
    );
    if report.hard.steps > 0 {
        heading("", false);
        for name in order {
            let Some(shares) = report.hard.sources.get(name) else { continue };
            let interval = report.hard.intervals[name]["same_state"];
            row(name, shares, Some((interval.low, interval.high)), "");
        }
        print_pairs(&report.hard.paired);
    }
    if let Some(weak) = report.weak.as_ref().filter(|w| w.theorems > 0) {
        let shares: Vec<String> =
            weak.finished.iter().map(|(n, f)| format!("{n} {:.1} %", 100.0 * f)).collect();
        anstream::println!(
            "\nfinished of the {} theorems of {} files of which the baseline finishes under {:.0} %: {}",
            weak.theorems,
            weak.files,
            100.0 * WEAK,
            shares.join(", ")
        );
        print_pairs(&weak.paired);
    }
    let cut: Vec<String> = order
        .iter()
        .filter_map(|n| Some((n, *counts.cut.get(n)?)))
        .filter(|(_, c)| *c > 0.0)
        .map(|(n, c)| format!("{n} {:.1} %", 100.0 * c))
        .collect();
    if !cut.is_empty() {
        anstream::println!("\nsteps at which the budget cut something: {}", cut.join(", "));
    }
    let lost: usize = counts.lost.get("all").or(counts.lost.values().max()).copied().unwrap_or(0);
    if lost > 0 {
        anstream::println!("tactics that the clock stopped, or at which Lean died: {lost}");
    }
    anstream::println!(
        "{:.0} s; {} tactics run now, {} known from before",
        report.times.seconds,
        report.times.ran,
        report.times.known
    );
}

fn heading(what: &str, first: bool) {
    let times = if first { "first (ms): median p95" } else { "" };
    anstream::println!(
        "{what:<18} {:>8} {:>8} {:>10} {:>13} {:>8} {:>8}  {times}",
        "closes",
        "progress",
        "same state",
        "95 %",
        "exact",
        "finished"
    );
}

fn row(name: &str, s: &Shares, interval: Option<(f64, f64)>, first: &str) {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let interval = interval.map_or(String::new(), |(l, h)| format!("{:.1}–{:.1}", 100.0 * l, 100.0 * h));
    anstream::println!(
        "{name:<18} {:>8} {:>8} {:>10} {interval:>13} {:>8} {:>8}  {first}",
        percent(s.closes),
        percent(s.progress),
        percent(s.same_state),
        percent(s.exact),
        s.finished.map_or("–".to_owned(), percent)
    );
}

fn print_pairs(pairs: &[Paired]) {
    let told: Vec<&Paired> = pairs.iter().filter(|p| p.metric != "progress").collect();
    if !told.is_empty() {
        anstream::println!("\npaired differences, in points (95 %)");
    }
    for p in told {
        let shown = p.interval.low > 0.0 || p.interval.high < 0.0;
        anstream::println!(
            "  {} over {}, {}: {:+.1} ({:+.1} to {:+.1}){}",
            p.of,
            p.less,
            p.metric.replace('_', " "),
            100.0 * p.difference,
            100.0 * p.interval.low,
            100.0 * p.interval.high,
            if shown { "" } else { ", not shown" }
        );
    }
}
