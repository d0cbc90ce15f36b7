//! A module with every operator, one function each, compiles on every kind of machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fmt::Write};

use tierup_abi::MemoryMode;
use tierup_compiler_tests::{compile, module};
use tierup_optimize::Optimizing;
use tierup_wasm::Module;
use wasmparser::FrameStack;

/// Operators by signature: parameters and result, then the operators.
const PLAIN: &[(&str, &str)] = &[
    ("i32 -> i32", "i32.eqz i32.clz i32.ctz i32.popcnt i32.extend8_s i32.extend16_s"),
    (
        "i32 i32 -> i32",
        "i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u \
         i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor \
         i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr",
    ),
    ("i64 -> i32", "i64.eqz i32.wrap_i64"),
    ("i64 -> i64", "i64.clz i64.ctz i64.popcnt i64.extend8_s i64.extend16_s i64.extend32_s"),
    (
        "i64 i64 -> i32",
        "i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u",
    ),
    (
        "i64 i64 -> i64",
        "i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u i64.and i64.or i64.xor \
         i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr",
    ),
    ("f32 -> f32", "f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt"),
    ("f64 -> f64", "f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt"),
    ("f32 f32 -> i32", "f32.eq f32.ne f32.lt f32.gt f32.le f32.ge"),
    ("f64 f64 -> i32", "f64.eq f64.ne f64.lt f64.gt f64.le f64.ge"),
    ("f32 f32 -> f32", "f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign"),
    ("f64 f64 -> f64", "f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign"),
    (
        "f32 -> i32",
        "i32.trunc_f32_s i32.trunc_f32_u i32.trunc_sat_f32_s i32.trunc_sat_f32_u \
         i32.reinterpret_f32",
    ),
    ("f64 -> i32", "i32.trunc_f64_s i32.trunc_f64_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u"),
    ("f32 -> i64", "i64.trunc_f32_s i64.trunc_f32_u i64.trunc_sat_f32_s i64.trunc_sat_f32_u"),
    (
        "f64 -> i64",
        "i64.trunc_f64_s i64.trunc_f64_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u \
         i64.reinterpret_f64",
    ),
    ("i32 -> i64", "i64.extend_i32_s i64.extend_i32_u"),
    ("i32 -> f32", "f32.convert_i32_s f32.convert_i32_u f32.reinterpret_i32"),
    ("i64 -> f32", "f32.convert_i64_s f32.convert_i64_u"),
    ("i32 -> f64", "f64.convert_i32_s f64.convert_i32_u"),
    ("i64 -> f64", "f64.convert_i64_s f64.convert_i64_u f64.reinterpret_i64"),
    ("f64 -> f32", "f32.demote_f64"),
    ("f32 -> f64", "f64.promote_f32"),
    ("i32 -> i32", "i32.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u memory.grow"),
    (
        "i32 -> i64",
        "i64.load i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u",
    ),
    ("i32 -> f32", "f32.load"),
    ("i32 -> f64", "f64.load"),
    ("i32 i32 ->", "i32.store i32.store8 i32.store16"),
    ("i32 i64 ->", "i64.store i64.store8 i64.store16 i64.store32"),
    ("i32 f32 ->", "f32.store"),
    ("i32 f64 ->", "f64.store"),
    ("-> i32", "memory.size i32.const|7"),
    ("-> i64", "i64.const|7"),
    ("-> f32", "f32.const|7"),
    ("-> f64", "f64.const|7"),
    ("i32 i32 i32 ->", "memory.copy memory.fill memory.init|$bytes"),
    ("->", "data.drop|$bytes elem.drop|$elements nop unreachable return br|0"),
    ("i32 ->", "drop br_if|0 br_table|0|0|0"),
    ("i64 i64 i32 -> i64", "select select|(result|i64)"),
];

/// The same for references.
const REFERENCES: &[(&str, &str)] = &[
    ("-> funcref", "ref.null|func ref.func|$declared"),
    ("-> externref", "ref.null|extern"),
    ("funcref -> i32", "ref.is_null"),
    ("externref -> i32", "ref.is_null"),
    ("externref externref i32 -> externref", "select|(result|externref)"),
    ("i32 -> funcref", "table.get|$functions"),
    ("i32 -> externref", "table.get|$things"),
    ("i32 funcref ->", "table.set|$functions"),
    ("i32 externref ->", "table.set|$things"),
    ("-> i32", "table.size|$functions table.size|$things"),
    ("funcref i32 -> i32", "table.grow|$functions"),
    ("externref i32 -> i32", "table.grow|$things"),
    ("i32 funcref i32 ->", "table.fill|$functions"),
    ("i32 externref i32 ->", "table.fill|$things"),
    (
        "i32 i32 i32 ->",
        "table.copy|$functions|$functions table.copy|$things|$things \
         table.init|$functions|$elements",
    ),
    ("-> i64", "global.get|$inline global.get|$shared"),
    ("i64 ->", "global.set|$inline global.set|$shared"),
    ("-> externref", "global.get|$thing"),
    ("externref ->", "global.set|$thing"),
    ("-> v128", "global.get|$vector"),
    ("v128 ->", "global.set|$vector"),
    ("-> i32", "call|$declared return_call|$declared return_call|$imported call|$imported"),
    (
        "i32 -> i32",
        "call_indirect|$functions|(result|i32) return_call_indirect|$functions|(result|i32)",
    ),
];

/// The same for vectors.
const VECTORS: &[(&str, &str)] = &[
    (
        "i32 -> v128",
        "v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u \
         v128.load32x2_s v128.load32x2_u v128.load8_splat v128.load16_splat v128.load32_splat \
         v128.load64_splat v128.load32_zero v128.load64_zero i8x16.splat i16x8.splat i32x4.splat",
    ),
    (
        "i32 v128 -> v128",
        "v128.load8_lane|15 v128.load16_lane|7 v128.load32_lane|3 v128.load64_lane|1",
    ),
    (
        "i32 v128 ->",
        "v128.store v128.store8_lane|15 v128.store16_lane|7 v128.store32_lane|3 \
         v128.store64_lane|1",
    ),
    ("-> v128", "v128.const|i32x4|1|2|3|4"),
    ("i64 -> v128", "i64x2.splat"),
    ("f32 -> v128", "f32x4.splat"),
    ("f64 -> v128", "f64x2.splat"),
    (
        "v128 -> i32",
        "i8x16.extract_lane_s|15 i8x16.extract_lane_u|0 i16x8.extract_lane_s|7 \
         i16x8.extract_lane_u|0 i32x4.extract_lane|3 v128.any_true i8x16.all_true \
         i16x8.all_true i32x4.all_true i64x2.all_true i8x16.bitmask i16x8.bitmask \
         i32x4.bitmask i64x2.bitmask",
    ),
    ("v128 -> i64", "i64x2.extract_lane|1"),
    ("v128 -> f32", "f32x4.extract_lane|3"),
    ("v128 -> f64", "f64x2.extract_lane|1"),
    ("v128 i32 -> v128", "i8x16.replace_lane|15 i16x8.replace_lane|7 i32x4.replace_lane|3"),
    ("v128 i64 -> v128", "i64x2.replace_lane|1"),
    ("v128 f32 -> v128", "f32x4.replace_lane|3"),
    ("v128 f64 -> v128", "f64x2.replace_lane|1"),
    (
        "v128 i32 -> v128",
        "i8x16.shl i8x16.shr_s i8x16.shr_u i16x8.shl i16x8.shr_s i16x8.shr_u i32x4.shl \
         i32x4.shr_s i32x4.shr_u i64x2.shl i64x2.shr_s i64x2.shr_u",
    ),
    (
        "v128 -> v128",
        "v128.not i8x16.abs i8x16.neg i8x16.popcnt i16x8.abs i16x8.neg i32x4.abs i32x4.neg \
         i64x2.abs i64x2.neg i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u \
         i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u i16x8.extend_low_i8x16_s \
         i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u \
         i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_s i32x4.extend_low_i16x8_u \
         i32x4.extend_high_i16x8_u i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s \
         i64x2.extend_low_i32x4_u i64x2.extend_high_i32x4_u f32x4.ceil f32x4.floor f32x4.trunc \
         f32x4.nearest f32x4.abs f32x4.neg f32x4.sqrt f64x2.ceil f64x2.floor f64x2.trunc \
         f64x2.nearest f64x2.abs f64x2.neg f64x2.sqrt i32x4.trunc_sat_f32x4_s \
         i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u \
         i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s \
         f64x2.convert_low_i32x4_u f32x4.demote_f64x2_zero f64x2.promote_low_f32x4",
    ),
    (
        "v128 v128 -> v128",
        "i8x16.shuffle|0|1|2|3|4|5|6|7|16|17|18|19|20|21|22|23 i8x16.swizzle v128.and \
         v128.andnot v128.or v128.xor i8x16.eq i8x16.ne i8x16.lt_s i8x16.lt_u i8x16.gt_s \
         i8x16.gt_u i8x16.le_s i8x16.le_u i8x16.ge_s i8x16.ge_u i16x8.eq i16x8.ne i16x8.lt_s \
         i16x8.lt_u i16x8.gt_s i16x8.gt_u i16x8.le_s i16x8.le_u i16x8.ge_s i16x8.ge_u i32x4.eq \
         i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s i32x4.gt_u i32x4.le_s i32x4.le_u i32x4.ge_s \
         i32x4.ge_u i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s f32x4.eq \
         f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge f64x2.eq f64x2.ne f64x2.lt f64x2.gt \
         f64x2.le f64x2.ge i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u i8x16.add i8x16.add_sat_s \
         i8x16.add_sat_u i8x16.sub i8x16.sub_sat_s i8x16.sub_sat_u i8x16.min_s i8x16.min_u \
         i8x16.max_s i8x16.max_u i8x16.avgr_u i16x8.q15mulr_sat_s i16x8.narrow_i32x4_s \
         i16x8.narrow_i32x4_u i16x8.add i16x8.add_sat_s i16x8.add_sat_u i16x8.sub \
         i16x8.sub_sat_s i16x8.sub_sat_u i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s \
         i16x8.max_u i16x8.avgr_u i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s \
         i16x8.extmul_low_i8x16_u i16x8.extmul_high_i8x16_u i32x4.add i32x4.sub i32x4.mul \
         i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s \
         i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s i32x4.extmul_low_i16x8_u \
         i32x4.extmul_high_i16x8_u i64x2.add i64x2.sub i64x2.mul i64x2.extmul_low_i32x4_s \
         i64x2.extmul_high_i32x4_s i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u f32x4.add \
         f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax f64x2.add \
         f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax",
    ),
    ("v128 v128 v128 -> v128", "v128.bitselect"),
    ("v128 v128 i32 -> v128", "select"),
];

/// What the generated functions refer to, and the operators that have no line above.
const SURROUNDINGS: &str = r#"
  (import "host" "imported" (func $imported (result i32)))
  (import "host" "shared" (global $shared (mut i64)))
  (memory 1)
  (table $functions 1 funcref)
  (table $things 1 externref)
  (global $inline (mut i64) (i64.const 0))
  (global $thing (mut externref) (ref.null extern))
  (global $vector (mut v128) (v128.const i64x2 0 0))
  (elem $elements func $declared)
  (data $bytes "bytes")
  (func $declared (result i32) (i32.const 1))
  (func (param i32) (result i32) (local v128 f32 externref)
    (block (result i32)
      (loop (if (local.tee 0 (i32.const 1)) (then (br 2 (i32.const 3))) (else nop)))
      (local.set 0 (i32.const 2))
      (local.get 0)))
"#;

#[test]
fn every_operator_compiles_on_every_machine() {
    let module = module(&everything());
    for compiler in [Optimizing::new().unwrap(), Optimizing::portable().unwrap()] {
        for mode in [MemoryMode::Guard, MemoryMode::Explicit] {
            for function in 0..module.defined_functions() {
                let result = compile(&compiler, &module, function, mode);
                let compiled = result.unwrap_or_else(|error| panic!("{function}: {error}"));
                assert!(!compiled.bytes.is_empty());
            }
        }
    }
}

#[test]
fn the_list_of_operators_is_complete() {
    let module = module(&everything());
    let mut seen = BTreeSet::new();
    for function in 0..module.defined_functions() {
        note_operators(&module, function, &mut seen);
    }
    let missing: Vec<_> = supported().into_iter().filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A module with a function for each operator of the tables.
fn everything() -> String {
    let mut text = String::from("(module") + SURROUNDINGS;
    for (signature, operators) in [PLAIN, REFERENCES, VECTORS].concat() {
        for operator in operators.split_whitespace() {
            add_function(&mut text, signature, &operator.replace('|', " "));
        }
    }
    text + ")"
}

fn add_function(text: &mut String, signature: &str, operator: &str) {
    let (params, result) = signature.split_once("->").unwrap();
    let count = params.split_whitespace().count();
    write!(text, "(func (param {params}) (result {result}) ").unwrap();
    for index in 0..count {
        write!(text, "local.get {index} ").unwrap();
    }
    writeln!(text, "{operator})").unwrap();
}

/// Names of the operators of the proposals that we have.
fn supported() -> Vec<&'static str> {
    macro_rules! names {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            [$((stringify!($proposal), stringify!($op))),*]
        };
    }
    let proposals = [
        "mvp",
        "sign_extension",
        "saturating_float_to_int",
        "bulk_memory",
        "reference_types",
        "tail_call",
        "simd",
    ];
    wasmparser::for_each_operator!(names)
        .into_iter()
        .filter(|(proposal, name)| proposals.contains(proposal) && *name != "TypedSelectMulti")
        .map(|(_, name)| name)
        .collect()
}

fn note_operators(module: &Module, function: u32, seen: &mut BTreeSet<String>) {
    let mut reader = module.body_reader(tierup_wasm::DefinedFunc(function));
    tierup_wasm::read_locals(&mut reader).unwrap();
    let mut operators = wasmparser::OperatorsReader::new(reader);
    while !operators.eof() {
        // Frames do not matter for a name.
        let _ = operators.current_frame();
        let operator = format!("{:?}", operators.read().unwrap());
        let name = operator.split([' ', '{', '(']).next().unwrap();
        seen.insert(name.to_string());
    }
}
