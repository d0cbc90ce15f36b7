//! Where functions come from, and which entry a frame belongs to.

use tierup::{AsContextMut, Caller, Engine, Error, Func, Instance, Module, Store};

#[test]
fn functions_know_their_definition() {
    let engine = Engine::default();
    let text =
        r#"(module (import "a" "f" (func)) (func) (func (export "g")) (export "f" (func 0)))"#;
    let module = Module::new(&engine, text).unwrap();
    let mut store = Store::new(&engine, ());
    let host = Func::wrap(&mut store, || {}).unwrap();
    let first = Instance::new(&mut store, &module, &[host.into()]).unwrap();
    let g = first.func(&mut store, "g").unwrap();
    assert_eq!(g.origin(&mut store).unwrap(), Some((first, 2)));
    assert_eq!(first.func(&mut store, "f").unwrap().origin(&mut store).unwrap(), None);
    let second = Instance::new(&mut store, &module, &[g.into()]).unwrap();
    let again = second.func(&mut store, "f").unwrap();
    assert_eq!(again.origin(&mut store).unwrap(), Some((first, 2)));
    assert!(g.origin(&mut Store::new(&engine, ())).is_err());
}

#[test]
fn frames_know_their_entry() {
    let engine = Engine::default();
    let outer = r#"(module (import "a" "f" (func $f)) (func $call (call $f)) (func (export "run") (call $call)))"#;
    let inner = r#"(module (func $deep unreachable) (func (export "run") (call $deep)))"#;
    let mut store = Store::new(&engine, None::<Func>);
    let call =
        Func::wrap(&mut store, |mut caller: Caller<'_, Option<Func>>| -> Result<(), Error> {
            let inner = caller.data().unwrap();
            inner.call(caller.as_context_mut(), &[], &mut [])
        });
    let module = Module::new(&engine, inner).unwrap();
    let inner = Instance::new(&mut store, &module, &[]).unwrap();
    *store.data_mut() = inner.func(&mut store, "run");
    let module = Module::new(&engine, outer).unwrap();
    let outer = Instance::new(&mut store, &module, &[call.unwrap().into()]).unwrap();
    let run = outer.func(&mut store, "run").unwrap();
    let error = run.call(&mut store, &[], &mut []).unwrap_err();
    let frames = error.trap().unwrap().backtrace().frames();
    let frames: Vec<_> = frames.iter().map(|frame| (frame.entry(), frame.function())).collect();
    assert_eq!(frames, [(0, 0), (0, 1), (1, 1), (1, 2)]);
}
