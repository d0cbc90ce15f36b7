//! Many modules of several tenants, under a limit that holds a few percent of their code.
//!
//! ```sh
//! cargo run --release --example tenants                   # 1,000 modules, 10 rounds, 32 MiB
//! cargo run --release --example tenants -- churn          # 100,000 modules that come and go
//! cargo run --release --example tenants -- 200 3          # fewer modules and rounds
//! cargo run --release --example tenants -- churn 5000
//! ```
//!
//! Ends with an error if a limit is passed, a call fails, or memory is not used again. How long
//! calls take is only printed: it depends on what else the machine does.

#![expect(clippy::print_stdout, reason = "printing figures is what it is for")]

use std::{
    error::Error,
    fmt::{self, Display, Formatter},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use tierup::{Config, Engine, Instance, Module, ModuleOptions, Store, Tenant, TypedFunc};
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, Instruction, TypeSection,
    ValType,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Code memory of the engine.
const LIMIT: usize = 32 << 20;
/// Code memory of each tenant; together much more than there is.
const TENANT_LIMIT: usize = 8 << 20;
const TENANTS: usize = 10;
const FUNCTIONS: usize = 200;
/// Bodies have from 32 to 2,048 bytes, of each doubling as many.
const BODY_BYTES: [usize; 7] = [32, 64, 128, 256, 512, 1024, 2048];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default| match arguments.get(index) {
        Some(text) => text.parse::<usize>().map_err(|error| format!("`{text}`: {error}")),
        None => Ok(default),
    };
    match arguments.first().map(String::as_str) {
        Some("churn") => churn(number(1, 100_000)?),
        _ => take_turns(number(0, 1000)?, number(1, 10)?),
    }
}

/// Modules of which few fit, each called in turn.
fn take_turns(modules: usize, rounds: usize) -> Outcome<()> {
    let engine = Engine::new(Config::new().code_memory_limit(LIMIT))?;
    let tenants: Vec<Tenant> =
        (0..TENANTS).map(|index| engine.tenant(format!("tenant {index}"), TENANT_LIMIT)).collect();
    let idle = engine.tenant("idle", TENANT_LIMIT);
    let begin = Instant::now();
    let made = |index: usize| Callee::new(&tenants[index % TENANTS], index);
    let mut callees = (0..modules).map(made).collect::<Outcome<Vec<_>>>()?;
    let mut idlers =
        (0..10).map(|index| Callee::new(&idle, modules + index)).collect::<Outcome<Vec<_>>>()?;
    let bytes: usize = callees.iter().map(|callee| callee.bytes).sum();
    println!(
        "{modules} modules of {FUNCTIONS} functions, {} MiB, made in {:.1} s",
        bytes >> 20,
        begin.elapsed().as_secs_f64()
    );
    let mut cold = Vec::new();
    for callee in &mut idlers {
        callee.call_all(0, &mut cold)?;
    }
    cold.clear();
    let done = AtomicBool::new(false);
    let curve = thread::scope(|scope| {
        let watcher = scope.spawn(|| Curve::record(&engine, &done));
        let called = (0..rounds).try_for_each(|round| {
            callees.iter_mut().try_for_each(|callee| callee.call_all(round, &mut cold))
        });
        done.store(true, Ordering::Relaxed);
        let curve = watcher.join().map_err(|_| "the watcher panicked".to_owned());
        called.and_then(|()| Ok(curve?))
    })?;
    report(&engine, rounds * modules * FUNCTIONS, &mut cold);
    println!("{curve}");
    report_tenants(&engine);
    check(&engine, &curve)
}

/// A module, called function by function.
struct Callee {
    module: Module,
    store: Store<()>,
    functions: Vec<TypedFunc<i32, i32>>,
    bytes: usize,
}

impl Callee {
    fn new(tenant: &Tenant, salt: usize) -> Outcome<Self> {
        let wasm = wasm(salt, FUNCTIONS, &BODY_BYTES);
        let bytes = wasm.len();
        let module =
            Module::with_options(tenant.engine(), wasm, ModuleOptions::new().tenant(tenant))?;
        let mut store = Store::new(tenant.engine(), ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let export = |index| instance.typed_func(&mut store, &format!("f{index}"));
        let functions = (0..FUNCTIONS).map(export).collect::<Result<_, _>>()?;
        Ok(Self { module, store, functions, bytes })
    }

    /// Calls all functions, and notes how long that took for those that had no code.
    fn call_all(&mut self, round: usize, cold: &mut Vec<Duration>) -> Outcome<()> {
        for (index, function) in self.functions.iter().enumerate() {
            let is_cold = self.module.function_code(index as u32).is_none();
            let begin = Instant::now();
            let result = function.call(&mut self.store, round as i32)?;
            let time = begin.elapsed();
            if is_cold {
                cold.push(time);
            }
            if result != round as i32 + index as i32 {
                return Err(format!("f{index}({round}) is {result}").into());
            }
        }
        Ok(())
    }
}

/// A module of functions `f0` and so on, each of which adds its number to its parameter, after
/// some work that depends on `salt`.
fn wasm(salt: usize, functions: usize, sizes: &[usize]) -> Vec<u8> {
    let (mut types, mut declared) = (TypeSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    types.ty().function([ValType::I32], [ValType::I32]);
    for index in 0..functions {
        declared.function(0);
        exports.export(&format!("f{index}"), ExportKind::Func, index as u32);
        code.function(&body(salt, index, sizes[(salt + index * 5) % sizes.len()]));
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&declared).section(&exports).section(&code);
    module.finish()
}

/// A body of about that size.
fn body(salt: usize, index: usize, bytes: usize) -> Function {
    let mut body = Function::new([(1, ValType::I32)]);
    let mut constant = salt as i32;
    while body.byte_len() + 24 < bytes {
        constant = constant.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        body.instruction(&Instruction::LocalGet(1));
        body.instruction(&Instruction::I32Const(constant & 0xfff));
        body.instruction(match constant >> 16 & 3 {
            0 => &Instruction::I32Add,
            1 => &Instruction::I32Xor,
            2 => &Instruction::I32Mul,
            _ => &Instruction::I32Rotl,
        });
        body.instruction(&Instruction::LocalGet(0));
        body.instruction(&Instruction::I32Sub);
        body.instruction(&Instruction::LocalSet(1));
    }
    body.instruction(&Instruction::LocalGet(0));
    body.instruction(&Instruction::I32Const(index as i32));
    body.instruction(&Instruction::I32Add);
    body.instruction(&Instruction::End);
    body
}

fn report(engine: &Engine, calls: usize, cold: &mut [Duration]) {
    cold.sort_unstable();
    let percentile = |percent: usize| {
        let index = (cold.len() * percent / 100).min(cold.len().saturating_sub(1));
        cold.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let stats = engine.stats();
    println!("{calls} calls, {} of them cold, in milliseconds:", cold.len());
    println!(
        "  p50 {:.3}   p99 {:.3}   largest {:.3}   (row: p99 at most 0.5)",
        percentile(50),
        percentile(99),
        percentile(100)
    );
    println!(
        "{} compiles, {} failed; {} functions flushed, {} revived, {} collections",
        stats.compiles.baseline.functions + stats.compiles.optimized.functions,
        stats.compiles.failed,
        stats.flushes.total().functions,
        stats.revived,
        stats.collections.count
    );
}

fn report_tenants(engine: &Engine) {
    println!("\n{:<12}{:>12}{:>12}{:>12}", "tenant", "limit KiB", "peak KiB", "used KiB");
    for tenant in engine.tenants() {
        let limit = match tenant.limit {
            usize::MAX => "none".to_owned(),
            limit => (limit >> 10).to_string(),
        };
        let (name, peak, used) = (&tenant.name, tenant.peak_bytes >> 10, tenant.used_bytes >> 10);
        println!("{name:<12}{limit:>12}{peak:>12}{used:>12}");
    }
}

/// What must hold whatever the machine does.
fn check(engine: &Engine, curve: &Curve) -> Outcome<()> {
    let stats = engine.stats();
    if stats.compiles.failed != 0 {
        return Err(format!("{} compiles failed", stats.compiles.failed).into());
    }
    if LIMIT < curve.most_committed {
        return Err(format!("{} bytes were committed", curve.most_committed).into());
    }
    for tenant in engine.tenants() {
        if tenant.limit < tenant.peak_bytes {
            return Err(format!("{} was above its limit: {tenant:?}", tenant.name).into());
        }
        if tenant.name == "idle" {
            let percent = tenant.used_bytes as f64 * 100.0 / tenant.peak_bytes as f64;
            println!("\nthe idle tenant keeps {percent:.1} % of its peak (row: at most 5)");
            if 5.0 < percent && stats.flushes.total().functions != 0 {
                return Err("the idle tenant keeps too much".into());
            }
        }
    }
    Ok(())
}

/// Resident code over time.
struct Curve {
    most_committed: usize,
    /// The most that was occupied in each part of the time.
    columns: Vec<usize>,
}

impl Curve {
    const COLUMNS: usize = 72;
    const ROWS: usize = 12;

    fn record(engine: &Engine, done: &AtomicBool) -> Self {
        let (mut samples, mut most_committed) = (Vec::new(), 0);
        while !done.load(Ordering::Relaxed) {
            most_committed = most_committed.max(engine.stats().code.committed_bytes);
            samples.push(engine.tenants().iter().map(|tenant| tenant.used_bytes).sum());
            thread::sleep(Duration::from_millis(2));
        }
        let width = samples.len().div_ceil(Self::COLUMNS).max(1);
        let columns = samples.chunks(width).map(|part| part.iter().copied().max().unwrap_or(0));
        Self { most_committed, columns: columns.collect() }
    }
}

/// One column for a part of the time, as high as the most that was occupied in it.
impl Display for Curve {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nresident code; committed were at most {:.1} of {} MiB",
            self.most_committed as f64 / f64::from(1 << 20),
            LIMIT >> 20
        )?;
        for row in (1..=Self::ROWS).rev() {
            let height = LIMIT / Self::ROWS * row;
            let half = LIMIT / Self::ROWS / 2;
            let mark = |&bytes: &usize| if height - half <= bytes { '#' } else { ' ' };
            let line: String = self.columns.iter().map(mark).collect();
            writeln!(f, "{:>6.1} |{line}", height as f64 / f64::from(1 << 20))?;
        }
        write!(f, "{:>6} +{}", "MiB", "-".repeat(self.columns.len()))
    }
}

/// Modules that are made, called and dropped, one after the other.
fn churn(modules: usize) -> Outcome<()> {
    /// By then all that is made once has been made.
    const WARM: usize = 1000;
    /// What is due to chance: which pages the allocator gives back when.
    const SLACK: usize = 4 << 20;
    let engine = Engine::new(Config::new().code_memory_limit(LIMIT))?;
    let tenant = engine.tenant("churn", TENANT_LIMIT);
    let (begin, mut warm) = (Instant::now(), 0);
    println!("{:>9}{:>15}{:>15}{:>9}", "modules", "resident KiB", "committed KiB", "s");
    for index in 1..=modules {
        let functions = 5 + index % 30;
        let wasm = wasm(index, functions, &BODY_BYTES[..1 + index % 6]);
        let module = Module::with_options(&engine, wasm, ModuleOptions::new().tenant(&tenant))?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        for function in (0..functions).step_by(3) {
            let name = format!("f{function}");
            let function = instance.typed_func::<i32, i32>(&mut store, &name)?;
            function.call(&mut store, index as i32)?;
        }
        drop((store, module));
        if index == WARM {
            warm = resident()?;
        }
        if index == WARM || index % modules.div_ceil(10) == 0 {
            let (resident, committed) = (resident()?, engine.stats().code.committed_bytes);
            let seconds = begin.elapsed().as_secs_f64();
            println!("{index:>9}{:>15}{:>15}{seconds:>9.1}", resident >> 10, committed >> 10);
        }
    }
    engine.collect();
    let used = tenant.stats().used_bytes;
    println!("the tenant still has {used} bytes");
    match resident()? {
        now if WARM < modules && warm + SLACK < now => {
            Err(format!("resident memory grew from {warm} to {now} bytes").into())
        }
        _ if used != 0 => Err("not all code memory was given back".into()),
        _ => Ok(()),
    }
}

/// Bytes of memory that this process has.
fn resident() -> Outcome<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = statm.split(' ').nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4096)
}
