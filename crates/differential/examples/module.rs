//! Writes the module of a seed as text.
#![forbid(unsafe_code)]

use std::io::{Error, Write};

fn main() -> Result<(), Error> {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok());
    let seed = seed.ok_or(Error::other("usage: module SEED"))?;
    let module = tierup_differential::generate::module_of_seed(seed);
    let text = wasmprinter::print_bytes(module).map_err(Error::other)?;
    std::io::stdout().write_all(text.as_bytes())
}
