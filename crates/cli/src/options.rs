//! `-C` and `-W`: one table for each, from which parsing and help are made.

use std::{fmt::Write, str::FromStr, time::Duration};

use tierup::{CompilerStrategy, Config, MemoryMode, Protection};

macro_rules! options {
    ($(#[$meta:meta])* $name:ident, $letter:literal {
        $($key:literal => $variant:ident($ty:ty, $parse:path), $value:literal, $help:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub(crate) enum $name { $($variant($ty),)* }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let (key, value) = text.split_once('=').unwrap_or((text, "y"));
                match key {
                    $($key => {
                        let value = $parse(value);
                        value.map(Self::$variant).map_err(|error| format!("{}: {error}", $key))
                    })*
                    "help" => Err(Self::help()),
                    _ => Err(format!("unknown key `{key}`; `-{} help` lists the keys", $letter)),
                }
            }
        }

        impl $name {
            /// The option as it is written, without its value.
            pub(crate) fn key(&self) -> &'static str {
                match self { $(Self::$variant(_) => concat!("-", $letter, " ", $key),)* }
            }

            fn help() -> String {
                let mut help = concat!("the keys of -", $letter, " are:").to_owned();
                $(
                    // Writing to a string does not fail.
                    let _ = write!(help, "\n  {:<34} {}", concat!($key, "=", $value), $help);
                )*
                help
            }
        }
    };
}

options! {
    /// An option for code generation.
    CodeOption, "C" {
        "compiler" => Compiler(CompilerStrategy, parse_strategy), "tiered|baseline|optimizing",
            "which compilers make code [tiered]";
        "tier-up-budget" => TierUpBudget(u64, parse_count), "N",
            "work before a function may be optimized, 1: at once [10000000]";
        "lazy" => Lazy(bool, parse_bool), "y|n",
            "compile functions when they are called [y]";
        "lazy-validation" => LazyValidation(bool, parse_bool), "y|n",
            "validate functions when they are compiled [n]";
        "compile-threads" => CompileThreads(usize, parse_count), "N",
            "threads that compile; 0: optimize on the program's own [cores]";
        "compile-time" => CompileTime(Duration, parse_duration), "TIME",
            "most time for optimizing one function [10s]";
        "compile-memory" => CompileMemory(usize, parse_size), "SIZE",
            "most memory for optimizing one function [1G]";
        "code-memory" => CodeMemory(usize, parse_size), "SIZE",
            "most code memory [1G, or a quarter of the control group's memory]";
        "watch-memory-pressure" => WatchMemoryPressure(bool, parse_bool), "y|n",
            "give code up when the system says that memory is short [n]";
        "share-modules" => ShareModules(bool, parse_bool), "y|n",
            "compile modules with the same bytes once [y for `js` and `wast`]";
        "protection" => Protection(Protection, parse_protection), "auto|file|toggle|pkey",
            "how code is protected from writes [auto]";
        "arena" => Arena(usize, parse_size), "SIZE",
            "code in one arena; small ones are for tests";
    }
}

options! {
    /// An option for semantics and limits.
    WasmOption, "W" {
        "fuel" => Fuel(u64, parse_count), "N",
            "stop the program when it has done so much, about an operator each [none]";
        "timeout" => Timeout(Duration, parse_duration), "TIME",
            "stop the program, or each script of `wast`, after 500ms, 2s, 1.5m [none]";
        "max-memory-size" => MaxMemorySize(usize, parse_size), "SIZE",
            "most bytes of one memory [4G]";
        "max-table-elements" => MaxTableElements(usize, parse_count), "N",
            "most elements of one table [10000000]";
        "max-instances" => MaxInstances(usize, parse_count), "N",
            "most instances [10000]";
        "max-wasm-stack" => MaxWasmStack(usize, parse_size), "SIZE",
            "most stack [1M]";
        "explicit-bounds-checks" => ExplicitBounds(bool, parse_bool), "y|n",
            "check memory accesses by comparing instead of by guard pages [n]";
    }
}

impl CodeOption {
    pub(crate) fn apply(&self, config: &mut Config) {
        match *self {
            Self::Compiler(strategy) => config.strategy(strategy),
            Self::TierUpBudget(units) => config.tier_up_budget(units),
            Self::Lazy(lazy) => config.lazy(lazy),
            Self::LazyValidation(lazy) => config.lazy_validation(lazy),
            Self::CompileThreads(threads) => config.compile_threads(threads),
            Self::CompileTime(time) => config.compile_time_limit(time),
            Self::CompileMemory(bytes) => config.compile_memory_limit(bytes),
            Self::CodeMemory(bytes) => config.code_memory_limit(bytes),
            Self::ShareModules(share) => config.share_modules(share),
            Self::WatchMemoryPressure(watch) => config.watch_memory_pressure(watch),
            Self::Protection(protection) => config.protection(protection),
            Self::Arena(bytes) => config.arena_code_bytes(bytes),
        };
    }
}

impl CodeOption {
    /// Whether it has an effect only on what runs.
    pub(crate) fn is_for_runs(&self) -> bool {
        matches!(self, Self::TierUpBudget(_))
    }
}

impl WasmOption {
    /// Whether it has an effect only on what runs. Code is other code if it takes fuel, or compares
    /// addresses.
    pub(crate) fn is_for_runs(&self) -> bool {
        !matches!(self, Self::Fuel(_) | Self::ExplicitBounds(_))
    }

    /// What concerns the engine; limits of a run are [`Limits`].
    pub(crate) fn apply(&self, config: &mut Config) {
        match *self {
            Self::Fuel(_) => config.consume_fuel(true),
            Self::MaxWasmStack(bytes) => config.max_wasm_stack(bytes),
            Self::ExplicitBounds(true) => config.memory_mode(MemoryMode::Explicit),
            _ => config,
        };
    }
}

/// Limits of one run.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Option<Duration>,
    pub(crate) fuel: Option<u64>,
    memory_bytes: usize,
    table_elements: usize,
    instances: usize,
}

impl Limits {
    pub(crate) fn new(options: &[WasmOption]) -> Self {
        let mut limits = Self {
            timeout: None,
            fuel: None,
            memory_bytes: usize::MAX,
            table_elements: usize::MAX,
            instances: 10_000,
        };
        for option in options {
            match *option {
                WasmOption::Fuel(fuel) => limits.fuel = Some(fuel),
                WasmOption::Timeout(timeout) => limits.timeout = Some(timeout),
                WasmOption::MaxMemorySize(bytes) => limits.memory_bytes = bytes,
                WasmOption::MaxTableElements(elements) => limits.table_elements = elements,
                WasmOption::MaxInstances(instances) => limits.instances = instances,
                WasmOption::MaxWasmStack(_) | WasmOption::ExplicitBounds(_) => {}
            }
        }
        limits
    }
}

impl tierup::ResourceLimiter for Limits {
    fn memory_growing(&mut self, _current: usize, desired: usize, _: Option<usize>) -> bool {
        desired <= self.memory_bytes
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _: Option<usize>) -> bool {
        desired <= self.table_elements
    }

    fn instances(&self) -> usize {
        self.instances
    }
}

fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "y" | "yes" | "true" => Ok(true),
        "n" | "no" | "false" => Ok(false),
        _ => Err(format!("expected y or n, found `{text}`")),
    }
}

fn parse_count<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("expected a number, found `{text}`"))
}

/// Bytes, with an optional K, M or G for powers of 1024.
fn parse_size(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((end, 'k' | 'K')) => (&text[..end], 10),
        Some((end, 'm' | 'M')) => (&text[..end], 20),
        Some((end, 'g' | 'G')) => (&text[..end], 30),
        _ => (text, 0),
    };
    let number: Option<usize> = digits.parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(1 << shift));
    bytes.ok_or_else(|| format!("expected a size like 65536, 64K, 8M or 1G, found `{text}`"))
}

/// Seconds, or a number with ms, s or m.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0)];
    let unit =
        units.into_iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (number, factor) = unit.unwrap_or((text, 1.0));
    let seconds = number.parse::<f64>().ok().map(|number| number * factor);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| format!("expected a time like 500ms, 2s or 1.5m, found `{text}`"))
}

fn parse_strategy(text: &str) -> Result<CompilerStrategy, String> {
    match text {
        "tiered" => Ok(CompilerStrategy::Tiered),
        "baseline" => Ok(CompilerStrategy::Baseline),
        "optimizing" => Ok(CompilerStrategy::Optimizing),
        _ => Err(format!("expected tiered, baseline or optimizing, found `{text}`")),
    }
}

fn parse_protection(text: &str) -> Result<Protection, String> {
    match text {
        "auto" => Ok(Protection::Auto),
        "file" => Ok(Protection::File),
        "toggle" => Ok(Protection::Toggle),
        "pkey" => Ok(Protection::Pkey),
        _ => Err(format!("expected auto, file, toggle or pkey, found `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let good = [("0", 0), ("65536", 65536), ("64K", 65536), ("3m", 3 << 20), ("1G", 1 << 30)];
        for (text, bytes) in good {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "K", "-1", "1T", "1.5M", "99999999999999999999", "18446744073709551615G"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations() {
        let good = [("2", 2000), ("500ms", 500), ("1.5s", 1500), ("0.5m", 30_000)];
        for (text, milliseconds) in good {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "-1", "nan", "1h", "1e300"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn unknown_keys_say_where_the_list_is() {
        let message = "lasy=y".parse::<CodeOption>().unwrap_err();
        assert_eq!(message, "unknown key `lasy`; `-C help` lists the keys");
        assert!("help".parse::<WasmOption>().unwrap_err().contains("timeout=TIME"));
    }
}
