//! What a Rust program sees of a realm.

use std::{thread, time::Duration};

use tierup::{Engine, ResourceLimiter};
use tierup_js::{Realm, RealmOptions};

fn realm() -> Realm {
    Realm::new(&Engine::default()).unwrap()
}

/// A module as the elements of a JavaScript array.
fn bytes(text: &str) -> String {
    let bytes = wat::parse_str(text).unwrap();
    format!("new Uint8Array({bytes:?})")
}

#[test]
fn uncaught_exceptions_are_errors_with_stacks() {
    let error = realm().eval("a.js", "function f() { throw new Error('mine') }\nf()").unwrap_err();
    assert_eq!(error.message(), "Error: mine");
    assert!(error.stack().contains("at f (a.js:1:"), "{error}");
    let error = realm().eval("a.js", "throw 5").unwrap_err();
    assert_eq!((error.message(), error.stack()), ("5", ""));
    assert!(realm().eval("a.js", "(").unwrap_err().message().starts_with("SyntaxError"));
}

#[test]
fn a_deadline_stops_scripts_and_wasm() {
    let realm = realm();
    let wasm = bytes(r#"(module (func (export "f") (loop br 0)))"#);
    realm
        .eval(
            "a.js",
            &format!("var f = new WebAssembly.Instance(new WebAssembly.Module({wasm})).exports.f"),
        )
        .unwrap();
    for endless in ["for (;;);", "try { f() } catch { for (;;); }", "for (;;) try { f() } catch {}"]
    {
        let interrupt = realm.interrupt();
        let timer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            interrupt.request();
        });
        let error = realm.eval("b.js", endless).unwrap_err();
        assert!(error.message().contains("interrupted"), "{endless}: {error}");
        timer.join().unwrap();
        realm.interrupt().clear();
    }
    realm.eval("c.js", "1 + 1").unwrap();
}

#[test]
fn scripts_have_as_much_memory_as_the_embedder_says() {
    let options = RealmOptions::new().script_memory(4 << 20);
    let realm = Realm::with_options(&Engine::default(), options).unwrap();
    let error = realm.eval("a.js", "let all = []; for (;;) all.push(new Array(1000).fill(1.5))");
    assert!(error.is_err());
    realm.eval("b.js", "new WebAssembly.Memory({ initial: 200 })").unwrap();
}

struct OnePage;

impl ResourceLimiter for OnePage {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> bool {
        desired <= 65536
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> bool {
        desired <= 10
    }
}

#[test]
fn the_embedder_limits_memories_and_tables() {
    let options = RealmOptions::new().limits(OnePage);
    let realm = Realm::with_options(&Engine::default(), options).unwrap();
    realm
        .eval(
            "a.js",
            "function refused(work) {
                 try { work() } catch (error) { if (error instanceof RangeError) return }
                 throw new Error('allowed: ' + work)
             }
             const memory = new WebAssembly.Memory({ initial: 1 });
             refused(() => memory.grow(1));
             refused(() => new WebAssembly.Memory({ initial: 2 }));
             refused(() => new WebAssembly.Table({ element: 'anyfunc', initial: 11 }))",
        )
        .unwrap();
}

#[test]
fn ten_thousand_modules_leave_nothing() {
    let engine = Engine::default();
    let realm = Realm::new(&engine).unwrap();
    let wasm = bytes(
        r#"(module (import "a" "f" (func $f (result i32))) (memory (export "m") 1)
             (func (export "g") (result i32) (call $f)) (@custom "number" "...."))"#,
    );
    // No two are equal, or they would share their code.
    let source = format!(
        "const bytes = {wasm};
         let number = 0;
         function round() {{
             new DataView(bytes.buffer).setUint32(bytes.length - 4, number++);
             const made = new WebAssembly.Instance(new WebAssembly.Module(bytes), {{ a: {{ f: () => made ? 7 : 0 }} }});
             new Uint8Array(made.exports.m.buffer)[9] = 1;
             if (made.exports.g() !== 7) throw new Error('wrong');
         }}"
    );
    realm.eval("a.js", &source).unwrap();
    let mut most_units = 0;
    for _ in 0..100 {
        realm.eval("b.js", "for (let i = 0; i < 100; i++) round()").unwrap();
        most_units = most_units.max(engine.stats().code.units);
    }
    assert!(most_units < 2_500, "{most_units} modules at once");
    realm.collect().unwrap();
    assert!(engine.stats().code.units <= 4, "{:?}", engine.stats().code);
    assert_eq!(engine.stats().instances, 10_000);
}

#[test]
fn a_dropped_realm_frees_its_modules() {
    let engine = Engine::default();
    let before = engine.stats().code.units;
    let realm = Realm::new(&engine).unwrap();
    let wasm = bytes(r#"(module (func (export "f")) (memory (export "m") 1))"#);
    realm
        .eval("a.js", &format!("var all = new WebAssembly.Instance(new WebAssembly.Module({wasm})); all.exports.f(); all.exports.m.buffer"))
        .unwrap();
    assert!(before < engine.stats().code.units);
    drop(realm);
    assert_eq!(engine.stats().code.units, before);
}
