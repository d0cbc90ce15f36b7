//! Modules that the fuzzer makes, in every mode of the engine and in wasmi.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::{Corpus, fuzz_target};
use tierup_differential::{
    Contest,
    generate::{self, Traps},
};

static CONTEST: LazyLock<Contest> =
    LazyLock::new(|| Contest::new().expect("this machine can run the engine"));

fuzz_target!(|bytes: &[u8]| -> Corpus { run(bytes).unwrap_or(Corpus::Reject) });

fn run(bytes: &[u8]) -> arbitrary::Result<Corpus> {
    let mut bytes = Unstructured::new(bytes);
    let traps = if bool::arbitrary(&mut bytes)? { Traps::Allowed } else { Traps::Avoided };
    let seed = u64::from(u16::arbitrary(&mut bytes)?);
    let module = generate::module(&mut bytes, traps)?;
    if let Err(mismatch) = CONTEST.run(&module, seed) {
        let path = std::env::temp_dir().join("tierup-mismatch.wasm");
        std::fs::write(&path, &module).expect("the mismatch can be kept");
        panic!("seed {seed}, {}: {mismatch}", path.display());
    }
    Ok(Corpus::Keep)
}
