//! What modules and engines say that they take on the heap, against an allocator that counts.
//!
//! A binary of its own, for the allocator's sake; and one test, so that nobody else allocates.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and tell why")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tierup::{CompilerStrategy, Config, Engine, Module};

/// The system's allocator, which counts what is in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does it all.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

/// A part of the measured bytes that an estimate may be off by.
const ERROR: f64 = 0.1;

/// A module, to be measured.
struct Subject {
    name: String,
    bytes: Vec<u8>,
}

/// One with so many functions, whose bodies differ in length, that call each other.
fn generated(functions: usize) -> Subject {
    let mut text =
        "(module (memory 1) (table 8 funcref) (global $g (mut i32) (i32.const 0))".to_owned();
    for index in 0..functions {
        let body: String = (0..index % 13 + 1)
            .map(|at| {
                let address = "(i32.rem_u (local.get 0) (i32.const 60000))";
                format!("(local.set 1 (i32.div_s (i32.load offset={at} {address}) (local.get 1)))")
            })
            .collect();
        let export = match index % 10 {
            0 => format!(r#"(export "function number {index}")"#),
            _ => String::new(),
        };
        let callee = (index * 7 + 1) % functions;
        text += &format!(
            "(func $f{index} {export} (param i32 i32) (result i32) {body}
               (global.set $g (local.get 1))
               (call $f{callee} (local.get 1) (local.get 0)))"
        );
    }
    Subject { name: format!("{functions} functions"), bytes: wat::parse_str(text + ")").unwrap() }
}

/// One with so many types, imports, elements, segments and globals.
fn interface(count: usize) -> Subject {
    let parts = (0..count).map(|index| {
        let params = "i32 i64 f32 f64 ".repeat(index / 64);
        let more = ["i32", "i64", "f32", "f64"][index % 4].to_owned() + &" i32".repeat(index % 64);
        format!(
            r#"(type $t{index} (func (param {params} {more})))
               (import "some module" "import number {index}" (func $i{index} (type $t{index})))"#
        )
    });
    let imports: String = parts.collect();
    let parts = (0..count).map(|index| {
        format!(
            r#"(global $g{index} (mut i64) (i64.const {index}))
               (elem (table 0) (offset (i32.const {index})) func $i{index} $f)
               (data (i32.const {index}) "some data")
               (export "export number {index}" (func $i{index}))"#
        )
    });
    let rest: String = parts.collect();
    let size = count + 2;
    let text = format!("(module {imports} (memory 1) (table {size} funcref) (func $f) {rest})");
    Subject { name: format!("{count} of all else"), bytes: wat::parse_str(text).unwrap() }
}

fn subjects() -> Vec<Subject> {
    let mut all: Vec<Subject> = [1, 10, 100, 1000, 4000].map(generated).into_iter().collect();
    all.extend([10, 500].map(interface));
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/programs");
    for name in ["calls", "json", "simd", "sort", "text"] {
        let bytes = fs::read(programs.join(name).with_extension("wasm")).unwrap();
        all.push(Subject { name: name.to_owned(), bytes });
    }
    all
}

fn engine(strategy: CompilerStrategy) -> Engine {
    let mut config = Config::new();
    config.strategy(strategy).compile_threads(1);
    Engine::new(&config).unwrap()
}

/// Compilers and tables that grow once have grown.
fn warm(engine: &Engine) {
    let Subject { bytes, .. } = generated(1000);
    drop(compiled(engine, bytes));
    while engine.stats().code.code.functions.all != 0 {
        engine.collect();
    }
    engine.collect();
}

fn compiled(engine: &Engine, bytes: Vec<u8>) -> Module {
    let module = Module::from_vec(engine, bytes).unwrap();
    compile(&module);
    module
}

/// On a thread that ends: threads keep memory for the functions that they compile next.
fn compile(module: &Module) {
    thread::scope(|scope| scope.spawn(|| module.compile().unwrap()).join().unwrap());
}

/// Estimates and measurements that are too far apart.
#[derive(Default)]
struct Report(Vec<String>);

impl Report {
    fn compare(&mut self, what: &str, estimate: usize, measured: usize) {
        let off = estimate as f64 / measured as f64 - 1.0;
        println!("{what:<40} {estimate:>10} {measured:>10} {:>6.1} %", off * 100.0);
        if ERROR < off.abs() {
            self.0.push(format!("{what}: {estimate} bytes, measured {measured}"));
        }
    }
}

#[test]
fn estimates_agree_with_the_allocator() {
    let mut report = Report::default();
    for strategy in [CompilerStrategy::Baseline, CompilerStrategy::Optimizing] {
        // What a process has once.
        warm(&engine(strategy));
        modules(strategy, &mut report);
        engines(strategy, &mut report);
    }
    assert!(report.0.is_empty(), "{:#?}", report.0);
}

/// Each module alone, as it was decoded and then compiled; without what the engine has for all.
fn modules(strategy: CompilerStrategy, report: &mut Report) {
    let engine = engine(strategy);
    warm(&engine);
    for Subject { name, bytes } in subjects() {
        // What other threads do in one of the attempts, such as starting to collect, is not meant.
        let attempts = [(); 3].map(|()| module(&engine, &bytes));
        for (what, pick) in [("decoded", 0), ("compiled", 1)] {
            let mut sizes = attempts.map(|both| both[pick]);
            sizes.sort_unstable_by_key(|&(_, measured)| measured);
            let (estimate, measured) = sizes[1];
            report.compare(&format!("{strategy:?}, {name}, {what}"), estimate, measured);
        }
    }
}

/// The estimate of a module and the measured size, when it was decoded, and compiled.
fn module(engine: &Engine, bytes: &[u8]) -> [(usize, usize); 2] {
    let shared = || {
        let memory = engine.stats().memory;
        memory.code.record_bytes + memory.engine_bytes
    };
    let bytes = bytes.to_vec();
    let (before, shared_before) = (in_use() - bytes.capacity(), shared());
    let measured = || in_use() - before - (shared() - shared_before);
    let own = |module: &Module| {
        let memory = module.stats().memory;
        memory.heap_bytes - memory.code.record_bytes
    };
    let module = Module::from_vec(engine, bytes).unwrap();
    let decoded = (own(&module), measured());
    compile(&module);
    [decoded, (own(&module), measured())]
}

/// Engines with all that they have.
fn engines(strategy: CompilerStrategy, report: &mut Report) {
    let before = in_use();
    let engine = engine(strategy);
    let mut check = |what: &str| {
        let (estimate, measured) = (engine.stats().memory.heap_bytes, in_use() - before);
        report.compare(&format!("{strategy:?}, engine with {what}"), estimate, measured);
    };
    check("nothing");
    let subjects = subjects();
    let modules: Vec<Module> =
        subjects.into_iter().map(|subject| compiled(&engine, subject.bytes)).collect();
    check("modules");
    drop(modules);
    engine.collect();
    check("none any more");
}
