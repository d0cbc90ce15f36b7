//! Runs a module in all engines.
//!
//! `run MODULE [SEED]`: binary or text, and the seed that arguments follow from.
#![forbid(unsafe_code)]

use tierup_differential::Contest;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: run MODULE [SEED]")?;
    let seed = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    let summary = Contest::new()?.run(&wat::parse_file(path)?, seed)?;
    std::io::Write::write_all(&mut std::io::stdout(), format!("{summary:?}\n").as_bytes())?;
    Ok(())
}
