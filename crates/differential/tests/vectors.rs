//! Every vector operator, with its operands wherever they can be, in both compilers.
//!
//! A compiler chooses instructions by where operands are: in a local, known, or just computed; and
//! locals are in registers or in memory. Two functions for each operator have all combinations, and
//! leave all results on the operand stack, so that registers run out. Equal inputs must give equal bits, except of NaNs.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tierup::{CompilerStrategy, Config, Engine, Instance, Linker, MemoryMode, Module, Store, Val};
use tierup_differential::Random;

/// Inputs for each operator: each is a call with 3 to 27 results.
const CALLS: usize = 60;

/// Operators by signature. Immediates follow after `|`.
const OPERATORS: &[(&str, &str)] = &[
    (
        "i32 -> v128",
        "v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s \
         v128.load32x2_u v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat \
         v128.load32_zero v128.load64_zero i8x16.splat i16x8.splat i32x4.splat",
    ),
    (
        "i32 v128 -> v128",
        "v128.load8_lane|0 v128.load8_lane|15 v128.load16_lane|7 v128.load32_lane|0 \
         v128.load32_lane|3 v128.load64_lane|0 v128.load64_lane|1",
    ),
    (
        "i32 v128 ->",
        "v128.store v128.store8_lane|0 v128.store8_lane|15 v128.store16_lane|7 v128.store32_lane|0 \
         v128.store32_lane|3 v128.store64_lane|0 v128.store64_lane|1",
    ),
    ("i64 -> v128", "i64x2.splat"),
    ("f32 -> v128", "f32x4.splat"),
    ("f64 -> v128", "f64x2.splat"),
    (
        "v128 -> i32",
        "i8x16.extract_lane_s|15 i8x16.extract_lane_s|0 i8x16.extract_lane_u|7 \
         i16x8.extract_lane_s|7 i16x8.extract_lane_u|0 i16x8.extract_lane_u|5 i32x4.extract_lane|0 \
         i32x4.extract_lane|3 v128.any_true i8x16.all_true i16x8.all_true i32x4.all_true \
         i64x2.all_true i8x16.bitmask i16x8.bitmask i32x4.bitmask i64x2.bitmask",
    ),
    ("v128 -> i64", "i64x2.extract_lane|0 i64x2.extract_lane|1"),
    ("v128 -> f32", "f32x4.extract_lane|0 f32x4.extract_lane|2 f32x4.extract_lane|3"),
    ("v128 -> f64", "f64x2.extract_lane|0 f64x2.extract_lane|1"),
    (
        "v128 i32 -> v128",
        "i8x16.replace_lane|0 i8x16.replace_lane|15 i16x8.replace_lane|7 i32x4.replace_lane|0 \
         i32x4.replace_lane|3 i8x16.shl i8x16.shr_s i8x16.shr_u i16x8.shl i16x8.shr_s i16x8.shr_u \
         i32x4.shl i32x4.shr_s i32x4.shr_u i64x2.shl i64x2.shr_s i64x2.shr_u",
    ),
    ("v128 i64 -> v128", "i64x2.replace_lane|0 i64x2.replace_lane|1"),
    ("v128 f32 -> v128", "f32x4.replace_lane|0 f32x4.replace_lane|3"),
    ("v128 f64 -> v128", "f64x2.replace_lane|0 f64x2.replace_lane|1"),
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
        "i8x16.shuffle|0|1|2|3|4|5|6|7|16|17|18|19|20|21|22|23 \
         i8x16.shuffle|31|0|30|1|29|2|28|3|27|4|26|5|25|6|24|7 \
         i8x16.shuffle|8|24|9|25|10|26|11|27|12|28|13|29|14|30|15|31 \
         i8x16.shuffle|16|17|0|1|18|19|2|3|20|21|4|5|22|23|6|7 \
         i8x16.shuffle|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20 \
         i8x16.shuffle|4|5|6|7|0|1|2|3|12|13|14|15|12|13|14|15 \
         i8x16.shuffle|20|21|22|23|20|21|22|23|28|29|30|31|16|17|18|19 \
         i8x16.shuffle|31|30|29|28|27|26|25|24|23|22|21|20|19|18|17|16 \
         i8x16.swizzle v128.and v128.andnot v128.or v128.xor i8x16.eq i8x16.ne i8x16.lt_s \
         i8x16.lt_u i8x16.gt_s i8x16.gt_u i8x16.le_s i8x16.le_u i8x16.ge_s i8x16.ge_u i16x8.eq \
         i16x8.ne i16x8.lt_s i16x8.lt_u i16x8.gt_s i16x8.gt_u i16x8.le_s i16x8.le_u i16x8.ge_s \
         i16x8.ge_u i32x4.eq i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s i32x4.gt_u i32x4.le_s \
         i32x4.le_u i32x4.ge_s i32x4.ge_u i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s \
         i64x2.ge_s f32x4.eq f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge f64x2.eq f64x2.ne \
         f64x2.lt f64x2.gt f64x2.le f64x2.ge i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u i8x16.add \
         i8x16.add_sat_s i8x16.add_sat_u i8x16.sub i8x16.sub_sat_s i8x16.sub_sat_u i8x16.min_s \
         i8x16.min_u i8x16.max_s i8x16.max_u i8x16.avgr_u i16x8.q15mulr_sat_s \
         i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u i16x8.add i16x8.add_sat_s i16x8.add_sat_u \
         i16x8.sub i16x8.sub_sat_s i16x8.sub_sat_u i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s \
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

/// So many calls make locals stay in memory, since vector registers are stored around calls.
const CALLS_AGAINST_REGISTERS: usize = 100;

/// Parameters of all functions; the `i32` is an address, a count, or a condition.
const PARAMS: &str = "(param v128 v128 v128 i32 i64 f32 f64)";

/// Ways to write the operand of a type: in a local, known, computed.
fn placements(ty: &str, position: usize) -> [String; 3] {
    let (local, known, computed) = match ty {
        "v128" => {
            let local = format!("(local.get {position})");
            let computed = format!("(v128.not (v128.not {local}))");
            let known = format!("(v128.const i32x4 {position} -7 0x7fc00001 0x80000000)");
            (local, known, computed)
        }
        "i32" => (
            "(local.get 3)".into(),
            "(i32.const 37)".into(),
            "(i32.shr_u (local.get 3) (i32.const 1))".into(),
        ),
        "i64" => (
            "(local.get 4)".into(),
            "(i64.const -3)".into(),
            "(i64.add (local.get 4) (local.get 4))".into(),
        ),
        "f32" => {
            ("(local.get 5)".into(), "(f32.const -1.5)".into(), "(f32.neg (local.get 5))".into())
        }
        "f64" => {
            ("(local.get 6)".into(), "(f64.const -1.5)".into(), "(f64.neg (local.get 6))".into())
        }
        other => panic!("{other}"),
    };
    [local, known, computed]
}

/// Operands in all combinations of places.
fn combinations(operands: &[&str]) -> Vec<String> {
    let mut all = vec![String::new()];
    for (position, ty) in operands.iter().enumerate() {
        let placements = placements(ty, position);
        all = all
            .iter()
            .flat_map(|before| placements.iter().map(move |it| format!("{before} {it}")))
            .collect();
    }
    all
}

/// A module with one operator in all combinations, and the number of results.
fn module(signature: &str, operator: &str) -> (String, usize) {
    let (operands, result) = signature.split_once("->").unwrap();
    let operands: Vec<_> = operands.split_whitespace().collect();
    let operator = operator.replace('|', " ");
    let combinations = combinations(&operands);
    // What stores is seen in memory.
    let (result, after) = match result.trim() {
        "" => ("v128", "(v128.load (local.get 3))"),
        result => (result, ""),
    };
    let results = format!("{result} ").repeat(combinations.len());
    let body: String = combinations.iter().map(|it| format!("{it} {operator} {after}\n")).collect();
    let calls = "(call $nothing) ".repeat(CALLS_AGAINST_REGISTERS);
    let text = format!(
        "(module (memory 1) (data (i32.const 0) \"0123456789 many bytes to be loaded \\ff\\fe\\80\")
            (func $nothing)
            (func (export \"registers\") {PARAMS} (result {results}) {body})
            (func (export \"memory\") {PARAMS} (result {results}) {calls} {body}))"
    );
    (text, combinations.len())
}

struct Machine {
    store: Store<()>,
    instance: Instance,
    results: usize,
}

impl Machine {
    fn new(engine: &Engine, (text, results): &(String, usize)) -> Self {
        let wasm = wat::parse_str(text).unwrap();
        let module = Module::new(engine, &wasm).unwrap();
        let mut store = Store::new(engine, ());
        let instance = Linker::new(engine).instantiate(&mut store, &module).unwrap();
        Self { store, instance, results: *results }
    }

    fn call(&mut self, params: &[Val]) -> Vec<Val> {
        let mut all = Vec::new();
        for name in ["registers", "memory"] {
            let mut results = vec![Val::I32(0); self.results];
            let function = self.instance.func(&mut self.store, name).unwrap();
            function.call(&mut self.store, params, &mut results).unwrap();
            all.extend(results);
        }
        all
    }
}

fn params(random: &mut Random) -> [Val; 7] {
    [
        Val::V128(random.bits128()),
        Val::V128(random.bits128()),
        Val::V128(random.bits128()),
        Val::I32(random.below(100) as i32),
        Val::I64(random.bits64() as i64),
        Val::F32(random.bits32()),
        Val::F64(random.bits64()),
    ]
}

/// Whether results are equal; if the operator has floats, NaNs are.
fn agree(operator: &str, left: &Val, right: &Val) -> bool {
    let (left, right) = match (left, right) {
        (Val::V128(left), Val::V128(right)) => (*left, *right),
        _ => return format!("{left:?}") == format!("{right:?}"),
    };
    let lanes32 = |bits: u128| [0, 32, 64, 96].map(|at| f32::from_bits((bits >> at) as u32));
    let lanes64 = |bits: u128| [0, 64].map(|at| f64::from_bits((bits >> at) as u64));
    let equal = |left: u64, right: u64, nans: bool| left == right || nans;
    match operator.split('.').next() {
        Some("f32x4") => lanes32(left).iter().zip(lanes32(right)).all(|(left, right)| {
            let nans = left.is_nan() && right.is_nan();
            equal(left.to_bits().into(), right.to_bits().into(), nans)
        }),
        Some("f64x2") => lanes64(left).iter().zip(lanes64(right)).all(|(left, right)| {
            equal(left.to_bits(), right.to_bits(), left.is_nan() && right.is_nan())
        }),
        _ => left == right,
    }
}

fn engine(strategy: CompilerStrategy, memory_mode: MemoryMode) -> Engine {
    Engine::new(Config::new().strategy(strategy).memory_mode(memory_mode)).unwrap()
}

fn compare_all(memory_mode: MemoryMode) {
    let baseline = engine(CompilerStrategy::Baseline, memory_mode);
    let optimizing = engine(CompilerStrategy::Optimizing, memory_mode);
    let mut random = Random::new(1);
    for (signature, operators) in OPERATORS {
        for operator in operators.split_whitespace() {
            let module = module(signature, operator);
            let mut ours = Machine::new(&baseline, &module);
            let mut theirs = Machine::new(&optimizing, &module);
            for _ in 0..CALLS {
                let params = params(&mut random);
                let (ours, theirs) = (ours.call(&params), theirs.call(&params));
                for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
                    assert!(
                        agree(operator, ours, theirs),
                        "{operator}, combination {index} of {params:?}: {ours:?}, not {theirs:?}"
                    );
                }
            }
        }
    }
    assert_eq!(baseline.bailouts(), []);
}

#[test]
fn operands_may_be_anywhere() {
    compare_all(MemoryMode::Guard);
}

#[test]
fn operands_may_be_anywhere_with_explicit_checks() {
    compare_all(MemoryMode::Explicit);
}
