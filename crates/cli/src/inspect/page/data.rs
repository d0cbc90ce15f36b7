//! What the page's script works on: functions, and objects of the map.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{html::escape_json, map::class_name};
use crate::{
    foreign::foreign,
    inspect::{
        Report,
        contents::Function,
        ran::{Class, Compiled, Ran},
    },
};

/// Functions without code that are listed: the largest.
const WITHOUT_CODE: usize = 2000;

/// As JSON, for a script element.
pub(super) fn of(report: &Report) -> String {
    let arenas = report.ran.as_ref().map(arenas).unwrap_or_default();
    escape_json(&json!({ "functions": functions(report), "arenas": arenas }).to_string())
}

/// How many functions are not listed.
pub(super) fn omitted(report: &Report) -> usize {
    let compiled = report.ran.as_ref().map_or(0, |ran| ran.functions.len());
    report.contents.functions.len().saturating_sub(compiled + WITHOUT_CODE)
}

/// Index, name, tier, bytes of code, bytes of the body, microseconds.
fn functions(report: &Report) -> Vec<Value> {
    let compiled: HashMap<u32, &Compiled> = match &report.ran {
        Some(ran) => ran.functions.iter().map(|compiled| (compiled.index, compiled)).collect(),
        None => HashMap::new(),
    };
    let row = |function: &Function| {
        let name = function.title().unwrap_or_default();
        let code = compiled.get(&function.index);
        json!([
            function.index,
            name,
            code.map_or("none", |code| code.tier.name()),
            code.map_or(0, |code| code.code_bytes),
            function.body_bytes,
            code.map_or(0, |code| code.microseconds),
        ])
    };
    let largest = report.contents.largest();
    let (with, without): (Vec<_>, Vec<_>) =
        largest.into_iter().partition(|function| compiled.contains_key(&function.index));
    with.into_iter().chain(without.into_iter().take(WITHOUT_CODE)).map(row).collect()
}

/// Of each arena its objects: offset, bytes, class, what it is.
fn arenas(ran: &Ran) -> Vec<Value> {
    let arenas = ran.map.arenas.iter();
    arenas
        .map(|arena| {
            let objects = arena.objects.iter().map(|object| {
                let (start, class) = (object.range.start - arena.code.start, Class::of(object));
                let title = foreign(&ran.title(object));
                json!([start, object.range.len(), class_name(class), title])
            });
            objects.collect::<Vec<_>>().into()
        })
        .collect()
}
