//! Statistics in the text format of Prometheus.
//!
//! | figure | becomes |
//! |---|---|
//! | `traps`, a counter | `tierup_traps_total` |
//! | `code.committed_bytes`, a gauge | `tierup_code_committed_bytes` |
//! | `compiles.lazy_nanoseconds`, a distribution | a summary `tierup_compiles_lazy_seconds` and a gauge `…_max` |
//!
//! Times become seconds. A list's elements have their name as a label.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::Number as JsonNumber;

use super::{
    figures::{Figure, Number},
    metrics::{Kind, Metric, metrics},
};

/// All figures. Those of one name come together, as the format wants.
pub(super) fn show(figures: &[Figure]) -> String {
    let metrics = metrics();
    let mut families: BTreeMap<String, String> = BTreeMap::new();
    for figure in figures {
        let metric = metrics.get(&*figure.path).copied();
        for line in lines(figure, metric) {
            let family = families.entry(line.family).or_insert_with_key(|name| {
                let help = metric.map_or("", |metric| metric.help);
                format!("# HELP {name} {help}\n# TYPE {name} {}\n", line.kind)
            });
            *family += &line.sample;
        }
    }
    families.into_values().collect::<String>().trim_end().to_owned()
}

/// A sample and the family that it belongs to.
struct Line {
    family: String,
    kind: &'static str,
    sample: String,
}

fn lines(figure: &Figure, metric: Option<Metric>) -> Vec<Line> {
    let name = Name::new(&figure.path);
    let of = figure.of.as_ref().map(|of| format!("name={}", quoted(of)));
    let family = |suffix: &str, kind, number: &JsonNumber| {
        let family = format!("{}{suffix}", name.text);
        let sample = sample(&family, &[&of], &name.value(number));
        Line { family, kind, sample }
    };
    let parts = match &figure.number {
        Number::One(number) => {
            return vec![match metric.map(|metric| metric.kind) {
                Some(Kind::Counter) => family("_total", "counter", number),
                Some(Kind::Gauge | Kind::Distribution) => family("", "gauge", number),
                None => family("", "untyped", number),
            }];
        }
        Number::Summary(parts) => parts,
    };
    let (mut samples, mut lines) = (String::new(), Vec::new());
    for (part, number) in parts {
        let quantile = |text: &str| {
            let quantile = Some(format!("quantile=\"{text}\""));
            sample(&name.text, &[&of, &quantile], &name.value(number))
        };
        match &**part {
            "p50" => samples += &quantile("0.5"),
            "p99" => samples += &quantile("0.99"),
            "sum" => samples += &family("_sum", "", number).sample,
            "count" => {
                samples += &sample(&format!("{}_count", name.text), &[&of], &number.to_string());
            }
            _ => lines.push(family("_max", "gauge", number)),
        }
    }
    lines.push(Line { family: name.text, kind: "summary", sample: samples });
    lines
}

/// The name of a path.
struct Name {
    text: String,
    /// What figures are divided by.
    scale: Option<f64>,
}

impl Name {
    fn new(path: &str) -> Self {
        let text = format!("tierup_{}", path.replace('.', "_"));
        match text.strip_suffix("nanoseconds") {
            Some(start) => Self { text: format!("{start}seconds"), scale: Some(1e9) },
            None => Self { text, scale: None },
        }
    }

    fn value(&self, number: &JsonNumber) -> String {
        match (self.scale, number.as_f64()) {
            (Some(scale), Some(number)) => (number / scale).to_string(),
            _ => number.to_string(),
        }
    }
}

fn sample(name: &str, labels: &[&Option<String>], value: &str) -> String {
    let labels: Vec<&str> = labels.iter().filter_map(|label| label.as_deref()).collect();
    let mut line = name.to_owned();
    if !labels.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(line, "{{{}}}", labels.join(","));
    }
    let _ = writeln!(line, " {value}");
    line
}

/// A label's value as the format has it.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stats::figures::figures;

    #[test]
    fn figures_become_samples() {
        let value = json!({
            "traps": 3,
            "code": { "committed_bytes": 4096 },
            "compiles": {
                "lazy_nanoseconds": { "count": 2, "sum": 3000, "p50": 1000, "p99": 2000, "max": 2000 },
            },
            "unknown": [{ "name": "a \"b\"", "x": 1 }, { "name": "c", "x": 2 }],
        });
        let text = show(&figures(&value));
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "tierup_code_committed_bytes 4096",
                "tierup_compiles_lazy_seconds_count 2",
                "tierup_compiles_lazy_seconds{quantile=\"0.5\"} 0.000001",
                "tierup_compiles_lazy_seconds{quantile=\"0.99\"} 0.000002",
                "tierup_compiles_lazy_seconds_sum 0.000003",
                "tierup_compiles_lazy_seconds_max 0.000002",
                "tierup_traps_total 3",
                "tierup_unknown_x{name=\"a \\\"b\\\"\"} 1",
                "tierup_unknown_x{name=\"c\"} 2",
            ]
        );
        assert!(text.contains("# TYPE tierup_traps_total counter\n"), "{text}");
        assert!(text.contains("# TYPE tierup_compiles_lazy_seconds summary\n"), "{text}");
        assert!(text.contains("# HELP tierup_traps_total Traps"), "{text}");
    }
}
