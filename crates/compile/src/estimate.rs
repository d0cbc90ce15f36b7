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

/// By tier; code as it is allocated, in granules of 64 bytes. Fitted to the eight modules that
/// `docs/estimates.md` names.
const FACTORS: [(Tier, Factors); 2] = [
    (
        Tier::Baseline,
        Factors {
            code_of_function: 145.0,
            code_of_byte: 1.74,
            metadata_of_function: 108.0,
            metadata_of_byte: 0.70,
        },
    ),
    (
        Tier::Optimized,
        Factors {
            code_of_function: 45.0,
            code_of_byte: 1.97,
            metadata_of_function: 110.0,
            metadata_of_byte: 0.80,
        },
    ),
];

/// Where functions begin in the baseline tier, so much of a module is optimized at most, in percent.
/// Of the programs in `bench/programs` at their largest sizes, `text` has most optimized code: 38 %
/// of what all of it would have.
const TIERED_PERCENT: usize = 40;

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

    /// Bytes of code if functions begin in the baseline tier and those that run long get better
    /// code.
    pub fn tiered_code_bytes(&self) -> usize {
        self.baseline.code_bytes + self.optimized.code_bytes / 100 * TIERED_PERCENT
    }

    /// What code of that tier takes.
    pub fn tier(&self, tier: Tier) -> TierEstimate {
        match tier {
            Tier::Baseline => self.baseline,
            Tier::Optimized => self.optimized,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_follow_from_the_table() {
        let estimate = Estimate::new(1000, 200_000);
        assert_eq!(
            estimate.baseline,
            TierEstimate { code_bytes: 493_000, metadata_bytes: 248_000 }
        );
        assert_eq!(
            estimate.optimized,
            TierEstimate { code_bytes: 439_000, metadata_bytes: 270_000 }
        );
        assert_eq!(estimate.tier(Tier::Optimized), estimate.optimized);
        assert_eq!(estimate.unit, UnitEstimate::new(1000));
        assert_eq!(estimate.tiered_code_bytes(), 493_000 + 175_600);
    }

    #[test]
    fn a_module_without_functions_takes_nothing() {
        let module = Module::decode(b"\0asm\x01\0\0\0".to_vec().into()).unwrap();
        let estimate = Estimate::of(&module);
        assert_eq!(estimate, Estimate::new(0, 0));
        assert_eq!(estimate.tiered_code_bytes(), 0);
        assert_eq!(estimate.unit.lazy_table_bytes, 0);
    }
}
