//! The report for programs: one object on one line.
#![forbid(unsafe_code)]

use serde_json::{Value, json};
use tierup::{TierEstimate, demangle};

use super::{
    Report,
    contents::Contents,
    ran::{Class, Ran},
    record::Event,
};

/// All of it.
pub(super) fn of(report: &Report) -> String {
    let mut value = module(&report.contents);
    if let Some(ran) = &report.ran {
        value["run"] = run(ran);
    }
    format!("{value}\n")
}

fn module(contents: &Contents) -> Value {
    let sections = contents.sections.iter().map(|section| {
        let (kind, name) = (section.kind, &section.custom_name);
        json!({ "kind": kind, "name": name, "bytes": section.bytes })
    });
    let imports = contents.imports.iter().map(|import| {
        json!({ "module": import.module, "name": import.name, "type": import.ty.to_string() })
    });
    let exports = contents.exports.iter();
    let exports = exports.map(|it| json!({ "name": it.name, "type": it.ty.to_string() }));
    let functions = contents.functions.iter().map(|function| {
        let (index, name) = (function.index, &function.name);
        let demangled = name.as_deref().map(demangle);
        json!({
            "index": index,
            "name": name,
            "demangled_name": demangled,
            "body_bytes": function.body_bytes,
        })
    });
    json!({
        "file": contents.file,
        "name": contents.name,
        "bytes": contents.bytes,
        "sections": sections.collect::<Vec<_>>(),
        "imports": imports.collect::<Vec<_>>(),
        "exports": exports.collect::<Vec<_>>(),
        "functions": functions.collect::<Vec<_>>(),
        "body_bytes": contents.body_bytes(),
        "estimates": estimates(contents),
    })
}

fn estimates(contents: &Contents) -> Value {
    let estimate = &contents.estimate;
    let tier = |tier: TierEstimate| json!({ "code_bytes": tier.code_bytes, "metadata_bytes": tier.metadata_bytes });
    json!({
        "unit": {
            "cell_bytes": estimate.unit.cell_bytes,
            "lazy_table_bytes": estimate.unit.lazy_table_bytes,
            "metadata_bytes": estimate.unit.metadata_bytes,
        },
        "baseline": tier(estimate.baseline),
        "optimized": tier(estimate.optimized),
    })
}

fn run(ran: &Ran) -> Value {
    let arenas = ran.map.arenas.iter().map(|arena| {
        let start = arena.code.start;
        let objects = arena.objects.iter().map(|object| {
            json!({
                "offset": object.range.start - start,
                "bytes": object.range.len(),
                "kind": object.kind.name(),
                "tier": object.tier.map(tierup::Tier::name),
                "class": Class::of(object).name(),
                "unit": object.unit,
                "function": object.function,
                "retired": object.is_retired,
            })
        });
        let committed = arena.committed.iter();
        json!({
            "reserved_bytes": arena.code.len(),
            "committed": committed
                .map(|range| json!([range.start - start, range.end - start]))
                .collect::<Vec<_>>(),
            "occupied_bytes": arena.occupied(),
            "objects": objects.collect::<Vec<_>>(),
        })
    });
    let functions = ran.functions.iter().map(|function| {
        json!({
            "index": function.index,
            "tier": function.tier.name(),
            "code_bytes": function.code_bytes,
            "compile_microseconds": function.microseconds,
        })
    });
    json!({
        "outcome": ran.outcome,
        "microseconds": ran.events.duration,
        "arenas": arenas.collect::<Vec<_>>(),
        "functions": functions.collect::<Vec<_>>(),
        "events": ran.events.list.iter().map(event).collect::<Vec<_>>(),
        "events_dropped": ran.events.dropped,
    })
}

fn event(event: &Event) -> Value {
    json!({
        "event": event.what.name(),
        "at_microseconds": event.at,
        "unit": event.unit,
        "function": event.function,
        "bytes": event.bytes,
        "count": event.count,
        "microseconds": event.microseconds,
        "cause": event.cause,
    })
}
