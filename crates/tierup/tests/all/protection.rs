//! The ways to protect code.

use tierup::{Config, Engine, Instance, Linker, Module, Protection, Store};

/// Constants and tables that compilers put beside the code, a trap, and a call of the host.
const READS_CODE: &str = r#"(module
    (import "" "host" (func $host (param i32) (result i32)))
    (func (export "pick") (param i32) (result f64)
      (block (block (block (block (block
        (br_table 0 1 2 3 4 (local.get 0)))
        (return (f64.const 1.25))) (return (f64.const 2.5)))
        (return (f64.const 3.75))) (return (f64.convert_i32_s (call $host (i32.const 7)))))
      unreachable)
    (func (export "vector") (result i64)
      (i64x2.extract_lane 1 (i8x16.swizzle
        (v128.const i64x2 0x0706050403020100 0x0f0e0d0c0b0a0908)
        (v128.const i64x2 0x0f0e0d0c0b0a0908 0x0001020304050607)))))"#;

fn instance(engine: &Engine) -> (Store<()>, Instance) {
    let module = Module::new(engine, READS_CODE).unwrap();
    let mut store = Store::new(engine, ());
    let mut linker = Linker::new(engine);
    linker.func("", "host", |n: i32| n + 1).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

fn check(store: &mut Store<()>, instance: Instance) {
    let pick = instance.typed_func::<i32, f64>(&mut *store, "pick").unwrap();
    for (index, expected) in [1.25, 2.5, 3.75, 8.0].into_iter().enumerate() {
        assert_eq!(pick.call(&mut *store, index as i32).unwrap(), expected);
    }
    assert!(pick.call(&mut *store, 4).unwrap_err().trap().is_some());
    let vector = instance.typed_func::<(), i64>(&mut *store, "vector").unwrap();
    assert_eq!(vector.call(&mut *store, ()).unwrap(), 0x0001_0203_0405_0607);
}

/// Threads that were there before the engine run code, too.
#[test]
fn every_protection_runs_code_of_every_thread() {
    for protection in [Protection::File, Protection::Toggle, Protection::Pkey] {
        let (to_early, from_here) = std::sync::mpsc::channel::<Engine>();
        let early = std::thread::spawn(move || {
            let Ok(engine) = from_here.recv() else { return };
            let (mut store, instance) = instance(&engine);
            check(&mut store, instance);
        });
        let engine = match Engine::new(Config::new().protection(protection)) {
            Ok(engine) => engine,
            Err(error) => {
                assert_eq!(protection, Protection::Pkey, "{error}");
                assert!(std::env::var_os("TIERUP_NEED_PKEY").is_none(), "{error}");
                assert!(error.to_string().contains("no protection keys"), "{error}");
                continue;
            }
        };
        let (mut store, instance) = instance(&engine);
        check(&mut store, instance);
        to_early.send(engine).unwrap();
        early.join().unwrap();
        check(&mut store, instance);
    }
}
