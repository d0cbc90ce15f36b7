//! Standard input and output.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
};

use crate::support::{Ended, Scratch, program};

/// Copies standard input to standard output; ends with the first error number.
fn copying() -> String {
    program(
        r"\00\10\00\00\00\10\00\00",
        "(loop $again (result i32)
           (i32.store (i32.const 4) (i32.const 0x1000))
           (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
             (then (call $exit (i32.const 100))))
           (if (i32.eqz (i32.load (i32.const 8))) (then (call $exit (i32.const 0))))
           (i32.store (i32.const 4) (i32.load (i32.const 8)))
           (call $exit_if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
           (br $again))",
    )
    .replace(
        r#"(func (export "_start")"#,
        r#"(func $exit_if (param i32)
             (if (local.get 0) (then (call $exit (local.get 0)))))
           (func (export "_start")"#,
    )
}

fn spawn(scratch: &Scratch, words: &[&str]) -> Child {
    let mut command = scratch.command(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn input_is_read_until_it_ends() {
    let scratch = Scratch::with("copy.wat", copying());
    let mut child = spawn(&scratch, &["copy.wat"]);
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: it is written while it is read.
    let bytes: Vec<u8> = (0..300_000_u32).map(|index| (index % 251) as u8).collect();
    let expected = bytes.clone();
    let writer = std::thread::spawn(move || input.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == expected, "{} bytes came out", output.stdout.len());
}

#[test]
fn without_input_there_is_nothing_to_read() {
    Scratch::with("copy.wat", copying()).run("copy.wat").printed("");
}

#[test]
fn a_module_can_come_from_a_pipe() {
    let scratch = Scratch::new();
    let mut child = spawn(&scratch, &["--invoke", "seven", "/dev/stdin"]);
    let text = br#"(module (func (export "seven") (result i32) (i32.const 7)))"#;
    child.stdin.take().unwrap().write_all(text).unwrap();
    Ended::from(child.wait_with_output().unwrap()).printed("7\n");
}

/// Runs the command with nobody at the other end of its standard output.
fn run_unread(scratch: &Scratch, words: &[&str]) -> Ended {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Ended::from(scratch.command(words).stdout(writer).stderr(Stdio::piped()).output().unwrap())
}

/// Nobody reads what a program prints: that is the program's to handle.
#[test]
fn a_closed_pipe_is_an_error_number_for_the_program() {
    const PIPE: i32 = 64;
    let body = "(call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))";
    let scratch = Scratch::with("print.wat", program(r"\00\00\00\00\04\00\00\00", body));
    run_unread(&scratch, &["print.wat"]).with(PIPE, "");
}

/// Nobody reads what the command itself prints.
#[test]
fn a_closed_pipe_is_no_panic() {
    let library = r#"(module (func (export "seven") (result i32) (i32.const 7)))"#;
    let scratch = Scratch::with("library.wat", library).file("good.wast", "(module)");
    run_unread(&scratch, &["--invoke", "seven", "library.wat"]).with(1, "Broken pipe");
    run_unread(&scratch, &["wast", "good.wast"]).with(1, "Broken pipe");
    // There is no one to tell, and nothing went wrong.
    run_unread(&scratch, &["--help"]).with(0, "");
    run_unread(&scratch, &["--version"]).with(0, "");
}

#[test]
fn a_closed_error_stream_is_no_panic() {
    let scratch = Scratch::with("trap.wat", r#"(module (func (export "_start") unreachable))"#);
    for words in [&["trap.wat"][..], &["--stats", "trap.wat"], &["-C", "bogus", "trap.wat"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let code = scratch.command(words).stderr(writer).status().unwrap().code();
        assert_eq!(code, Some(if words[0] == "-C" { 2 } else { 134 }), "{words:?}");
    }
}

/// The three streams can be missing altogether, as under some daemons.
#[test]
fn missing_streams_are_no_panic() {
    let body = "(call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))";
    let scratch = Scratch::with("print.wat", program(r"\00\00\00\00\04\00\00\00", body));
    let command = format!("exec {} print.wat <&- >&- 2>&-", env!("CARGO_BIN_EXE_tierup"));
    let status = Command::new("sh").args(["-c", &command]).current_dir(scratch.path("")).status();
    assert_eq!(status.unwrap().code(), Some(0));
}
