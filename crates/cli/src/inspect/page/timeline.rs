//! What happened when: a lane for each kind of event, all over the same time.
//!
//! Lanes are stretched to the width of the page, so they hold shapes only; words stand beside them.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use super::html::escape;
use crate::{
    foreign::foreign,
    inspect::{
        format::{bytes, count, time},
        ran::Ran,
        record::{Event, What},
    },
};

/// Width of a lane in its own units.
const WIDTH: u64 = 1000;
const HEIGHT: f64 = 30.0;
/// Bars of a histogram.
const BARS: usize = 200;
/// Events that are listed in words.
const LISTED: usize = 200;

/// All lanes.
pub(super) fn of(ran: &Ran) -> String {
    let scale = Scale { duration: ran.events.duration.max(1) };
    let compiles = |is_optimized| {
        move |event: &&Event| event.what == What::Compile && event.is_optimized == is_optimized
    };
    let list = &ran.events.list;
    let baseline: Vec<_> = list.iter().filter(compiles(false)).collect();
    let optimized: Vec<_> = list.iter().filter(compiles(true)).collect();
    let mut lanes = scale.growth(list);
    lanes += &scale.bars("Baseline compiles", "baseline", &baseline);
    lanes += &scale.spans("Optimizing compiles", "optimized", &optimized);
    for (what, title, class) in [
        (What::TierUp, "Tier-ups", "optimized"),
        (What::Flush, "Flushes", "other"),
        (What::Collect, "Collections", "retired"),
        (What::Failure, "Failures", "failed"),
    ] {
        let events: Vec<_> = ran.events(what).collect();
        if what != What::Failure || !events.is_empty() {
            lanes += &scale.ticks(title, class, &events);
        }
    }
    format!(
        "<section aria-labelledby=\"timeline-title\"><h2 id=\"timeline-title\">Timeline</h2>\
         <div class=\"lanes\">{lanes}{}</div>{}{}</section>\n",
        scale.axis(),
        dropped(ran.events.dropped),
        words(ran),
    )
}

/// From time to place.
struct Scale {
    duration: u64,
}

impl Scale {
    fn x(&self, at: u64) -> f64 {
        at.min(self.duration) as f64 / self.duration as f64 * WIDTH as f64
    }

    fn axis(&self) -> String {
        let marks: String = (0..=4)
            .map(|quarter| format!("<span>{}</span>", time(self.duration / 4 * quarter)))
            .collect();
        format!("<div class=\"axis\" aria-hidden=\"true\">{marks}</div>")
    }

    /// Published code that has not been freed.
    fn growth(&self, events: &[Event]) -> String {
        let (mut now, mut most) = (0_u64, 0);
        let mut points = vec![0_u64; BARS + 1];
        for event in events {
            match event.what {
                What::Publish => now += event.bytes,
                What::Free => now = now.saturating_sub(event.bytes),
                _ => continue,
            }
            most = most.max(now);
            let bar = (self.x(event.at) / WIDTH as f64 * BARS as f64) as usize;
            points[bar..].fill(now);
        }
        let mut path = format!("M0 {HEIGHT}");
        let step = WIDTH as f64 / BARS as f64;
        for (bar, &point) in points.iter().take(BARS).enumerate() {
            let y = HEIGHT - point as f64 / most.max(1) as f64 * (HEIGHT - 2.0);
            // Writing to a string does not fail.
            let _ = write!(path, "L{:.1} {y:.1}H{:.1}", bar as f64 * step, (bar + 1) as f64 * step);
        }
        let shapes = format!("<path d=\"{path}V{HEIGHT}z\"/>");
        let size = bytes(usize::try_from(most).unwrap_or(usize::MAX));
        lane(("Code in memory", "growth"), &format!("at most {size}"), &shapes)
    }

    /// How much time was spent, over time.
    fn bars(&self, title: &'static str, class: &'static str, events: &[&Event]) -> String {
        let mut spent = vec![0_u64; BARS];
        for event in events {
            let bar = (self.x(event.at) / WIDTH as f64 * BARS as f64) as usize;
            spent[bar.min(BARS - 1)] += event.microseconds.max(1);
        }
        let most = spent.iter().copied().max().unwrap_or(0).max(1);
        let step = WIDTH as usize / BARS;
        let mut shapes = String::new();
        for (bar, &spent) in spent.iter().enumerate().filter(|(_, spent)| **spent != 0) {
            // Roots, so that little does not look like nothing.
            let height = (spent as f64 / most as f64).sqrt() * HEIGHT;
            let (x, y) = (bar * step, HEIGHT - height);
            let _ = write!(
                shapes,
                "<rect x=\"{x}\" y=\"{y:.1}\" width=\"{}\" height=\"{height:.1}\"/>",
                step - 1
            );
        }
        lane((title, class), &total(events), &shapes)
    }

    /// From when to when.
    fn spans(&self, title: &'static str, class: &'static str, events: &[&Event]) -> String {
        let rows = rows(events);
        let height = HEIGHT / rows.iter().max().map_or(1, |row| row + 1) as f64;
        let mut shapes = String::new();
        for (event, row) in events.iter().zip(rows) {
            let (start, end) =
                (self.x(event.at.saturating_sub(event.microseconds)), self.x(event.at));
            let label = event.function.map(|function| format!("function {function}, "));
            let _ = write!(
                shapes,
                "<rect x=\"{start:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}{}</title></rect>",
                row as f64 * height,
                (end - start).max(1.5),
                height - 0.5,
                label.unwrap_or_default(),
                time(event.microseconds)
            );
        }
        lane((title, class), &total(events), &shapes)
    }

    /// Moments.
    fn ticks(&self, title: &'static str, class: &'static str, events: &[&Event]) -> String {
        let mut shapes = String::new();
        let mut last = None;
        for event in events {
            let x = self.x(event.at).min(WIDTH as f64 - 3.0).round();
            if last == Some(x) {
                continue;
            }
            last = Some(x);
            let _ =
                write!(shapes, "<rect x=\"{x}\" y=\"2\" width=\"3\" height=\"{}\"/>", HEIGHT - 4.0);
        }
        lane((title, class), &count(events.len()), &shapes)
    }
}

/// Rows of spans at most; what finds no free one is drawn over others in the last.
const ROWS: usize = 4;

/// A row for each span, so that those of threads that work at the same time do not overlap.
fn rows(events: &[&Event]) -> Vec<usize> {
    let mut ends: Vec<u64> = Vec::new();
    let row = |event: &&Event| {
        let start = event.at.saturating_sub(event.microseconds);
        let free = ends.iter().position(|&end| end <= start);
        let row = free.unwrap_or(ends.len()).min(ROWS - 1);
        match ends.get_mut(row) {
            Some(end) => *end = event.at,
            None => ends.push(event.at),
        }
        row
    };
    events.iter().map(row).collect()
}

fn total(events: &[&Event]) -> String {
    let spent = events.iter().map(|event| event.microseconds).sum();
    format!("{}, {}", count(events.len()), time(spent))
}

fn lane((title, class): (&str, &str), summary: &str, shapes: &str) -> String {
    format!(
        "<div class=\"lane\"><p><b>{title}</b> <span>{summary}</span></p>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" class=\"{class}\" \
         role=\"img\" aria-label=\"{title}: {summary}\">{shapes}</svg></div>"
    )
}

fn dropped(count: u64) -> String {
    match count {
        0 => String::new(),
        count => format!("<p class=\"note\">{count} more events were not kept.</p>"),
    }
}

/// What is rare enough to be read, in words.
fn words(ran: &Ran) -> String {
    let is_rare = |event: &&Event| {
        matches!(event.what, What::Flush | What::Collect | What::Failure | What::Reserve)
    };
    let events: Vec<_> = ran.events.list.iter().filter(is_rare).collect();
    if events.is_empty() {
        return String::new();
    }
    let rows: String = events.iter().take(LISTED).map(|event| row(event)).collect();
    format!(
        "<details><summary>Reservations, flushes, collections: {}</summary><div class=\"scroll\" tabindex=\"0\">\
         <table><thead><tr><th scope=\"col\" class=\"number\">At</th><th scope=\"col\">What</th>\
         <th scope=\"col\" class=\"number\">Bytes</th><th scope=\"col\" class=\"number\">Objects</th>\
         <th scope=\"col\" class=\"number\">Took</th><th scope=\"col\">Why</th></tr></thead>\
         <tbody>{rows}</tbody></table></div></details>",
        count(events.len())
    )
}

fn row(event: &Event) -> String {
    let size = usize::try_from(event.bytes).unwrap_or(usize::MAX);
    let or_nothing = |number: u64, text: String| if number == 0 { String::new() } else { text };
    format!(
        "<tr><td class=\"number\">{}</td><td>{}</td><td class=\"number\">{}</td>\
         <td class=\"number\">{}</td><td class=\"number\">{}</td><td>{}</td></tr>",
        time(event.at),
        event.what.name(),
        or_nothing(event.bytes, bytes(size)),
        or_nothing(event.count, event.count.to_string()),
        or_nothing(event.microseconds, time(event.microseconds)),
        escape(&foreign(event.cause.as_deref().unwrap_or_default())),
    )
}
