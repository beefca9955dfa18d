//! The course of a run as a picture.

use anyhow::Result;
use plotters::prelude::*;
use serde_json::Value;

use super::learn::Run;

/// A line of the picture: what it shows, and its points (step, loss).
pub type Line = (&'static str, Vec<(f64, f64)>);

/// Points of a line; a run has many more steps than a picture has columns.
const POINTS: usize = 150;

/// The lines of a run: its loss over the batches, averaged, and the held-out losses, with that before it.
pub fn lines(run: &Run, before: f64) -> Vec<Line> {
    let size = run.losses.len().div_ceil(POINTS).max(1);
    let mean = |(i, some): (usize, &[f32])| {
        let sum: f64 = some.iter().map(|l| f64::from(*l)).sum();
        ((i * size + some.len()) as f64, sum / some.len() as f64)
    };
    let batches = run.losses.chunks(size).enumerate().map(mean).collect();
    let held_out = std::iter::once((0.0, before))
        .chain(run.evaluations.iter().map(|(step, e)| (*step as f64, e.loss)))
        .filter(|(_, loss)| loss.is_finite())
        .collect();
    vec![("objective on the batches", batches), ("held-out loss per token", held_out)]
}

/// The lines of a run elsewhere, as its `training.json` tells them.
pub fn imported(training: &Value) -> Vec<Line> {
    let of = |pick: fn(&Value) -> &Value| -> Vec<(f64, f64)> {
        let history = training["history"].as_array().into_iter().flatten();
        history.filter_map(|h| Some((h["step"].as_f64()?, pick(h).as_f64()?))).collect()
    };
    vec![
        ("objective on the batches", of(|h| &h["train"])),
        ("validation loss per token", of(|h| &h["validation"]["loss"])),
        ("held-out loss per token", of(|h| &h["heldout"]["loss"])),
    ]
}

/// The picture as SVG; none where no line has two points.
pub fn svg(title: &str, lines: &[Line]) -> Result<Option<String>> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    if lines.iter().all(|(_, points)| points.len() < 2) {
        return Ok(None);
    }
    let last = points().fold(1.0f64, |m, (x, _)| m.max(*x));
    let (low, high) = points().fold((f64::MAX, f64::MIN), |(l, h), (_, y)| (l.min(*y), h.max(*y)));
    let margin = 0.05 * (high - low).max(0.1);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (720, 400)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 17))
            .margin(12)
            .x_label_area_size(38)
            .y_label_area_size(52)
            .build_cartesian_2d(0.0..last, (low - margin).max(0.0)..high + margin)?;
        chart.configure_mesh().light_line_style(WHITE).x_desc("step").y_desc("loss").draw()?;
        for ((name, points), color) in lines.iter().zip([BLUE, GREEN, RED]) {
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
        }
        chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
        area.present()?;
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_a_line_for_each_loss_and_their_names() {
        let lines: Vec<Line> =
            vec![("batches", vec![(1.0, 3.0), (9.0, 2.0)]), ("held out", vec![(0.0, 3.5), (9.0, 2.5)])];
        let svg = svg("mine", &lines).unwrap().unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("mine"), "{svg}");
        assert!(svg.contains("batches") && svg.contains("held out"), "{svg}");
        assert!(svg.matches("<polyline").count() >= 2, "{svg}");
        assert_eq!(super::svg("empty", &[("batches", vec![(1.0, 3.0)])]).unwrap(), None);
    }

    #[test]
    fn the_history_of_another_trainer_is_read() {
        let training = serde_json::json!({ "history": [
            { "step": 5, "train": null, "validation": { "loss": 2.0 }, "heldout": null },
            { "step": 9, "train": 1.5, "validation": { "loss": 1.8 }, "heldout": null },
        ] });
        let lines = imported(&training);
        assert_eq!(lines[0].1, [(9.0, 1.5)]);
        assert_eq!(lines[1].1, [(5.0, 2.0), (9.0, 1.8)]);
        assert!(lines[2].1.is_empty() && imported(&Value::Null)[1].1.is_empty());
    }
}
