//! What of WebAssembly this engine accepts: one set, the same everywhere.
#![forbid(unsafe_code)]

use wasmparser::WasmFeatures;

/// WebAssembly 2.0 (multi-value, reference types, bulk memory, sign extension, saturating
/// conversions, SIMD) with tail calls, extended constant expressions and several memories.
pub const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY);
