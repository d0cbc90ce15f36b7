//! Estimates beside what is really used, and the factors anew.
//!
//! ```text
//! estimates [--fit] [PATH...]     modules, or directories with modules; without any, those of this repository
//! ```
//!
//! `--fit` prints what belongs in the table of `crates/compile/src/estimate.rs`, for the modules
//! given. A module weighs the same whatever its size; within a module, functions are put together
//! with those of about their size, so that neither the many small ones nor the few large ones
//! decide alone.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
};

use tierup::{
    CompilerStrategy, Config, Engine, Module, Tier,
    compile::{Factors, TierEstimate},
};

/// Code is allocated in units of this.
const GRANULE: usize = 64;

/// What became of functions whose bodies are about equally large.
#[derive(Clone, Copy, Default)]
struct Sample {
    functions: u32,
    body_bytes: usize,
    used: TierEstimate,
}

/// One module in one tier: functions by the logarithm of their size.
type Classes = BTreeMap<u32, Sample>;

const TIERS: [(Tier, CompilerStrategy); 2] =
    [(Tier::Baseline, CompilerStrategy::Baseline), (Tier::Optimized, CompilerStrategy::Optimizing)];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let is_fit = arguments.first().is_some_and(|first| first == "--fit");
    let paths = arguments.split_off(usize::from(is_fit));
    let files = files(&paths)?;
    println!(
        "| module | tier | functions | bodies | code: estimated | used | off by | metadata: estimated | used | off by |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (tier, strategy) in TIERS {
        let mut all = Vec::new();
        for file in &files {
            let classes = measure(file, strategy)?;
            print_row(file, tier, &sum(&classes));
            all.push(classes);
        }
        if is_fit {
            println!("\n{tier:?}: {:#?}\n", fit(&all));
        }
    }
    Ok(())
}

/// The modules at these paths.
fn files(paths: &[String]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let paths = match paths {
        [] => vec![repository.join("examples"), repository.join("bench/programs")],
        paths => paths.iter().map(PathBuf::from).collect(),
    };
    let mut files = Vec::new();
    for path in paths {
        if path.is_file() {
            files.push(path);
            continue;
        }
        let entries =
            std::fs::read_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for entry in entries {
            files.extend(Some(entry?.path()).filter(|path| is_module(path)));
        }
    }
    files.sort();
    Ok(files)
}

fn is_module(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "wasm")
}

/// Compiles all of a module.
fn measure(file: &Path, strategy: CompilerStrategy) -> Result<Classes, Box<dyn Error>> {
    let mut config = Config::new();
    config.strategy(strategy).lazy(false).code_memory_limit(4095 << 20);
    let module = Module::from_vec(&Engine::new(&config)?, std::fs::read(file)?)?;
    let mut classes = Classes::new();
    for function in module.imported_function_count()..module.function_count() {
        let code = module.function_code(function).ok_or("a function without code")?;
        let body = module.function_body_size(function).ok_or("a function without a body")?;
        let sample = classes.entry(body.max(1).ilog2()).or_default();
        sample.functions += 1;
        sample.body_bytes += body;
        sample.used.code_bytes += code.bytes().len().next_multiple_of(GRANULE);
        sample.used.metadata_bytes += code.metadata_bytes();
    }
    Ok(classes)
}

fn sum(classes: &Classes) -> Sample {
    classes.values().fold(Sample::default(), |sum, class| Sample {
        functions: sum.functions + class.functions,
        body_bytes: sum.body_bytes + class.body_bytes,
        used: TierEstimate {
            code_bytes: sum.used.code_bytes + class.used.code_bytes,
            metadata_bytes: sum.used.metadata_bytes + class.used.metadata_bytes,
        },
    })
}

fn print_row(file: &Path, tier: Tier, sample: &Sample) {
    let estimate = Factors::of(tier).estimate(sample.functions, sample.body_bytes);
    let compared = |estimate: usize, used: usize| {
        let off = (estimate as f64 / used as f64 - 1.0) * 100.0;
        format!("{estimate} | {used} | {off:+.0} %")
    };
    println!(
        "| {} | {tier:?} | {} | {} | {} | {} |",
        file.file_name().unwrap_or_default().display(),
        sample.functions,
        sample.body_bytes,
        compared(estimate.code_bytes, sample.used.code_bytes),
        compared(estimate.metadata_bytes, sample.used.metadata_bytes),
    );
}

fn fit(modules: &[Classes]) -> Factors {
    let code = least_squares(modules, |sample| sample.used.code_bytes);
    let metadata = least_squares(modules, |sample| sample.used.metadata_bytes);
    Factors {
        code_of_function: code.0,
        code_of_byte: code.1,
        metadata_of_function: metadata.0,
        metadata_of_byte: metadata.1,
    }
}

/// The factors `a` of functions and `b` of bytes that make the sum of squares of
/// `(a functions + b bytes - used) / all that the module uses` least.
fn least_squares(modules: &[Classes], used: impl Fn(&Sample) -> usize) -> (f64, f64) {
    let (mut xx, mut xy, mut yy, mut xz, mut yz) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for classes in modules {
        let whole: usize = classes.values().map(&used).sum();
        for sample in classes.values() {
            let share = |value: f64| value / whole.max(1) as f64;
            let x = share(f64::from(sample.functions));
            let y = share(sample.body_bytes as f64);
            let z = share(used(sample) as f64);
            xx += x * x;
            xy += x * y;
            yy += y * y;
            xz += x * z;
            yz += y * z;
        }
    }
    let determinant = xx * yy - xy * xy;
    ((xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant)
}
