//! The shell: what scripts find in it, and how it ends.

use std::{fs, path::PathBuf};

use tierup::Engine;
use tierup_js::{Exposure, FileKind, Rejections, Shell, ShellError, ShellOptions};

fn shell() -> Shell {
    Shell::new(&Engine::default(), ShellOptions::default()).unwrap()
}

/// Runs code until nothing is left; the code ends with `quit(number)`.
fn run(code: &str) -> i32 {
    let shell = shell();
    shell.eval("test.js", code).unwrap_or_else(|error| panic!("{error}"));
    shell.run_until_idle().unwrap_or_else(|error| panic!("{error}"))
}

/// A folder of its own, with those files.
fn folder(name: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tierup-js-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (name, contents) in files {
        fs::write(folder.join(name), contents).unwrap();
    }
    folder
}

#[test]
fn timers_run_in_order_after_jobs() {
    // On however slow a machine, what was asked for first is due later.
    let code = "const order = [];
        const late = setTimeout(() => quit(2), 1e8);
        setTimeout(value => {
            order.push(value);
            clearTimeout(late);
            setTimeout(() => { order.push(3); quit(order.join('') === '0123' ? 7 : 1) }, 1);
        }, 1, 2);
        const stop = setInterval(() => { throw new Error('it was cleared') }, 2);
        clearInterval(stop);
        Promise.resolve().then(() => order.push(1));
        order.push(0);";
    assert_eq!(run(code), 7);
}

#[test]
fn intervals_repeat_until_they_are_cleared() {
    assert_eq!(
        run("let n = 0; const id = setInterval(() => { if (++n === 3) clearInterval(id) }, 1)"),
        0
    );
}

#[test]
fn quit_stops_at_once_and_cannot_be_caught() {
    assert_eq!(run("try { quit(5) } catch { quit(6) } finally { quit(7) }"), 5);
    assert_eq!(run("Promise.resolve().then(() => quit(8)); setTimeout(() => quit(9), 0)"), 8);
    assert_eq!(run("quit()"), 0);
}

#[test]
fn rejections_that_nobody_handles_are_errors() {
    let unhandled = |code: &str, rejections| {
        let options = ShellOptions { rejections, ..ShellOptions::default() };
        let shell = Shell::new(&Engine::default(), options).unwrap();
        shell.eval("test.js", code).unwrap();
        shell.run_until_idle()
    };
    let error = unhandled("Promise.reject(new Error('alone'))", Rejections::Error).unwrap_err();
    assert!(matches!(&error, ShellError::Unhandled(error) if error.message() == "Error: alone"));
    assert_eq!(unhandled("Promise.reject(1)", Rejections::Ignore).unwrap(), 0);
    let handled = "const p = Promise.reject(1); Promise.resolve().then(() => p.catch(() => {}))";
    assert_eq!(unhandled(handled, Rejections::Error).unwrap(), 0);
}

#[test]
fn text_is_encoded_and_decoded() {
    let code = r#"const check = (value, note) => { if (!value) throw new Error(note) };
        const encoder = new TextEncoder(), decoder = new TextDecoder();
        check(encoder.encode("a\u00e9\u20ac\u{1f600}").join() === "97,195,169,226,130,172,240,159,152,128", "encode");
        check(encoder.encode("\ud800").join() === "239,191,189", "lone");
        check(decoder.decode(new Uint8Array([0xef, 0xbb, 0xbf, 65])) === "A", "mark");
        check(new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf])) === "\ufeff", "kept");
        check(decoder.decode(new Uint8Array([65, 255, 66])) === "A\ufffdB", "wrong");
        check(decoder.decode(new Uint8Array([0xe2, 0x82]), { stream: true }) + decoder.decode(new Uint8Array([0xac])) === "\u20ac", "stream");
        check(decoder.decode(new Uint8Array([0xe2, 0x82])) === "\ufffd", "end");
        let fatal; try { new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255])) } catch (error) { fatal = error }
        check(fatal instanceof TypeError, "fatal");
        const target = new Uint8Array(4);
        const { read, written } = encoder.encodeInto("a\u20acbc", target);
        check(read === 2 && written === 4, "into");
        quit(3)"#;
    assert_eq!(run(code), 3);
}

#[test]
fn modules_import_each_other() {
    let folder = folder(
        "modules",
        &[
            (
                "a.mjs",
                b"import { b } from './b.mjs'; globalThis.n = b + (await import('./c.mjs')).c;"
                    as &[u8],
            ),
            ("b.mjs", b"export const b = 40"),
            ("c.mjs", b"import { b } from './b.mjs'; export const c = b - 38"),
            ("bad.mjs", b"import './none.mjs'"),
            ("throws.mjs", b"throw new Error('mine')"),
        ],
    );
    let shell = shell();
    let path = folder.join("a.mjs");
    shell.run_file(&path, FileKind::of(&path)).unwrap();
    assert_eq!(shell.run_until_idle().unwrap(), 0);
    shell.eval("check.js", "quit(n)").unwrap();
    assert_eq!(shell.run_until_idle().unwrap(), 42);
    for (name, message) in [("bad.mjs", "none.mjs"), ("throws.mjs", "mine")] {
        let shell = self::shell();
        let error = shell.run_file(&folder.join(name), FileKind::Module).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn modules_are_compiled_from_responses() {
    let wasm = wat::parse_str(
        r#"(module (import "a" "n" (global i32)) (func (export "f") (result i32) (global.get 0)))"#,
    )
    .unwrap();
    let script = "const check = (value, note) => { if (!value) throw new Error(note) };
        const refuses = async (promise, kind) => { try { await promise } catch (error) { check(error instanceof kind, error); return } throw new Error('resolved') };
        const { compileStreaming, instantiateStreaming } = WebAssembly;
        check(await compileStreaming(fetch('m.wasm')) instanceof WebAssembly.Module, 'compile');
        const { module, instance } = await instantiateStreaming(fetch('m.wasm'), { a: { n: 11 } });
        check(module instanceof WebAssembly.Module, 'module');
        const response = await fetch('m.wasm');
        check(response.ok && response.headers.get('Content-Type') === 'application/wasm', 'type');
        await compileStreaming(response);
        check(response.bodyUsed, 'used');
        await refuses(compileStreaming(response), TypeError);
        await refuses(compileStreaming(fetch('m.txt')), TypeError);
        await refuses(compileStreaming(fetch('none.wasm')), TypeError);
        await refuses(compileStreaming(fetch('http://example.com/m.wasm')), TypeError);
        for (const wrong of [undefined, null, 1, {}, new Uint8Array(8)]) await refuses(compileStreaming(wrong), TypeError);
        await refuses(compileStreaming(new Response(new Uint8Array(8), { headers: { 'content-type': 'application/wasm' } })), WebAssembly.CompileError);
        await refuses(compileStreaming(new Response(new Uint8Array(8), { status: 404, headers: { 'content-type': 'application/wasm' } })), TypeError);
        await refuses(instantiateStreaming(fetch('m.wasm')), TypeError);
        await refuses(instantiateStreaming(fetch('m.wasm'), { a: {} }), WebAssembly.LinkError);
        const thrown = {};
        try { await compileStreaming(Promise.reject(thrown)); check(false) } catch (error) { check(error === thrown, 'thrown') }
        for (const [name, length] of [['compileStreaming', 1], ['instantiateStreaming', 1]]) {
            const property = Object.getOwnPropertyDescriptor(WebAssembly, name);
            check(property.enumerable && property.writable && property.configurable, name);
            check(property.value.name === name && property.value.length === length, name);
        }
        quit(instance.exports.f())";
    let folder = folder(
        "streaming",
        &[("m.wasm", &wasm), ("m.txt", &wasm), ("main.mjs", script.as_bytes())],
    );
    let shell = shell();
    shell.run_file(&folder.join("main.mjs"), FileKind::Module).unwrap();
    assert_eq!(shell.run_until_idle().unwrap_or_else(|error| panic!("{error}")), 11);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_engine_shows_itself_if_it_may() {
    let wasm =
        wat::parse_str(r#"(module (func (export "f") (result i32) (i32.const 4)))"#).unwrap();
    let mut config = tierup::Config::new();
    config.strategy(tierup::CompilerStrategy::Tiered).compile_threads(0);
    let options = ShellOptions { exposure: Exposure::Global, ..ShellOptions::default() };
    let shell = Shell::new(&Engine::new(&config).unwrap(), options).unwrap();
    let code = format!("const {{ f }} = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array({wasm:?}))).exports;
        const seen = [tierup.tier(f)];
        f(); seen.push(tierup.tier(f));
        tierup.tierUp(f); f(); seen.push(tierup.tier(f));
        if (tierup.flush() <= 0) throw new Error('nothing flushed');
        seen.push(tierup.tier(f), tierup.tier(() => 1), tierup.tier(5));
        if (f() !== 4 || tierup.stats().instances !== 1) throw new Error('wrong');
        if (seen.join() !== 'none,baseline,optimized,none,unknown,unknown') throw new Error(seen.join());
        tierup.collect(); quit(1)");
    shell.eval("test.js", &code).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shell.run_until_idle().unwrap(), 1);
    assert_eq!(run("quit(typeof tierup === 'undefined' ? 2 : 3)"), 2);
}

#[test]
fn the_engine_tells_of_instances_and_where_code_is() {
    let function = "(func (result i32) (i32.const 4))".repeat(600);
    let text = format!(r#"(module {function} (func (export "f") (result i32) (i32.const 5)))"#);
    let bytes = wat::parse_str(text).unwrap();
    let mut config = tierup::Config::new();
    config.lazy(false).arena_code_bytes(64 << 10).strategy(tierup::CompilerStrategy::Tiered);
    config.compile_threads(1);
    let options = ShellOptions { exposure: Exposure::Global, ..ShellOptions::default() };
    let shell = Shell::new(&Engine::new(&config).unwrap(), options).unwrap();
    let code = format!("const module = new WebAssembly.Module(new Uint8Array({bytes:?})), other = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
        const check = (value, note) => {{ if (!value) throw new Error(note) }};
        check(tierup.liveInstances(module) === 0, 'none yet');
        const kept = new WebAssembly.Instance(module);
        for (let i = 0; i < 4; i++) new WebAssembly.Instance(module);
        check(tierup.liveInstances(module) === 5, `${{tierup.liveInstances(module)}} instances`);
        gc();
        check(tierup.liveInstances(module) === 1 && tierup.liveInstances(other) === 0, 'one is kept');
        const spaces = tierup.codeSpaces(kept);
        check(spaces > 1, `code in ${{spaces}} arenas`);
        for (const wrong of [undefined, {{}}, module, kept.exports.f, 1]) try {{ tierup.codeSpaces(wrong); throw 0 }} catch (error) {{ check(error instanceof TypeError, error) }}
        for (const wrong of [undefined, {{}}, kept, 1]) try {{ tierup.liveInstances(wrong); throw 0 }} catch (error) {{ check(error instanceof TypeError, error) }}
        for (const name of ['tierUp', 'requestTierUp']) try {{ tierup[name](print); throw 0 }} catch (error) {{ check(error instanceof TypeError, error) }}
        const {{ f }} = kept.exports;
        check(tierup.tier(f) === 'baseline', tierup.tier(f));
        tierup.requestTierUp(f);
        const end = performance.now() + 600000;
        (function wait() {{
            if (tierup.tier(f) === 'optimized') quit(f());
            if (performance.now() > end) throw new Error('it never came');
            setTimeout(wait, 1);
        }})();");
    shell.eval("test.js", &code).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shell.run_until_idle().unwrap_or_else(|error| panic!("{error}")), 5);
}

#[test]
fn what_is_asked_for_is_there_at_once_if_nobody_else_can_do_it() {
    let bytes = wat::parse_str(r#"(module (func (export "f")))"#).unwrap();
    let mut config = tierup::Config::new();
    config.strategy(tierup::CompilerStrategy::Tiered).compile_threads(0);
    let options = ShellOptions { exposure: Exposure::Global, ..ShellOptions::default() };
    let shell = Shell::new(&Engine::new(&config).unwrap(), options).unwrap();
    let code = format!("const {{ f }} = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array({bytes:?}))).exports;
        tierup.requestTierUp(f); quit(tierup.tier(f) === 'optimized' ? 1 : 2)");
    shell.eval("test.js", &code).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shell.run_until_idle().unwrap(), 1);
}
