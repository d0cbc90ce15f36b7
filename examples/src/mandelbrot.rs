//! Prints the Mandelbrot set. Arguments: columns and rows (default 78 and 36).

use std::io::{self, Write};

const SHADES: &[u8] = b" .:-=+*#%@";
const LIMIT: u32 = 2_000;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse().ok());
    let columns: u32 = arguments.next().unwrap_or(78);
    let rows: u32 = arguments.next().unwrap_or(36);

    let mut output = io::stdout().lock();
    for row in 0..rows {
        let y = (f64::from(row) + 0.5) / f64::from(rows) * 2.4 - 1.2;
        let line: Vec<u8> = (0..columns)
            .map(|column| {
                let x = (f64::from(column) + 0.5) / f64::from(columns) * 3.2 - 2.2;
                shade(escape_time(x, y))
            })
            .collect();
        output.write_all(&line)?;
        output.write_all(b"\n")?;
    }
    Ok(())
}

/// How many steps the point takes to leave the circle of radius 2.
fn escape_time(x: f64, y: f64) -> u32 {
    let (mut re, mut im) = (0.0, 0.0);
    for step in 0..LIMIT {
        let (re2, im2) = (re * re, im * im);
        if re2 + im2 > 4.0 {
            return step;
        }
        im = 2.0 * re * im + y;
        re = re2 - im2 + x;
    }
    LIMIT
}

fn shade(steps: u32) -> u8 {
    if steps == LIMIT {
        return SHADES[SHADES.len() - 1];
    }
    SHADES[(f64::from(steps + 1).ln() * 2.0) as usize % (SHADES.len() - 1)]
}
