//! The figures as bars with their intervals, in SVG.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::interval::Interval;
use super::report::{Report, Shares};

const ROW: i32 = 26;
const LEFT: i32 = 150;
const TOP: i32 = 40;
const WIDTH: i32 = 720;
const RIGHT: i32 = 70;
const INK: RGBColor = RGBColor(60, 60, 60);
const BAR: RGBColor = RGBColor(91, 143, 195);

/// A bar: its label, a share between 0 and 1, and its interval.
struct Bar<'a> {
    label: &'a str,
    share: f64,
    interval: Interval,
}

type Intervals = BTreeMap<String, BTreeMap<String, Interval>>;

/// The bars of one figure, for those sets that have it.
fn bars<'a>(
    order: &'a [String],
    sources: &BTreeMap<String, Shares>,
    intervals: &Intervals,
    metric: &str,
) -> Vec<Bar<'a>> {
    let bar = |name: &'a String| {
        let s = sources.get(name)?;
        let share = match metric {
            "closes" => s.closes,
            "same_state" => s.same_state,
            _ => s.finished?,
        };
        Some(Bar { label: name, share, interval: *intervals.get(name)?.get(metric)? })
    };
    order.iter().filter_map(bar).collect()
}

/// Draws the report into a folder; returns the files. `order` is that of the sets.
pub fn plot(report: &Report, order: &[String], folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let (all, hard) = (&report.sources, &report.hard.sources);
    let steps = report.steps;
    let drawn = [
        ("same-state.svg", format!("leads to the author's next state ({steps} steps)"), all, "same_state"),
        ("closes.svg", format!("closes the goal ({steps} steps)"), all, "closes"),
        (
            "hard-same-state.svg",
            format!("leads to the author's next state ({} hard steps)", report.hard.steps),
            hard,
            "same_state",
        ),
        ("finished.svg", format!("theorems finished ({})", report.theorems), all, "finished"),
    ];
    let mut files = Vec::new();
    for (name, title, sources, metric) in drawn {
        let intervals = if name.starts_with("hard") { &report.hard.intervals } else { &report.intervals };
        let bars = bars(order, sources, intervals, metric);
        if bars.is_empty() || (name.starts_with("hard") && report.hard.steps == 0) {
            continue;
        }
        let file = folder.join(name);
        draw(&file, &title, &bars).map_err(|e| anyhow!("cannot draw `{}`: {e}", file.display()))?;
        files.push(file);
    }
    Ok(files)
}

fn draw(file: &Path, title: &str, bars: &[Bar]) -> Result<(), Box<dyn std::error::Error>> {
    let height = TOP + ROW * bars.len() as i32 + 30;
    let area = SVGBackend::new(file, (WIDTH as u32, height as u32)).into_drawing_area();
    // White, so that it can be read on a dark page.
    area.fill(&WHITE)?;
    let text =
        |size: i32, h: HPos| ("sans-serif", size).into_font().color(&INK).pos(Pos::new(h, VPos::Center));
    area.draw(&Text::new(title.to_owned(), (LEFT, TOP / 2), text(15, HPos::Left)))?;
    let x = |share: f64| LEFT + (f64::from(WIDTH - LEFT - RIGHT) * share).round() as i32;
    let bottom = TOP + ROW * bars.len() as i32;
    for tick in 0..=4 {
        let share = f64::from(tick) / 4.0;
        area.draw(&PathElement::new(vec![(x(share), TOP), (x(share), bottom)], INK.mix(0.2)))?;
        let label = format!("{:.0} %", 100.0 * share);
        area.draw(&Text::new(label, (x(share), bottom + 14), text(12, HPos::Center)))?;
    }
    for (i, bar) in bars.iter().enumerate() {
        let middle = TOP + ROW * i as i32 + ROW / 2;
        area.draw(&Text::new(bar.label.to_owned(), (LEFT - 8, middle), text(13, HPos::Right)))?;
        let corners = [(x(0.0), middle - 8), (x(bar.share), middle + 8)];
        area.draw(&Rectangle::new(corners, BAR.filled()))?;
        let (low, high) = (x(bar.interval.low), x(bar.interval.high));
        area.draw(&PathElement::new(vec![(low, middle), (high, middle)], INK.stroke_width(2)))?;
        for end in [low, high] {
            area.draw(&PathElement::new(vec![(end, middle - 4), (end, middle + 4)], INK.stroke_width(2)))?;
        }
        let figure = format!("{:.1} %", 100.0 * bar.share);
        area.draw(&Text::new(
            figure,
            (x(bar.interval.high.max(bar.share)) + 8, middle),
            text(12, HPos::Left),
        ))?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.svg");
        let bar =
            |label, share| Bar { label, share, interval: Interval { low: share - 0.1, high: share + 0.1 } };
        draw(&file, "how many", &[bar("policy", 0.5), bar("all", 0.25)]).unwrap();
        let svg = std::fs::read_to_string(&file).unwrap();
        for part in ["how many", "policy", "50.0 %", "25.0 %", "width=\"250\"", "width=\"125\""] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
    }
}
