//! `--stats`: what the engine did, for people and for programs.

use serde_json::{Value, json};
use tierup::EngineStats;

/// For programs: one object. The keys of the text form are the same.
pub(crate) fn json(stats: &EngineStats) -> String {
    value(stats).to_string()
}

/// For people: a line for each figure.
pub(crate) fn text(stats: &EngineStats) -> String {
    let Value::Object(groups) = value(stats) else { return String::new() };
    let mut lines = Vec::new();
    for (group, figures) in &groups {
        for (name, figure) in figures.as_object().into_iter().flatten() {
            lines.push(format!("{:<36} {figure}", format!("{group}.{name}")));
        }
    }
    lines.join("\n")
}

fn value(stats: &EngineStats) -> Value {
    let code = &stats.code;
    let (baseline, optimized) = (&stats.baseline, &stats.optimized);
    json!({
        "code": {
            "arenas": code.arenas,
            "units": code.units,
            "reserved_bytes": code.reserved_bytes,
            "committed_bytes": code.committed_bytes,
            "generated_bytes": code.code.generated_bytes,
            "freed_bytes": code.code.freed_bytes,
            "metadata_bytes": code.code.metadata_bytes,
            "baseline_functions": code.code.baseline.count,
            "baseline_bytes": code.code.baseline.bytes,
            "optimized_functions": code.code.optimized.count,
            "optimized_bytes": code.code.optimized.bytes,
            "other_objects": code.code.other.count,
            "other_bytes": code.code.other.bytes,
            "retired_objects": code.code.retired.count,
            "retired_bytes": code.code.retired.bytes,
        },
        "compile": {
            "baseline_functions": baseline.functions,
            "baseline_milliseconds": baseline.time.as_secs_f64() * 1e3,
            "baseline_body_bytes": baseline.body_bytes,
            "baseline_code_bytes": baseline.code_bytes,
            "optimized_functions": optimized.functions,
            "optimized_milliseconds": optimized.time.as_secs_f64() * 1e3,
            "optimized_body_bytes": optimized.body_bytes,
            "optimized_code_bytes": optimized.code_bytes,
            "lazy": stats.lazy_compiles,
            "bailouts": stats.bailouts,
            "failed": stats.failed_compiles,
        },
        "collect": collect(stats),
        "tier_up": {
            "queued": stats.tier_ups.queued,
            "done": stats.tier_ups.done,
            "failed": stats.tier_ups.failed,
            "discarded": stats.tier_ups.discarded,
            "threads": stats.background.threads,
            "waiting": stats.background.waiting,
            "running": stats.background.running,
        },
        "run": {
            "instances": stats.instances,
            "traps": stats.traps,
        },
    })
}

fn collect(stats: &EngineStats) -> Value {
    let collections = &stats.collections;
    json!({
        "collections": collections.collections,
        "objects": collections.objects,
        "bytes": collections.bytes,
        "flushed_functions": stats.flushes.total().functions,
        "flushed_bytes": stats.flushes.total().bytes,
        "revived_functions": stats.revived,
    })
}
