//! How much code and metadata a module will have, before anything is compiled.
//!
//! ```text
//!   code section ──► functions, bytes of bodies ──┬─ FACTORS[tier] ──► code, metadata of that tier
//!                                                 └─ `UnitEstimate` ─► cells, lazy table, lists
//! ```
//!
//! Code grows with a body's bytes, and each function has a prologue, an epilogue, and on average
//! half a granule that is left empty. Both shares were measured: the only numbers are in
//! [`FACTORS`], and `cargo run --release -p tierup --example estimates -- --fit` prints them anew.
//! What they are good for, on modules that they were not made from, is in `docs/estimates.md`.
#![forbid(unsafe_code)]

use codespace::{Tier, UnitEstimate};
use tierup_wasm::Module;

/// What a function takes, and a byte of its body.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Factors {
    /// Bytes of code for each function.
    pub code_of_function: f64,
    /// Bytes of code for each byte of a body.
    pub code_of_byte: f64,
    /// Bytes of records and side tables for each function.
    pub metadata_of_function: f64,
    /// Bytes of records and side tables for each byte of a body.
    pub metadata_of_byte: f64,
}

/// By tier. Code as it is allocated, in granules of 64 bytes.
///
/// Fitted to the modules in `examples` and `bench/programs`.
const FACTORS: [(Tier, Factors); 2] = [
    (
        Tier::Baseline,
        Factors {
            code_of_function: 100.0,
            code_of_byte: 1.7,
            metadata_of_function: 100.0,
            metadata_of_byte: 0.5,
        },
    ),
    (
        Tier::Optimized,
        Factors {
            code_of_function: 100.0,
            code_of_byte: 1.5,
            metadata_of_function: 100.0,
            metadata_of_byte: 0.5,
        },
    ),
];

/// Bytes that code of one tier takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TierEstimate {
    /// Code memory.
    pub code_bytes: usize,
    /// Records and side tables.
    pub metadata_bytes: usize,
}

/// What a module will take if all of its functions are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Estimate {
    /// What it takes before any function is compiled.
    pub unit: UnitEstimate,
    /// By the baseline compiler.
    pub baseline: TierEstimate,
    /// By the optimizing compiler.
    pub optimized: TierEstimate,
}

impl Factors {
    /// Those of a tier.
    pub fn of(tier: Tier) -> Self {
        let [(_, baseline), (_, optimized)] = FACTORS;
        match tier {
            Tier::Baseline => baseline,
            Tier::Optimized => optimized,
        }
    }

    /// For so many functions, whose bodies have so many bytes.
    pub fn estimate(&self, functions: u32, body_bytes: usize) -> TierEstimate {
        let sum = |of_function: f64, of_byte: f64| {
            let bytes = of_function.mul_add(f64::from(functions), of_byte * body_bytes as f64);
            // Saturates: a fit may have a negative share of functions.
            bytes.round() as usize
        };
        TierEstimate {
            code_bytes: sum(self.code_of_function, self.code_of_byte),
            metadata_bytes: sum(self.metadata_of_function, self.metadata_of_byte),
        }
    }
}

impl Estimate {
    /// For a module that was decoded.
    pub fn of(module: &Module) -> Self {
        let body_bytes = module.bodies.iter().map(ExactSizeIterator::len).sum();
        Self::new(module.defined_functions(), body_bytes)
    }

    /// For so many functions, whose bodies have so many bytes.
    pub fn new(functions: u32, body_bytes: usize) -> Self {
        let of = |tier| Factors::of(tier).estimate(functions, body_bytes);
        Self {
            unit: UnitEstimate::new(functions),
            baseline: of(Tier::Baseline),
            optimized: of(Tier::Optimized),
        }
    }

    /// What code of that tier takes.
    pub fn tier(&self, tier: Tier) -> TierEstimate {
        match tier {
            Tier::Baseline => self.baseline,
            Tier::Optimized => self.optimized,
        }
    }
}
