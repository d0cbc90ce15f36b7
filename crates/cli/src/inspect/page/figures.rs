//! Key figures: what a reader wants to know first.
#![forbid(unsafe_code)]

use crate::inspect::{
    Report,
    contents::Contents,
    format::{bytes, count, counted, percent, time},
    ran::{Class, Ran},
    record::What,
};

/// Cards, one for each figure.
pub(super) fn of(report: &Report) -> String {
    let cards = match &report.ran {
        Some(ran) => after(ran, &report.contents),
        None => before(&report.contents),
    };
    let cards: String = cards
        .into_iter()
        .map(|(title, figure, detail)| {
            format!(
                "<div class=\"card\"><dt>{title}</dt><dd>{figure}<small>{detail}</small></dd></div>"
            )
        })
        .collect();
    format!("<section aria-label=\"Key figures\"><dl class=\"cards\">{cards}</dl></section>\n")
}

type Card = (&'static str, String, String);

fn before(contents: &Contents) -> Vec<Card> {
    let estimate = &contents.estimate;
    let with = |metadata| format!("and {} of metadata, if all is compiled", bytes(metadata));
    vec![
        (
            "Bodies",
            bytes(contents.body_bytes()),
            percent(contents.share(contents.body_bytes())) + " of the module",
        ),
        (
            "Baseline code, estimated",
            bytes(estimate.baseline.code_bytes),
            with(estimate.baseline.metadata_bytes),
        ),
        (
            "Optimized code, estimated",
            bytes(estimate.optimized.code_bytes),
            with(estimate.optimized.metadata_bytes),
        ),
        (
            "Before any code",
            bytes(estimate.unit.cell_bytes + estimate.unit.lazy_table_bytes),
            "of cells and lazy entries".to_owned(),
        ),
    ]
}

fn after(ran: &Ran, contents: &Contents) -> Vec<Card> {
    let all = contents.functions.len();
    let (optimized, optimized_bytes) = ran.class(Class::Optimized);
    let (baseline, baseline_bytes) = ran.class(Class::Baseline);
    let compiles: u64 = ran.events(What::Compile).map(|event| event.microseconds).sum();
    let collections = ran.events(What::Collect).count();
    let freed: u64 = ran.events(What::Collect).map(|event| event.bytes).sum();
    vec![
        (
            "Functions with code",
            count(ran.functions.len()),
            format!(
                "of {}, {}",
                count(all),
                percent(ran.functions.len() as f64 / all.max(1) as f64)
            ),
        ),
        (
            "Code memory",
            bytes(ran.occupied()),
            format!("occupied of {} committed", bytes(ran.committed())),
        ),
        ("Baseline code", bytes(baseline_bytes), counted(baseline, "function")),
        ("Optimized code", bytes(optimized_bytes), counted(optimized, "function")),
        ("Compiling", time(compiles), format!("of {}, on all threads", time(ran.events.duration))),
        (
            "Given back",
            bytes(usize::try_from(freed).unwrap_or(usize::MAX)),
            format!(
                "{}, {}",
                counted(collections, "collection"),
                counted(ran.events(What::Flush).count(), "flush").replace("flushs", "flushes")
            ),
        ),
    ]
}
