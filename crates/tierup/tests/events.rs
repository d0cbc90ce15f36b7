//! Events: what `docs/statistics.md` says of them is what comes.
//!
//! A binary of its own, since a listener of all threads stays for the process.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use tierup::{
    Config, Engine, Executor, Filter, Instance, Linker, MemoryPressure, Module, Store,
    compile::Trivial,
};
use tierup_optimize::Optimizing;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

const PAGE: &str = include_str!("../../../docs/statistics.md");

/// A function that calls another in a loop, and one that fails to be optimized under a limit.
const MODULE: &str = r#"(module
    (func $loop (export "loop") (param i32) (result i32)
        (loop $again
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br_if $again (i32.lt_s (i32.const 0) (local.get 0))))
        (call $leaf (local.get 0)))
    (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 7))))"#;

/// An event, with its fields as text.
#[derive(Clone, Debug)]
struct Told {
    metadata: &'static Metadata<'static>,
    fields: BTreeMap<&'static str, String>,
}

impl Told {
    fn name(&self) -> &'static str {
        self.metadata.name()
    }

    fn number(&self, field: &str) -> u64 {
        let text = self.fields.get(field).unwrap_or_else(|| panic!("no {field} in {self:?}"));
        text.parse().unwrap()
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

struct Listener(Sender<Told>);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut told = Told { metadata: event.metadata(), fields: BTreeMap::new() };
        event.record(&mut told);
        // The test may be over.
        let _ = self.0.send(told);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Events without a name have their place for one.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    let ours = ["codespace", "runtime", "tiering"];
    ours.contains(&metadata.target()) && !metadata.name().contains(' ')
}

/// A row of the page.
fn row(name: &str, metadata: [&str; 2], fields: &BTreeSet<&str>) -> String {
    let fields: Vec<&str> = fields.iter().copied().collect();
    format!("{name} {} {}: {}", metadata[0], metadata[1], fields.join(", "))
}

fn listed() -> BTreeSet<String> {
    let table = PAGE.split("<!-- events -->\n").nth(1).unwrap();
    let table = table.split("<!-- end -->").next().unwrap();
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim);
    let rows = table.lines().skip(2).map(|line| {
        let cells: Vec<&str> = cells(line).collect();
        let [name, target, level, _, fields] = cells[..] else { panic!("{line}") };
        row(name.trim_matches('`'), [target, level], &fields.split(", ").collect())
    });
    rows.collect()
}

fn told(all: &[Told]) -> BTreeSet<String> {
    let rows = all.iter().map(|told| {
        let metadata = told.metadata;
        let level = metadata.level().as_str().to_lowercase();
        let fields = metadata.fields().iter().map(|field| field.name());
        row(
            told.name(),
            [metadata.target(), &level],
            &fields.filter(|name| *name != "message").collect(),
        )
    });
    rows.collect()
}

fn engine(change: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    // Nothing happens on other threads unless a test says so.
    config.compile_threads(0).tier_up_budget(u64::MAX);
    change(&mut config);
    Engine::new(&config).unwrap()
}

fn instance(engine: &Engine, text: &str) -> (Module, Store<()>, Instance) {
    let module = Module::new(engine, text).unwrap();
    let mut store = Store::new(engine, ());
    let instance = Linker::new(engine).instantiate(&mut store, &module).unwrap();
    (module, store, instance)
}

fn call(store: &mut Store<()>, instance: Instance, rounds: i32) -> i32 {
    let run = instance.typed_func::<i32, i32>(&mut *store, "loop").unwrap();
    run.call(store, rounds).unwrap()
}

#[test]
fn the_page_lists_what_is_told() {
    let (sender, receiver) = channel();
    tracing::subscriber::set_global_default(Listener(sender)).unwrap();
    let mut all = Vec::new();
    for scenario in [a_life, long_calls, cold, limits, failures, too_late] {
        scenario(&receiver, &mut all);
        all.extend(receiver.try_iter());
    }
    let (listed, told) = (listed(), told(&all));
    let missing: Vec<_> = told.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(&told).collect();
    assert!(missing.is_empty() && stale.is_empty(), "not listed {missing:#?}\nnot told {stale:#?}");
}

/// Loops that go on in optimized code: made at once, and on another thread.
fn long_calls(receiver: &Receiver<Told>, all: &mut Vec<Told>) {
    for threads in [0, 1] {
        let engine = engine(|config| {
            config.tier_up_budget(1).compile_threads(threads);
        });
        let (module, mut store, instance) = instance(&engine, MODULE);
        // Until one was long enough.
        while engine.stats().replacements.entered == 0 {
            module.flush(Filter::All);
            call(&mut store, instance, 1_000_000);
        }
        let events: Vec<Told> = receiver.try_iter().collect();
        let count = |name| events.iter().filter(|told| told.name() == name).count();
        assert!(0 < count("replace") && count("enter") == 1);
        assert_eq!(0 < count("queue_loop"), threads == 1);
        all.extend(events);
    }
}

/// Compiled when called, tiered up, taken away, collected, dropped.
fn a_life(receiver: &Receiver<Told>, all: &mut Vec<Told>) {
    let engine = engine(|_| {});
    let (module, mut store, instance) = instance(&engine, MODULE);
    assert_eq!(call(&mut store, instance, 10), 7);
    module.tier_up_function(0).unwrap();
    assert_eq!(call(&mut store, instance, 10), 7);
    let flushed = engine.flush(Filter::Baseline);
    assert_eq!(flushed.functions, 1);
    let unit = module.stats().unit;
    drop((instance, store, module));
    // Another thread collects too: what it frees is counted after it was told.
    let stats = loop {
        engine.collect();
        let stats = engine.stats().code.code;
        if stats.freed_bytes == stats.generated_bytes {
            break stats;
        }
    };
    let events: Vec<Told> = receiver.try_iter().collect();
    // Wrappers belong to the process.
    let is_ours = |told: &&Told| told.fields.get("unit").is_none_or(|it| *it == unit.to_string());
    let of =
        |name: &'static str| events.iter().filter(is_ours).filter(move |told| told.name() == name);
    let sum = |name| of(name).map(|told| told.number("bytes")).sum::<u64>();
    let generated =
        [stats.baseline, stats.optimized, stats.other].map(|class| class.generated_bytes);
    assert_eq!(sum("publish"), generated.iter().sum::<usize>() as u64);
    assert_eq!(sum("free"), stats.freed_bytes as u64);
    let compiled: Vec<String> = of("compile")
        .map(|told| format!("{} {}", told.number("function"), told.fields["tier"]))
        .collect();
    assert_eq!(compiled, ["0 baseline", "1 baseline", "0 optimized"]);
    let retired: Vec<&str> = of("retire").map(|told| &*told.fields["kind"]).collect();
    // Replaced, and flushed.
    assert_eq!(retired, ["function", "function"]);
    assert_eq!((of("tier_up").count(), of("unit_dropped").count()), (1, 1));
    assert!(
        of("flush").all(|told| told.fields["cause"] == "asked" && told.number("functions") == 1)
    );
    // Whatever lies where something else lay came after that had been freed.
    let mut occupied = BTreeSet::new();
    for told in &events {
        match told.name() {
            "publish" => assert!(occupied.insert(told.number("address")), "{told:?}"),
            "free" => assert!(occupied.remove(&told.number("address")), "{told:?}"),
            _ => {}
        }
    }
    all.extend(events);
}

/// Code that is not called, and some that is.
fn cold(_: &Receiver<Told>, _: &mut Vec<Told>) {
    let engine = engine(|_| {});
    let (_module, mut store, instance) = instance(&engine, MODULE);
    call(&mut store, instance, 1);
    engine.memory_pressure(MemoryPressure::Moderate);
    call(&mut store, instance, 1);
    assert_eq!(engine.stats().revived, 2);
}

/// More code than there may be.
fn limits(_: &Receiver<Told>, _: &mut Vec<Told>) {
    let engine = engine(|config| {
        config.code_memory_limit(512 << 10);
    });
    let function = "(func (result i32) (i32.const 7))".repeat(3000);
    for _ in 0..3 {
        Module::new(&engine, format!("(module {function})")).unwrap().compile().unwrap();
    }
    assert!(0 < engine.stats().flushes.limit.functions);
}

/// A function that the first compiler does not know, and one that may not be optimized.
fn failures(_: &Receiver<Told>, _: &mut Vec<Told>) {
    let bailing = engine(|config| {
        config.compilers(Arc::new(Trivial), Arc::new(Optimizing::new().unwrap()));
    });
    let (_module, mut store, caller) = instance(&bailing, MODULE);
    call(&mut store, caller, 1);
    assert!(0 < bailing.stats().compiles.bailouts);
    let limited = engine(|config| {
        config.compile_memory_limit(100);
    });
    Module::new(&limited, MODULE).unwrap().tier_up_function(1).unwrap_err();
}

/// Keeps what it is asked to do.
#[derive(Debug)]
struct Keep(Sender<Box<dyn FnOnce() + Send>>);

impl Executor for Keep {
    fn spawn(&self, job: Box<dyn FnOnce() + Send>) {
        self.0.send(job).unwrap();
    }
}

/// A function loses its code while it waits for a better one.
fn too_late(_: &Receiver<Told>, _: &mut Vec<Told>) {
    let (sender, jobs) = channel();
    let engine = engine(|config| {
        config.executor(Arc::new(Keep(sender))).compile_threads(1).tier_up_budget(1);
    });
    let (_module, mut store, instance) = instance(&engine, MODULE);
    call(&mut store, instance, 1_000_000);
    engine.flush(Filter::All);
    jobs.try_iter().for_each(|job| job());
    assert!(0 < engine.stats().tier_ups.discarded);
}
