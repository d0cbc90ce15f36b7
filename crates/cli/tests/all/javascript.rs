//! `tierup js`.

use crate::support::{Ended, Scratch};

fn js(scratch: &Scratch, words: &[&str]) -> Ended {
    let words = [&["js"], words].concat();
    Ended::from(scratch.command(&words).output().unwrap())
}

#[test]
fn the_example_adds() {
    let folder = format!("{}/../../examples/js", env!("CARGO_MANIFEST_DIR"));
    js(&Scratch::new(), &[&format!("{folder}/add.mjs")]).printed("15\n");
    let text = std::fs::read(format!("{folder}/my_module.wat")).unwrap();
    let binary = std::fs::read(format!("{folder}/my_module.wasm")).unwrap();
    assert_eq!(wat::parse_bytes(&text).unwrap(), binary);
}

#[test]
fn files_run_in_one_realm_and_get_arguments() {
    let scratch = Scratch::with("a.js", "var a = 1;")
        .file("b.js", "var b = a + 1;")
        .file("c.js", "print(a, b, scriptArgs.join())");
    js(&scratch, &["-f", "a.js", "-f", "b.js", "c.js", "x", "--module"])
        .printed("1 2 x,--module\n");
    js(&scratch, &["-f", "a.js", "-e", "print(a, scriptArgs)", "y"]).printed("1 y\n");
}

#[test]
fn modules_are_known_by_name_or_option() {
    let scratch = Scratch::with("m.mjs", "import { n } from './n.js'; console.log(n, this)")
        .file("n.js", "export const n = 3");
    js(&scratch, &["m.mjs"]).printed("3 undefined\n");
    js(&scratch, &["--module", "m.mjs"]).printed("3 undefined\n");
    js(&scratch, &["n.js"]).with(1, "SyntaxError");
}

#[test]
fn it_ends_as_the_script_says() {
    let scratch = Scratch::new();
    js(&scratch, &["-e", "quit(9)"]).with(9, "");
    js(&scratch, &["-e", "throw new Error('mine')"])
        .with(1, "uncaught Error: mine\n    at <eval> (-e:1:");
    js(&scratch, &["-e", "Promise.reject(5)"]).with(1, "unhandled rejection: 5");
    js(&scratch, &["--unhandled-rejections=none", "-e", "Promise.reject(5)"]).printed("");
    js(&scratch, &["-W", "timeout=100ms", "-e", "for (;;);"]).with(1, "interrupted");
    js(&scratch, &["none.js"]).with(1, "none.js");
    js(&scratch, &[]).with(2, "FILE");
}

#[test]
fn equal_modules_share_code_unless_told_not_to() {
    let script = "const bytes = new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,7,11]);
        const [a, b] = [new WebAssembly.Module(bytes), new WebAssembly.Module(bytes)];
        const run = (module) => new WebAssembly.Instance(module).exports.f();
        print(a === b, run(a) + run(b), tierup.stats().units, tierup.stats().lazyCompiles)";
    let exposed = ["--expose-tierup", "-e", script];
    js(&Scratch::new(), &exposed).printed("false 14 1 1\n");
    let apart = [&["-C", "share-modules=n"], &exposed[..]].concat();
    js(&Scratch::new(), &apart).printed("false 14 2 2\n");
}

#[test]
fn engine_options_apply() {
    let memory = "try { new WebAssembly.Memory({ initial: 2 }); print('made') } catch (error) { print(error.name) }";
    js(&Scratch::new(), &["-W", "max-memory-size=64K", "-e", memory]).printed("RangeError\n");
    let seven = "const bytes = [0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,7,11];
        print(new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes))).exports.f())";
    js(&Scratch::new(), &["-W", "fuel=1000", "-e", seven]).printed("7\n");
    js(&Scratch::new(), &["-W", "fuel=0", "-e", seven]).with(1, "out of fuel");
    js(&Scratch::new(), &["-e", memory]).printed("made\n");
    js(&Scratch::new(), &["-e", "print(typeof tierup)"]).printed("undefined\n");
    js(&Scratch::new(), &["--expose-tierup", "-e", "print(tierup.tier(print))"])
        .printed("unknown\n");
}

#[test]
fn deep_recursion_is_an_error() {
    let script =
        "function f() { f() } try { f() } catch (error) { print(error instanceof RangeError) }";
    js(&Scratch::new(), &["-e", script]).printed("true\n");
    js(&Scratch::new(), &["-W", "max-wasm-stack=64M", "-e", script]).printed("true\n");
}

#[test]
fn options_for_tests_apply_as_help_explains_them() {
    let scratch = Scratch::new();
    let help = Ended::from(scratch.command(&["js", "--help"]).output().unwrap());
    let bytes = "new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,7,11])";
    let made = format!(
        "const module = new WebAssembly.Module({bytes}), other = new WebAssembly.Module({bytes}), {{ f }} = new WebAssembly.Instance(module).exports;"
    );
    for (option, script, printed) in [
        ("lazy=n", "print(tierup.tier(f))", "baseline"),
        (
            "compiler=baseline",
            "for (let i = 0; i < 1e5; i++) f(); print(tierup.tier(f))",
            "baseline",
        ),
        ("compile-threads=0", "f(); tierup.requestTierUp(f); print(tierup.tier(f))", "optimized"),
        ("arena=64K", "print(f())", "7"),
        ("code-memory=1M", "print(f())", "7"),
        (
            "share-modules=n",
            "f(); print(tierup.tier(new WebAssembly.Instance(other).exports.f))",
            "none",
        ),
        (
            "share-modules=y",
            "f(); print(tierup.tier(new WebAssembly.Instance(other).exports.f))",
            "baseline",
        ),
    ] {
        let (key, _) = option.split_once('=').unwrap();
        assert!(help.stdout.contains(&format!("-C {key}=")), "{key} is explained");
        let code = format!("{made} {script}");
        js(&scratch, &["--expose-tierup", "-C", option, "-e", &code])
            .printed(&format!("{printed}\n"));
    }
    let budget = format!("{made} for (let i = 0; i < 100; i++) f(); print(tierup.tier(f))");
    let words =
        ["--expose-tierup", "-C", "tier-up-budget=1", "-C", "compile-threads=0", "-e", &budget];
    js(&scratch, &words).printed("optimized\n");
}

#[test]
fn memory_stays_flat_while_modules_come_and_go() {
    let script = "
        const bytes = new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,7,11,0,6,1,110,0,0,0,0]);
        let number = 0;
        function rounds(count) {
            for (let i = 0; i < count; i++) {
                const own = bytes.slice(); // no two are equal, or they would share their code
                new DataView(own.buffer).setInt32(own.length - 4, number++);
                if (new WebAssembly.Instance(new WebAssembly.Module(own)).exports.f() !== 7) throw new Error('wrong');
            }
            gc();
            return Number(read('/proc/self/statm').split(' ')[1]) * 4096;
        }
        const before = rounds(2000), grown = rounds(4000) - before;
        print(grown < 4 << 20 ? 'flat' : `from ${before} bytes by ${grown}`)";
    js(&Scratch::new(), &["-e", script]).printed("flat\n");
}
