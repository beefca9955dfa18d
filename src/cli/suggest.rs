//! `lean-copilot suggest`.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::place::{self, PlaceArgs, explain};
use super::{Context, needs};
use crate::proof::{Candidate, Goal, Verdict};
use crate::suggest::{Pipeline, SuggestRequest, Suggestion, Update, rank};
use crate::verify::no_goal;

/// Arguments of `suggest`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    /// Write one JSON object: `goal`, `goals`, `suggestions` (best first), `elapsed_ms`.
    #[arg(long)]
    json: bool,
    /// Stop after this time, such as `5s` or `800ms`, with what is verified by then. Without it, the probe is waited for,
    /// which knows what is in scope.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    budget: Option<Duration>,
    /// Show at most so many suggestions.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Show what was tried without success, too, with Lean's answers.
    #[arg(long)]
    tried: bool,
}

/// What a request has brought.
#[derive(Debug, Default)]
struct Outcome {
    goals: Vec<Goal>,
    suggestions: Vec<Suggestion>,
    tried: Vec<(Candidate, Verdict)>,
    elapsed_ms: f64,
    bundle: Option<String>,
    problems: Vec<String>,
}

/// Runs the command.
pub fn suggest(args: Args, context: Context) -> Result<()> {
    let (place, command) = args.place.resolve(&context)?;
    // Without the policy the other sources serve, and what is wrong is said at the end.
    if !context.offline
        && let Err(e) = needs::policy(&context)
    {
        anstream::eprintln!("warning: {e:#}");
    }
    place::run(async move {
        let limit = args.limit.unwrap_or(context.settings.limit);
        let pipeline = Pipeline::new(context.dirs, context.settings, command)?;
        // Who gave a budget wants what is to be had in it.
        let patient = args.budget.is_none();
        let request =
            SuggestRequest { place: place.clone(), goals: None, limit, budget: args.budget, patient };
        let mut updates = pipeline.suggest(request);
        let mut outcome = Outcome::default();
        let mut has_goals = false;
        while let Some(update) = updates.recv().await {
            has_goals |= matches!(update, Update::Goals(_));
            outcome.take(update);
        }
        if !has_goals && !args.budget.is_some_and(|b| outcome.elapsed_ms >= b.as_secs_f64() * 1000.0) {
            // Asked again for the failure with its kind and remedy.
            pipeline.verifier().state(&place).await?.ok_or_else(|| no_goal(&place))?;
        }
        rank(&mut outcome.suggestions);
        outcome.suggestions.truncate(limit);
        if args.json {
            outcome.write_json(args.tried)
        } else {
            outcome.write_text(args.tried)
        }
        for problem in &outcome.problems {
            anstream::eprintln!("warning: {problem}");
        }
        Ok(())
    })
}

impl Outcome {
    fn take(&mut self, update: Update) {
        match update {
            Update::Goals(goals) => self.goals = goals,
            Update::Checking(_) | Update::Left(_) => {}
            Update::Verdict { candidate, verdict } => {
                if !verdict.kind.is_success() {
                    self.tried.retain(|(c, _)| c.tactic != candidate.tactic);
                    self.tried.push((candidate, verdict));
                }
            }
            Update::Suggestion(s) => match self.suggestions.iter_mut().find(|o| o.id == s.id) {
                Some(old) => *old = s,
                None => self.suggestions.push(s),
            },
            Update::Done { elapsed_ms, bundle, problems } => {
                (self.elapsed_ms, self.bundle, self.problems) = (elapsed_ms, bundle, problems);
            }
        }
    }

    fn write_json(&self, tried: bool) {
        let mut out = json!({
            "goal": self.goals.first(),
            "goals": self.goals,
            "suggestions": self.suggestions,
            "bundle": self.bundle,
            "problems": self.problems,
            "elapsed_ms": self.elapsed_ms,
        });
        if tried {
            let failed = |(c, v): &(Candidate, Verdict)| {
                json!({"tactic": c.tactic, "source": c.source, "sources": c.sources, "log_prob": c.log_prob,
                       "verdict": v})
            };
            out["tried"] = self.tried.iter().map(failed).collect();
        }
        anstream::println!("{out}");
    }

    fn write_text(&self, tried: bool) {
        let main = self.goals.first().map_or("no goals", |g| g.text.as_str());
        anstream::println!("{main}\n");
        if self.suggestions.is_empty() {
            anstream::println!("no suggestion ({} tried)", self.tried.len());
        }
        for s in &self.suggestions {
            anstream::println!("{}  [{}]", explain(&s.candidate.tactic, &s.verdict), sources(&s.candidate));
        }
        if tried && !self.tried.is_empty() {
            anstream::println!("\ntried:");
            for (c, v) in &self.tried {
                anstream::println!("{}  [{}]", explain(&c.tactic, v), sources(c));
            }
        }
    }
}

fn sources(c: &Candidate) -> String {
    c.sources.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ")
}

/// `5s`, `1.5s`, `800ms`, or a number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(n), _) => (n, 0.001),
        (None, Some(n)) => (n, 1.0),
        (None, None) => (text, 1.0),
    };
    let seconds = number.trim().parse::<f64>().ok().map(|n| n * unit);
    seconds
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
        .filter(|d| !d.is_zero())
        .ok_or_else(|| "a time such as `5s` or `800ms` is wanted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_has_a_unit() {
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("800ms"), Ok(Duration::from_millis(800)));
        assert_eq!(duration("1.5"), Ok(Duration::from_millis(1500)));
        assert!(duration("0").is_err() && duration("-1s").is_err() && duration("soon").is_err());
    }
}
