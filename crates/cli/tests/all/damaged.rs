//! Modules with a part missing or changed: whatever it is, the command answers.

use crate::support::Scratch;

const MODULE: &str = r#"(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (table 2 funcref) (elem (i32.const 0) $add)
  (global i32 (i32.const 7))
  (data (i32.const 0) "hi")
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "_start")
    (call $exit (call_indirect (param i32 i32) (result i32)
      (i32.const 3) (i32.const 4) (i32.const 0)))))"#;

/// Where sections begin. All are shorter than 128 bytes, so that each length is one byte.
fn section_starts(module: &[u8]) -> Vec<usize> {
    let mut starts = vec![8];
    while let Some(&length) = module.get(starts.last().unwrap() + 1) {
        starts.push(starts.last().unwrap() + 2 + usize::from(length));
    }
    starts
}

#[test]
fn each_beginning_of_a_module_is_an_error_with_its_offset() {
    let module = wat::parse_str(MODULE).unwrap();
    let starts = section_starts(&module);
    assert_eq!(starts.last(), Some(&module.len()));
    for length in 0..module.len() {
        let scratch = Scratch::with("cut.wasm", &module[..length]);
        let ended = scratch.run("cut.wasm");
        // Cut between sections, what is left may be a module, and may even be the program.
        if starts.contains(&length) && !ended.stderr.contains("at offset") {
            assert!(ended.code == Some(7) || ended.stderr.contains("no `_start`"), "{ended:?}");
        } else {
            ended.with(1, "cut.wasm: ");
            assert!(ended.stderr.contains("(at offset 0x"), "{length} {ended:?}");
        }
    }
    Scratch::with("whole.wasm", &module).run("whole.wasm").with(7, "");
}

#[test]
fn each_changed_byte_is_an_error_or_a_program() {
    let module = wat::parse_str(MODULE).unwrap();
    for position in 0..module.len() {
        for change in [0xff, 0x01] {
            let mut module = module.clone();
            module[position] ^= change;
            let ended = Scratch::with("bad.wasm", &module).run("-W timeout=5s bad.wasm");
            // A program's own code is anything; an error says something.
            let code = ended.code.unwrap_or_else(|| panic!("killed: {position} {ended:?}"));
            assert!(code != 101 && !ended.stderr.contains("panicked"), "{position} {ended:?}");
            assert!(code != 1 || !ended.stderr.is_empty(), "{position} {ended:?}");
        }
    }
}
