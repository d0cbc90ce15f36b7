//! Options that do what they say.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use crate::support::{Ended, Scratch, program};

const LIBRARY: &str = r#"(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "swap") (param i64 f64) (result f64 i64) (local.get 1) (local.get 0))
  (func (export "vector") (param v128) (result v128) (local.get 0))
  (func (export "null") (result funcref) (ref.null func)))"#;

/// Prints all arguments or variables, each with the NUL that ends it.
fn printing(what: &str) -> String {
    program(
        "",
        &format!(
            "(call ${what}_sizes (i32.const 0) (i32.const 12))
             (drop (call ${what} (i32.const 0x1000) (i32.const 0x8000)))
             (i32.store (i32.const 8) (i32.const 0x8000))
             (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))"
        ),
    )
}

#[test]
fn functions_are_invoked_with_numbers() {
    let library = Scratch::with("library.wat", LIBRARY);
    library.run("--invoke add library.wat 2 3").printed("5\n");
    library.run("--invoke add library.wat -2 0xffffffff").printed("-3\n");
    library.run("run --invoke add library.wat 2 3").printed("5\n");
    library.run("--invoke swap library.wat -7 1.5").printed("1.5\n-7\n");
    library.run("--invoke swap library.wat 1 -inf").printed("-inf\n1\n");
    let vector = "0x000102030405060708090a0b0c0d0e0f";
    library.run(&format!("--invoke vector library.wat {vector}")).printed(&format!("{vector}\n"));
    library.run("--invoke null library.wat").printed("null\n");
}

#[test]
fn what_follows_the_file_belongs_to_the_program() {
    let scratch = Scratch::with("args.wat", printing("args"));
    scratch.run("args.wat").printed("args.wat\0");
    scratch
        .run("args.wat a --dir -C --help --stats")
        .printed("args.wat\0a\0--dir\0-C\0--help\0--stats\0");
    scratch.run("args.wat -- x").printed("args.wat\0--\0x\0");
    scratch.run("--argv0 other args.wat a").printed("other\0a\0");
    scratch.run("./args.wat").printed("args.wat\0");
    let empty = scratch.command(&["args.wat", "", "two words"]).output().unwrap();
    Ended::from(empty).printed("args.wat\0\0two words\0");
}

#[test]
fn arguments_can_be_any_bytes() {
    let scratch = Scratch::with("args.wat", printing("args"));
    let argument = OsStr::from_bytes(b"\xff\xfe");
    let output = scratch.command(&[OsStr::new("args.wat"), argument]).output().unwrap();
    assert_eq!(output.stdout, b"args.wat\0\xff\xfe\0");
}

#[test]
fn the_environment_is_what_is_asked_for() {
    let scratch = Scratch::with("environ.wat", printing("environ"));
    scratch.run("environ.wat").printed("");
    scratch.run("--env A=1 --env B= --env A=2=3 environ.wat").printed("B=\0A=2=3\0");
    let inherited = ["--env", "OURS", "--env", "NOT_SET_HERE", "environ.wat"];
    let output = scratch.command(&inherited).env("OURS", "x").env("OTHER", "y").output().unwrap();
    Ended::from(output).printed("OURS=x\0");
    let bytes = OsStr::from_bytes(b"A=\xff");
    let output = scratch.command(&[OsStr::new("--env"), bytes, OsStr::new("environ.wat")]).output();
    assert_eq!(output.unwrap().stdout, b"A=\xff\0");
}

#[test]
fn the_keys_are_listed() {
    let scratch = Scratch::new();
    for (command, key) in [("-C help", "lazy-validation=y|n"), ("-W help", "timeout=TIME")] {
        let ended = scratch.run(command);
        ended.with(2, key);
    }
}

#[test]
fn keys_change_how_and_not_what() {
    let scratch = Scratch::with("library.wat", LIBRARY);
    let options = "-C lazy=n -C lazy-validation -C compile-threads=1,arena=64K -C protection=toggle \
                   -C protection=file -C compiler=tiered,tier-up-budget=1 -C compile-threads=0 \
                   -C compiler=optimizing,share-modules=n -W explicit-bounds-checks -W max-memory-size=1G,max-instances=1 -W fuel=1000";
    scratch.run(&format!("{options} --invoke add library.wat 2 3")).printed("5\n");
    for option in options.split(" -").filter(|option| option.starts_with(['C', 'W'])) {
        scratch.run(&format!("-{option} --invoke add library.wat 2 3")).printed("5\n");
    }
}

#[test]
fn programs_import_from_preloaded_modules() {
    let user = r#"(module
      (import "math" "add" (func $add (param i32 i32) (result i32)))
      (func (export "twice") (param i32) (result i32)
        (call $add (local.get 0) (local.get 0))))"#;
    let scratch = Scratch::with("library.wat", LIBRARY).file("user.wat", user);
    scratch.run("--preload math=library.wat --invoke twice user.wat 21").printed("42\n");
    scratch.run("--invoke twice user.wat 21").with(1, "unknown import");
    scratch.run("--preload maths=library.wat --invoke twice user.wat 21").with(1, "`math` `add`");
}

#[test]
fn reactors_are_initialized_before_a_function_is_invoked() {
    let reactor = r#"(module (global $state (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $state (i32.const 5)))
      (func (export "state") (result i32) (global.get $state)))"#;
    Scratch::with("reactor.wat", reactor).run("--invoke state reactor.wat").printed("5\n");
}

#[test]
fn help_and_version_are_no_errors() {
    let scratch = Scratch::new();
    for command in ["--help", "-h", "run --help", "wast --help", "--version", "-V"] {
        let ended = scratch.run(command);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{command}");
        assert!(ended.stdout.contains("tierup"), "{command}");
    }
}

#[test]
fn the_log_tells_what_is_compiled() {
    let scratch = Scratch::with("library.wat", LIBRARY);
    let mut command = scratch.command(&["--invoke", "add", "library.wat", "2", "3"]);
    let ended =
        Ended::from(command.env("TIERUP_LOG", "codespace=debug,tiering=debug").output().unwrap());
    ended.with(0, "lazy compile");
    ended.with(0, "unit made");
    assert_eq!(ended.stdout, "5\n");
}
