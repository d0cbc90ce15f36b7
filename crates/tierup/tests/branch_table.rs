//! Branch tables with the same target many times, where the target needs values of locals.

use tierup::{Config, Engine, Linker, Module, Store};

const LOOP: &str = r#"
    (module
      (func (export "run") (param i32) (result i32) (local i32 i32 i32 i32)
        (loop $again
          (local.set 1 (i32.add (local.get 1) (i32.const 1)))
          (local.set 2 (i32.add (local.get 2) (i32.const 2)))
          (local.set 3 (i32.add (local.get 3) (i32.const 3)))
          (block $out
            (block $set
              (br_if $set (i32.eq (local.get 1) (i32.const 7)))
              (br_if $out (i32.eq (local.get 1) (i32.const 9)))
              (br_table $out $set $out $set $again $again $out (local.get 0)))
            (local.set 2 (i32.const 7))
            (local.set 4 (i32.const 8))
            (local.set 3 (i32.const 9))))
        (i32.add
          (i32.add (local.get 4) (local.get 1))
          (i32.add (local.get 2) (local.get 3)))))
"#;

#[test]
fn every_entry_hands_over_its_own_values() {
    let engine = Engine::new(&Config::new()).unwrap();
    let module = Module::new(&engine, LOOP).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
    let run = instance.typed_func::<i32, i32>(&mut store, "run").unwrap();
    for (index, expected) in [(0, 6), (1, 25), (2, 6), (3, 25), (4, 31), (5, 31), (6, 6), (-1, 6)] {
        assert_eq!(run.call(&mut store, index).unwrap(), expected, "{index}");
    }
}
