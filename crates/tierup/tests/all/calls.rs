//! Calls of all shapes: 0 to 20 parameters and results of every class, by every way there is.
//!
//! The callee stores its parameters in memory and returns what lies ready there, so both can be
//! compared with what was sent, whatever their types. Stack arguments, result areas and tail
//! calls between functions with different amounts of them all follow from the counts.

use std::fmt::Write;

use tierup::{
    Caller, Engine, Func, FuncType, Instance, Linker, Memory, MemoryMode, Module, RawValue, Store,
    Val, ValType,
};

use crate::support::{bits, engine_with, instantiate, mixed};

/// Where the callee stores its parameters, finds its results, and where tail callers find the
/// callee's parameters.
const PARAMS: usize = 0;
const RESULTS: usize = 1024;
const TAIL_PARAMS: usize = 2048;
/// The parameters of `$big`, which has stack arguments of both classes.
const BIG_PARAMS: usize = 3072;
const BIG: [ValType; 22] = {
    let mut types = [ValType::I64; 22];
    let mut index = 0;
    while index < 22 {
        types[index] = if index % 2 == 0 { ValType::I64 } else { ValType::V128 };
        index += 1;
    }
    types
};

const CLASSES: [&[ValType]; 7] = [
    &[ValType::I32],
    &[ValType::I64],
    &[ValType::F32],
    &[ValType::F64],
    &[ValType::V128],
    &[ValType::I64, ValType::V128, ValType::F32],
    &[ValType::F64, ValType::I32, ValType::I64, ValType::V128, ValType::F32, ValType::I32],
];

#[derive(Default)]
struct Recorded {
    params: Vec<u128>,
    results: Vec<Val>,
}

#[test]
fn every_count_of_params_and_results_by_every_way() {
    let engine = engine_with(|_| {});
    for class in CLASSES {
        for count in 0..=20 {
            check(&engine, &signature(class, count, (count * 8 + 5) % 21));
        }
    }
}

#[test]
fn the_same_between_small_arenas_with_explicit_checks() {
    let engine = engine_with(|config| {
        config.arena_code_bytes(64 << 10).memory_mode(MemoryMode::Explicit);
    });
    for class in CLASSES {
        for count in [0, 1, 7, 9, 20] {
            check(&engine, &signature(class, count, (count * 5 + 3) % 21));
        }
    }
}

fn signature(class: &[ValType], params: usize, results: usize) -> FuncType {
    let types = |count, skip| class.iter().copied().cycle().skip(skip).take(count);
    FuncType::new(types(params, 0), types(results, 1))
}

/// Ways that reach the callee of the same instance, of another one, and the host.
const HERE: [&str; 7] =
    ["callee", "direct", "table", "tail", "tail_table", "tail_from_none", "tail_from_big"];
const THERE: [&str; 3] = ["import", "tail_import", "table_import"];
const HOST: [&str; 4] = ["host", "tail_host", "table_host", "reexported"];

fn check(engine: &Engine, ty: &FuncType) {
    let mut store = Store::new(engine, Recorded::default());
    let mut linker = Linker::<Recorded>::new(engine);
    linker
        .func_dynamic("env", "host", ty.clone(), |mut caller, params, results| {
            caller.data_mut().params = params.iter().map(bits).collect();
            results.copy_from_slice(&caller.data().results);
            Ok(())
        })
        .unwrap();
    let wat = module(ty);
    let other = instantiate(&mut store, &linker, &exporting(ty));
    linker.instance(&mut store, "other", other).unwrap();
    let instance = instantiate(&mut store, &linker, &wat);
    let mut seed = 0;
    for way in HERE.into_iter().chain(THERE).chain(HOST).chain(["tail_to_big"]) {
        // The first call finds nothing compiled, the second everything.
        engine.remove_code();
        for _ in 0..2 {
            seed += 1;
            let home = if THERE.contains(&way) { other } else { instance };
            let context = format!("{ty} by {way}");
            Attempt { ty, home, seed, context }.run(&mut store, (instance, way));
        }
    }
}

/// One call.
struct Attempt<'a> {
    ty: &'a FuncType,
    /// The instance whose memory the callee uses.
    home: Instance,
    seed: u64,
    context: String,
}

impl Attempt<'_> {
    fn run(&self, store: &mut Store<Recorded>, (instance, way): (Instance, &str)) {
        let sent = self.values(&self.ty.params, 0);
        let expected = self.values(&self.ty.results, 100);
        let memory = self.home.memory(&mut *store, "memory").unwrap();
        memory.data_mut(&mut *store)[..4096].fill(0);
        write(store, memory, (RESULTS, &expected));
        store.data_mut().results = expected.clone();
        store.data_mut().params.clear();
        let big = self.values(&BIG, 200);
        let func = instance.func(&mut *store, way).unwrap();
        let params = match way {
            "tail_from_none" => &[][..],
            "tail_from_big" => &big,
            _ => &sent,
        };
        write(store, memory, (TAIL_PARAMS, &sent));
        write(store, memory, (BIG_PARAMS, &big));

        let results = self.call(store, (func, params));

        let received = if HOST.contains(&way) {
            std::mem::take(&mut store.data_mut().params)
        } else {
            let types = if way == "tail_to_big" { &BIG[..] } else { &self.ty.params };
            read(store, memory, types)
        };
        let sent = if way == "tail_to_big" { &big } else { &sent };
        let sent: Vec<_> = sent.iter().map(bits).collect();
        assert_eq!(received, sent, "parameters of {}", self.context);
        let (results, expected): (Vec<_>, Vec<_>) =
            (results.iter().map(bits).collect(), expected.iter().map(bits).collect());
        assert_eq!(results, expected, "results of {}", self.context);
    }

    fn call(&self, store: &mut Store<Recorded>, (func, params): (Func, &[Val])) -> Vec<Val> {
        let mut results = vec![Val::I32(0); self.ty.results.len()];
        func.call(store, params, &mut results).unwrap_or_else(|e| panic!("{}: {e}", self.context));
        results
    }

    fn values(&self, types: &[ValType], salt: u64) -> Vec<Val> {
        let value = |(index, &ty): (usize, &ValType)| {
            let bits = mixed(self.seed * 1000 + salt + index as u64);
            match ty {
                ValType::I32 => Val::I32(bits as i32),
                ValType::I64 => Val::I64(bits as i64),
                // Some are signalling NaNs, which must arrive as they are.
                ValType::F32 if index % 3 == 0 => Val::F32(0x7fa0_0000 | bits as u32 & 0xff),
                ValType::F32 => Val::F32(bits as u32),
                ValType::F64 => Val::F64(bits),
                ValType::V128 => Val::V128(u128::from(bits) << 64 | u128::from(mixed(bits))),
                _ => unreachable!("numbers only"),
            }
        };
        types.iter().enumerate().map(value).collect()
    }
}

fn write(store: &mut Store<Recorded>, memory: Memory, (start, values): (usize, &[Val])) {
    for (index, value) in values.iter().enumerate() {
        memory.write(&mut *store, start + 16 * index, &bits(value).to_le_bytes()).unwrap();
    }
}

/// The callee writes as many bytes as a value has; the others are zeros.
fn read(store: &Store<Recorded>, memory: Memory, types: &[ValType]) -> Vec<u128> {
    let slot = |index: usize| memory.data(store)[PARAMS + 16 * index..][..16].try_into().unwrap();
    (0..types.len()).map(|index| u128::from_le_bytes(slot(index))).collect()
}

fn list(keyword: &str, types: &[ValType]) -> String {
    types.iter().fold(format!("({keyword}"), |list, ty| format!("{list} {ty}")) + ")"
}

fn gets(count: usize) -> String {
    (0..count).fold(String::new(), |text, index| format!("{text} (local.get {index})"))
}

fn loads(start: usize, types: &[ValType]) -> String {
    types.iter().enumerate().fold(String::new(), |text, (index, ty)| {
        format!("{text} ({ty}.load (i32.const {}))", start + 16 * index)
    })
}

/// Stores all parameters and returns the results that lie ready.
fn callee_body(params: &[ValType], results: &[ValType]) -> String {
    let stores = params.iter().enumerate().fold(String::new(), |text, (index, ty)| {
        format!("{text} ({ty}.store (i32.const {}) (local.get {index}))", PARAMS + 16 * index)
    });
    stores + &loads(RESULTS, results)
}

fn exporting(ty: &FuncType) -> String {
    let (params, results) = (list("param", &ty.params), list("result", &ty.results));
    let body = callee_body(&ty.params, &ty.results);
    format!(
        r#"(module (memory (export "memory") 1) (func (export "callee") {params} {results} {body}))"#
    )
}

fn module(ty: &FuncType) -> String {
    let (params, results) = (list("param", &ty.params), list("result", &ty.results));
    let (big_params, gets) = (list("param", &BIG), gets(ty.params.len()));
    let mut text = format!(
        r#"(module
        (type $t (func {params} {results}))
        (type $big (func {big_params} {results}))
        (import "env" "host" (func $host (type $t)))
        (import "other" "callee" (func $imported (type $t)))
        (export "reexported" (func $host))
        (memory (export "memory") 1)
        (table funcref (elem $callee $imported $host))
        (func $callee (export "callee") (type $t) {callee})
        (func $big_callee (type $big) {big_callee})
        (func (export "tail_from_none") {results} {tail_params} (return_call $callee))
        (func (export "tail_from_big") (type $big) {tail_params} (return_call $callee))
        (func (export "tail_to_big") (type $t) {big} (return_call $big_callee))
        "#,
        callee = callee_body(&ty.params, &ty.results),
        big_callee = callee_body(&BIG, &ty.results),
        tail_params = loads(TAIL_PARAMS, &ty.params),
        big = loads(BIG_PARAMS, &BIG),
    );
    for (name, call) in [
        ("direct", "(call $callee)"),
        ("table", "(call_indirect (type $t) (i32.const 0))"),
        ("import", "(call $imported)"),
        ("host", "(call $host)"),
        ("table_import", "(call_indirect (type $t) (i32.const 1))"),
        ("table_host", "(call_indirect (type $t) (i32.const 2))"),
        ("tail", "(return_call $callee)"),
        ("tail_table", "(return_call_indirect (type $t) (i32.const 0))"),
        ("tail_import", "(return_call $imported)"),
        ("tail_host", "(return_call $host)"),
    ] {
        writeln!(text, r#"(func (export "{name}") (type $t) {gets} {call})"#).unwrap();
    }
    text + ")"
}

#[test]
#[expect(clippy::cognitive_complexity, reason = "one macro, expanded for each arity")]
fn typed_host_functions_of_all_arities_called_from_wasm_and_directly() {
    macro_rules! check {
        ($($name:ident)*) => {{
            let mut store = Store::new(&Engine::default(), 0_i64);
            let sum = |mut caller: tierup::Caller<'_, i64>, $($name: i64),*| {
                let (mut total, mut weight) = (0, 0);
                $(weight += 1; total += weight * $name;)*
                let _ = weight;
                *caller.data_mut() += 1;
                total
            };
            let host = Func::wrap(&mut store, sum).unwrap();
            let (mut count, mut expected) = (0_i64, 0);
            $(let $name = { count += 1; expected += count * (count + 40); count + 40 };)*
            let params: Vec<Val> = vec![$(Val::I64($name)),*];
            let list = list("param", &vec![ValType::I64; params.len()]);
            let gets = gets(params.len());
            let wat = format!(
                r#"(module (import "" "f" (func $f {list} (result i64)))
                   (func (export "f") {list} (result i64) {gets} (call $f)))"#
            );
            let mut linker = Linker::new(&store.engine().clone());
            linker.define("", "f", host).unwrap();
            let wasm = instantiate(&mut store, &linker, &wat).func(&mut store, "f").unwrap();
            for func in [host, wasm, host, wasm] {
                let mut results = [Val::I64(0)];
                func.call(&mut store, &params, &mut results).unwrap();
                assert_eq!(results[0].i64(), Some(expected), "{count} parameters");
                let typed = func.typed::<($(check!(@i64 $name),)*), i64>(&store).unwrap();
                assert_eq!(typed.call(&mut store, ($($name,)*)).unwrap(), expected);
            }
            assert_eq!(*store.data(), 8);
        }};
        (@i64 $name:ident) => { i64 };
    }
    check!(a);
    check!(a b);
    check!(a b c d e);
    check!(a b c d e f);
    check!(a b c d e f g);
    check!(a b c d e f g h i j k l m n o);
    check!(a b c d e f g h i j k l m n o p);
}

#[test]
fn a_host_function_without_params_or_results() {
    let mut store = Store::new(&Engine::default(), 0);
    let host = Func::wrap(&mut store, |mut caller: Caller<'_, i32>| {
        *caller.data_mut() += 1;
    })
    .unwrap();
    host.typed::<(), ()>(&store).unwrap().call(&mut store, ()).unwrap();
    host.call(&mut store, &[], &mut []).unwrap();
    let plain = Func::wrap(&mut store, || 7_i32).unwrap();
    assert_eq!(plain.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 7);
    assert_eq!(*store.data(), 2);
}

#[test]
fn sixteen_results_of_mixed_types() {
    type Half = (i32, f32, i64, f64, u128, i32, f32, i64);
    type OtherHalf = (f64, u128, i32, i64, i32, i64, u32, u64);
    type Results =
        (i32, f32, i64, f64, u128, i32, f32, i64, f64, u128, i32, i64, i32, i64, u32, u64);
    fn halves(results: Results) -> (Half, OtherHalf) {
        let (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) = results;
        ((a, b, c, d, e, f, g, h), (i, j, k, l, m, n, o, p))
    }
    let mut store = Store::new(&Engine::default(), ());
    let results: Results = (1, 2., 3, 4., 5, 6, 7., 8, 9., 10, 11, 12, 13, 14, 15, 16);
    let host = Func::wrap(&mut store, move || results).unwrap();
    let list = list("result", &host.ty(&store).results);
    let wat = format!(
        r#"(module (import "" "f" (func $f {list}))
           (func (export "call") {list} (call $f))
           (func (export "tail") {list} (return_call $f)))"#
    );
    let mut linker = Linker::new(&store.engine().clone());
    linker.define("", "f", host).unwrap();
    let instance = instantiate(&mut store, &linker, &wat);
    for name in ["call", "tail"] {
        let func = instance.typed_func::<(), Results>(&mut store, name).unwrap();
        let got = func.call(&mut store, ()).unwrap();
        assert_eq!(halves(got), halves(results));
    }
}

#[test]
fn numbers_go_as_bits() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 10);
    let ty = FuncType::new([ValType::I32, ValType::F64], [ValType::F64, ValType::I32]);
    let host = Func::new_numeric(&mut store, &ty, |mut caller, values| {
        *caller.data_mut() += values[0].to_u32();
        values.swap(0, 1);
        Ok(())
    });
    let module = r#"(module (import "" "" (func $host (param i32 f64) (result f64 i32)))
        (func (export "f") (param i32 f64) (result f64 i32) (call $host (local.get 0) (local.get 1)))
        (func (export "trap") unreachable)
        (func (export "reference") (param externref)))"#;
    let module = Module::new(&engine, module).unwrap();
    let instance = Instance::new(&mut store, &module, &[host.unwrap().into()]).unwrap();
    let mut numeric = |name| instance.func(&mut store, name).unwrap().numeric(&store);
    let (f, trap) = (numeric("f").unwrap(), numeric("trap").unwrap());
    let refused = numeric("reference").unwrap_err().to_string();
    assert!(refused.contains("externref"), "{refused}");
    let mut values = [RawValue::from_u32(7), RawValue::from_u64(0.5_f64.to_bits())];
    f.call(&mut store, &mut values).unwrap();
    assert_eq!((f64::from_bits(values[0].to_u64()), values[1].to_u32()), (0.5, 7));
    assert_eq!(*store.data(), 17);
    assert!(trap.call(&mut store, &mut values).unwrap_err().trap().is_some());
    let ty = FuncType::new([], [ValType::FuncRef]);
    assert!(Func::new_numeric(&mut store, &ty, |_: Caller<'_, u32>, _| Ok(())).is_err());
    let mut other = Store::new(&engine, ());
    assert!(f.call(&mut other, &mut values).is_err(), "it is of another store");
}
