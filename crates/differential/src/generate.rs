//! Modules nobody would write.
//!
//! `wasm-smith` turns bytes into a valid module. Every feature is set here, so that a new
//! version of it cannot switch something on that the engine does not have. NaNs are made
//! canonical, since the specification leaves their bits open. Every loop and every function
//! takes fuel from a global, so that all calls end: with `unreachable` when nothing is left.
#![forbid(unsafe_code)]

use arbitrary::Unstructured;
use wasm_smith::{Config, MemoryOffsetChoices, Module};

use crate::{Random, wasmi_faults::without_eqz_select};

/// Whether generated code may trap on its own (it always may when its fuel is spent).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Traps {
    /// Divisions, accesses and conversions are guarded, so that code runs on for long.
    Avoided,
    /// Code traps soon and often.
    Allowed,
}

/// Iterations and calls that an instance can do, and bytes that one bulk operation moves.
const FUEL: u32 = 1000;

/// A module made from `bytes`.
///
/// # Errors
///
/// If there are too few of them.
pub fn module(bytes: &mut Unstructured<'_>, traps: Traps) -> arbitrary::Result<Vec<u8>> {
    let config = config(bytes, traps)?;
    let for_wasmi = bytes.ratio(7u8, 8)?;
    let mut module = Module::new(config, bytes)?;
    module.ensure_termination(FUEL).map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let wasm = module.to_bytes();
    Ok(if for_wasmi { without_eqz_select(wasm) } else { wasm })
}

/// The module of that seed. Even seeds avoid traps.
pub fn module_of_seed(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let traps = if seed.is_multiple_of(2) { Traps::Avoided } else { Traps::Allowed };
    loop {
        let count = 1024 << random.below(7);
        let bytes = random.bytes(count);
        if let Ok(module) = module(&mut Unstructured::new(&bytes), traps) {
            return module;
        }
    }
}

fn config(bytes: &mut Unstructured<'_>, traps: Traps) -> arbitrary::Result<Config> {
    Ok(Config {
        disallow_traps: traps == Traps::Avoided,
        max_instructions: *bytes.choose(&[20, 100, 300])?,
        max_funcs: 20,
        max_imports: *bytes.choose(&[0, 3, 10])?,
        max_values: *bytes.choose(&[3, 12])?,
        min_funcs: *bytes.choose(&[1, 3, 10])?,
        min_types: 3,
        min_globals: 2,
        min_memories: u32::from(bytes.ratio(3u8, 4)?),
        min_tables: u32::from(bytes.ratio(3u8, 4)?),
        min_element_segments: bytes.int_in_range(0..=2)?,
        max_memories: 3,
        max_tables: 3,
        max_globals: 10,
        max_types: 20,
        max_data_segments: 5,
        max_element_segments: 5,
        max_elements: 20,
        max_memory32_bytes: 4 << 16,
        max_table_elements: 50,
        memory_max_size_required: true,
        table_max_size_required: true,
        memory_offset_choices: MemoryOffsetChoices(80, 15, 5),
        canonicalize_nans: true,
        export_everything: true,
        allow_start_export: true,
        ..features()
    })
}

/// Exactly what the engine has.
fn features() -> Config {
    Config {
        bulk_memory_enabled: true,
        extended_const_enabled: true,
        multi_value_enabled: true,
        reference_types_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: true,
        tail_call_enabled: true,
        acquire_release_atomics_enabled: false,
        compact_imports_enabled: false,
        custom_descriptors_enabled: false,
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        multibyte_array_access_enabled: false,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}
