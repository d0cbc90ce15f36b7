//! What figures mean: the table of `docs/statistics.md`, which is part of the program.

use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../../docs/statistics.md");

/// What is said of a figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Metric {
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

/// How a figure changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It is a distribution.
    Distribution,
}

/// The table, by path.
pub(super) fn metrics() -> BTreeMap<&'static str, Metric> {
    rows("metrics").filter_map(|row| metric(&row)).collect()
}

fn metric(row: &[&'static str]) -> Option<(&'static str, Metric)> {
    let &[path, kind, help] = row else { return None };
    let kind = match kind {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "distribution" => Kind::Distribution,
        _ => return None,
    };
    Some((path.trim_matches('`'), Metric { kind, help }))
}

/// Cells of the rows of a table.
fn rows(table: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let start = format!("<!-- {table} -->");
    let lines = PAGE.lines().skip_while(move |line| *line != start);
    let lines = lines.take_while(|line| *line != "<!-- end -->");
    // The first two are the head.
    lines
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tierup::{Engine, Linker, Module, Store};

    use super::*;
    use crate::stats::figures::{Number, figures};

    #[test]
    fn every_row_can_be_read() {
        for row in rows("metrics") {
            assert!(metric(&row).is_some_and(|(_, metric)| !metric.help.is_empty()), "{row:?}");
        }
    }

    /// What the page says is what the engine tells, name by name and kind by kind.
    #[test]
    fn the_page_lists_what_the_engine_tells() {
        let engine = Engine::default();
        let _tenant = engine.tenant("shop", 1 << 20);
        let module = Module::new(&engine, r#"(module (func (export "f")))"#).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
        instance.func(&mut store, "f").unwrap().call(&mut store, &[], &mut []).unwrap();
        let told = figures(&serde_json::to_value(engine.stats()).unwrap());
        let metrics = metrics();
        let names: BTreeSet<&str> = told.iter().map(|figure| &*figure.path).collect();
        let listed: BTreeSet<&str> = metrics.keys().copied().collect();
        let missing: Vec<_> = names.difference(&listed).collect();
        let stale: Vec<_> = listed.difference(&names).collect();
        assert!(missing.is_empty() && stale.is_empty(), "not listed {missing:?}, gone {stale:?}");
        for figure in &told {
            let is_distribution = matches!(figure.number, Number::Summary(_));
            let kind = metrics[&*figure.path].kind;
            assert_eq!(kind == Kind::Distribution, is_distribution, "{}", figure.path);
        }
    }
}
