//! `compile` and `inspect`.

use serde_json::{Value, json};

use crate::support::Scratch;

const LIBRARY: &str = r#"
    (module
      (memory 1)
      (func $double (export "double") (param i32) (result i32)
        (i32.shl (local.get 0) (i32.const 1)))
      (func $quadruple (export "quadruple") (param i32) (result i32)
        (call $double (call $double (i32.load (local.get 0))))))
"#;

#[test]
fn compile_says_what_it_took() {
    let scratch = Scratch::with("library.wat", LIBRARY);
    let ended = scratch.run("compile library.wat");
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.starts_with("functions           2\n"), "{ended:#?}");

    let ended = scratch.run("compile --json --threads 1 library.wat");
    let figures: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(figures["functions"], 2);
    assert!(figures["code_bytes"].as_u64() > figures["body_bytes"].as_u64(), "{figures}");
}

#[test]
fn compile_takes_the_tier_that_it_is_told() {
    let scratch = Scratch::with("library.wat", LIBRARY);
    let compile = |tier: &str| -> Value {
        let ended = scratch.run(&format!("compile --json {tier} library.wat"));
        serde_json::from_str(&ended.stdout).unwrap()
    };
    for (tier, functions) in [("", 2), ("--tier baseline", 2), ("--tier optimizing", 0)] {
        let figures = compile(tier);
        assert_eq!(figures["baseline_functions"], functions, "{figures}");
        assert_eq!(figures["optimized_functions"], 2 - functions, "{figures}");
        assert_eq!((&figures["bailouts"], &figures["bailout_reasons"]), (&0.into(), &json!({})));
    }
    scratch
        .run("compile --tier best library.wat")
        .with(2, "[possible values: baseline, optimizing]");
}

#[test]
fn inspect_names_cells_traps_and_positions() {
    let scratch = Scratch::with("library.wat", LIBRARY);
    for function in ["1", "quadruple"] {
        let ended = scratch.run(&format!("inspect --code {function} library.wat"));
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        let text = ended.stdout;
        assert!(text.starts_with("function 1 (quadruple): Baseline, "), "{text}");
        assert_eq!(text.matches("cell of function 0 (double)").count(), 2, "{text}");
        assert!(text.contains("trap: out of bounds memory access"), "{text}");
        assert!(text.contains("\n  wasm 0x"), "{text}");
    }
}

#[test]
fn inspect_knows_the_functions_that_there_are() {
    let scratch = Scratch::with("library.wat", LIBRARY);
    for function in ["2", "triple", "4294967296"] {
        let ended = scratch.run(&format!("inspect --code {function} library.wat"));
        ended.with(1, &format!("no function `{function}`; it has 0 to 2"));
    }
}
