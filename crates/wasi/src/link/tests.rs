//! Programs that import the functions from a linker.

use std::fmt::Write;

use tierup::{Config, Engine, Instance, Linker, Module, Store};

use super::add_to_linker;
use crate::{
    Errno, Exit, OutputBuffer, Stdout, WasiContext,
    functions::{Core, FUNCTIONS},
};

/// Data of a store that has more than a context.
struct Data {
    context: WasiContext,
    calls: u32,
}

impl Data {
    fn context(&mut self) -> &mut WasiContext {
        self.calls += 1;
        &mut self.context
    }
}

fn instantiate(text: &str, context: WasiContext) -> (Store<Data>, Instance) {
    let engine = Engine::new(&Config::new()).unwrap();
    let module = Module::new(&engine, text).unwrap();
    let mut linker = Linker::new(&engine);
    add_to_linker(&mut linker, Data::context).unwrap();
    let mut store = Store::new(&engine, Data { context, calls: 0 });
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

/// A module that imports all functions and exports each again.
fn everything(memory: &str) -> String {
    let mut text = String::from("(module");
    for function in FUNCTIONS {
        let parameters: String = function
            .parameters
            .iter()
            .map(|core| if *core == Core::I32 { " i32" } else { " i64" })
            .collect();
        let result = if function.name == "proc_exit" { "" } else { "(result i32)" };
        let name = function.name;
        write!(
            text,
            r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} (param{parameters}) {result}))"#
        )
        .unwrap();
    }
    for function in FUNCTIONS {
        write!(text, r#"(export "{0}" (func ${0}))"#, function.name).unwrap();
    }
    text + memory + ")"
}

const MEMORY: &str = r#"(memory (export "memory") 1)"#;

#[test]
fn all_functions_have_the_types_that_programs_import() {
    instantiate(&everything(MEMORY), WasiContext::builder().build().unwrap());
}

#[test]
fn names_are_added_once() {
    let engine = Engine::new(&Config::new()).unwrap();
    let mut linker = Linker::<WasiContext>::new(&engine);
    add_to_linker(&mut linker, |context| context).unwrap();
    assert!(add_to_linker(&mut linker, |context| context).is_err());
}

/// Calls `random_get` from Wasm, at an address with a length.
const RANDOM: &str = r#"
    (module
      (import "wasi_snapshot_preview1" "random_get" (func $get (param i32 i32) (result i32)))
      (func (export "run") (param i32 i32) (result i32)
        (call $get (local.get 0) (local.get 1)))
      MEMORY)
"#;

#[test]
fn calls_reach_the_memory_and_the_context_of_their_store() {
    let text = RANDOM.replace("MEMORY", MEMORY);
    let (mut store, instance) = instantiate(&text, WasiContext::builder().build().unwrap());
    let run = instance.typed_func::<(i32, i32), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, (100, 50)).unwrap(), 0);
    let memory = instance.memory(&mut store, "memory").unwrap();
    let bytes = memory.data(&store);
    assert!(bytes[100..150].iter().any(|&byte| byte != 0));
    assert!(bytes[150..].iter().chain(&bytes[..100]).all(|&byte| byte == 0));
    let fault = i32::from(Errno::Fault.number());
    for (address, length) in [(65_536, 1), (65_530, 7), (-1, 1), (0, -1), (i32::MIN, i32::MIN)] {
        assert_eq!(run.call(&mut store, (address, length)).unwrap(), fault);
    }
    assert_eq!(store.data().calls, 6);
}

#[test]
fn without_a_memory_every_address_is_bad() {
    for memory in ["", "(memory 1)", r#"(memory (export "other") 1)"#] {
        let text = RANDOM.replace("MEMORY", memory);
        let (mut store, instance) = instantiate(&text, WasiContext::builder().build().unwrap());
        let run = instance.typed_func::<(i32, i32), i32>(&mut store, "run").unwrap();
        assert_eq!(run.call(&mut store, (0, 1)).unwrap(), i32::from(Errno::Fault.number()));
        assert_eq!(run.call(&mut store, (0, 0)).unwrap(), 0);
    }
}

#[test]
fn exiting_ends_everything_on_the_stack() {
    let text = r#"
        (module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (func $deep (param i32)
            (if (i32.eqz (local.get 0)) (then (call $exit (i32.const -1))))
            (call $deep (i32.sub (local.get 0) (i32.const 1))))
          (func (export "_start") (call $deep (i32.const 100)) unreachable))
    "#;
    let (mut store, instance) = instantiate(text, WasiContext::builder().build().unwrap());
    let start = instance.typed_func::<(), ()>(&mut store, "_start").unwrap();
    for _ in 0..3 {
        let error = start.call(&mut store, ()).unwrap_err();
        assert_eq!(error.downcast_ref::<Exit>(), Some(&Exit::new(u32::MAX)));
        assert!(error.trap().is_none());
    }
}

#[test]
fn numbers_of_64_bits_arrive_whole() {
    let output = OutputBuffer::new(10);
    let context = WasiContext::builder().stdout(Stdout::Buffer(output)).build().unwrap();
    let text = r#"
        (module
          (import "wasi_snapshot_preview1" "fd_seek"
            (func $seek (param i32 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_fdstat_set_rights"
            (func $restrict (param i32 i64 i64) (result i32)))
          (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $get (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "seek") (result i32)
            (call $seek (i32.const 1) (i64.const -1) (i32.const 0) (i32.const 0)))
          (func (export "rights") (result i64)
            (drop (call $restrict (i32.const 1) (i64.const 0x0820_0000) (i64.const 0)))
            (drop (call $get (i32.const 1) (i32.const 0)))
            (i64.load (i32.const 8))))
    "#;
    let (mut store, instance) = instantiate(text, context);
    let seek = instance.typed_func::<(), i32>(&mut store, "seek").unwrap();
    assert_eq!(seek.call(&mut store, ()).unwrap(), i32::from(Errno::Spipe.number()));
    let rights = instance.typed_func::<(), i64>(&mut store, "rights").unwrap();
    assert_eq!(rights.call(&mut store, ()).unwrap(), 0x0820_0000);
}
