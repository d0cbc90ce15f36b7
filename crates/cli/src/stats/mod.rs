//! `--stats`: what the engine did, for people and for programs.
//!
//! ```text
//!   EngineStats ── serde ──► JSON ──► figures: path and number ──┬─► text
//!                              │                                 └─► Prometheus ◄── kinds and help:
//!                              └─► as it is                                         docs/statistics.md
//! ```
//!
//! No figure is named here: what the engine counts is printed.

mod figures;
mod metrics;
mod prometheus;

use std::{
    fs,
    io::{self, Write},
};

use tierup::{Engine, EngineStats};

use crate::{
    args::{StatsArgs, StatsFormat},
    outcome::Failure,
};
use figures::{Figure, Number, figures};

/// Prints what the engine did so far, if that was asked for. `done` is how the command ended, which
/// counts more than whether this can be printed.
pub(crate) fn after<R>(
    args: &StatsArgs,
    engine: &Engine,
    done: Result<R, Failure>,
) -> Result<R, Failure> {
    let format = match (args.stats, &args.stats_file) {
        (None, None) => return done,
        (format, _) => format.unwrap_or(StatsFormat::Text),
    };
    let text = show(&engine.stats(), format);
    let Some(file) = &args.stats_file else {
        // There is no one left to tell if printing fails.
        let _ = writeln!(io::stderr(), "{text}");
        return done;
    };
    let written = fs::write(file, text + "\n");
    done.and_then(|done| {
        let failure = |error| Failure::error(format!("cannot write {}: {error}", file.display()));
        written.map(|()| done).map_err(failure)
    })
}

fn show(stats: &EngineStats, format: StatsFormat) -> String {
    let value = serde_json::to_value(stats).expect("statistics are numbers under names");
    match format {
        StatsFormat::Json => value.to_string(),
        StatsFormat::Text => text(&figures(&value)),
        StatsFormat::Prometheus => prometheus::show(&figures(&value)),
    }
}

/// A line for each figure.
fn text(figures: &[Figure]) -> String {
    let lines = figures.iter().map(|figure| {
        let name = match &figure.of {
            Some(of) => format!("{}[{of}]", figure.path),
            None => figure.path.clone(),
        };
        let number = match &figure.number {
            Number::One(number) => number.to_string(),
            Number::Summary(summary) => {
                let parts = summary.iter().map(|(name, number)| format!("{name} {number}"));
                parts.collect::<Vec<_>>().join(", ")
            }
        };
        format!("{name:<44} {number}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_a_line_for_each_figure() {
        let value = serde_json::json!({
            "revived": 3,
            "tenants": [{ "name": "a", "bytes": 7 }],
            "time": { "count": 2, "sum": 3, "p50": 1, "p99": 2, "max": 2 },
        });
        let text = text(&figures(&value));
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["revived", "3"]);
        assert_eq!(lines[1], ["tenants.bytes[a]", "7"]);
        assert_eq!(lines[2].join(" "), "time count 2, max 2, p50 1, p99 2, sum 3");
    }
}
