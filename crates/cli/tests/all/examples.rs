//! The examples that come with the source.

use crate::support::{Ended, Scratch};

fn example(scratch: &Scratch, options: &[&str], name: &str, arguments: &[&str]) -> Ended {
    let file = format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let words = [options, &[&file], arguments].concat();
    Ended::from(scratch.command(&words).output().unwrap())
}

#[test]
fn hello_says_hello() {
    example(&Scratch::new(), &[], "hello.wat", &[]).printed("Hello, world!\n");
}

#[test]
fn mandelbrot_draws() {
    let ended = example(&Scratch::new(), &[], "mandelbrot.wasm", &["40", "12"]);
    ended.printed(MANDELBROT);
}

const MANDELBROT: &str = "\
.......::::::::::::::----+---:::::::::::
.....::::::::::::-------=++=----::::::::
....::::::::::------====+@@+==-=--::::::
...::::::::-------=++@@@@@@@@@@*=--:::::
...::------=+#++==*@@@@@@@@@@@@@+---::::
...-----==++@@@@@@@@@@@@@@@@@@@@=---::::
...-----==++@@@@@@@@@@@@@@@@@@@@=---::::
...::------=+#++==*@@@@@@@@@@@@@+---::::
...::::::::-------=++@@@@@@@@@@*=--:::::
....::::::::::------====+@@+==-=--::::::
.....::::::::::::-------=++=----::::::::
.......::::::::::::::----+---:::::::::::
";

#[test]
fn primes_counts() {
    let ended = example(&Scratch::new(), &[], "primes.wasm", &["1000000"]);
    ended.printed("78498 primes below 1000000\n");
    example(&Scratch::new(), &[], "primes.wasm", &["many"]).with(2, "not a number");
}

#[test]
fn wordcount_counts_and_writes() {
    let scratch = Scratch::with("one.txt", "the cat and the dog")
        .file("two.txt", "The end, and\u{e9}: the END")
        .directory("folder");
    let ended = example(&scratch, &["--dir", "."], "wordcount.wasm", &[]);
    let top = "      4 the\n      2 end\n      1 and\n      1 and\u{e9}\n      1 cat\n";
    ended.printed(&format!("2 files, 6 different words, written to ./words.txt\n{top}"));
    let written = std::fs::read_to_string(scratch.path("words.txt")).unwrap();
    assert_eq!(written, format!("{top}      1 dog\n"));
    // Without the directory there is nothing to read.
    assert_ne!(example(&scratch, &[], "wordcount.wasm", &[]).code, Some(0));
}
