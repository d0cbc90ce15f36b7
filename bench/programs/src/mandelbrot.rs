//! The Mandelbrot set on `size` x `size` points. 64-bit floats in registers.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: mandelbrot SIZE")
}

const MOST: u32 = 200;

fn run(size: u64) -> u64 {
    let mut sum = 0_u64;
    for row in 0..size {
        let imaginary = row as f64 / size as f64 * 2.5 - 1.25;
        for column in 0..size {
            let real = column as f64 / size as f64 * 3.0 - 2.25;
            sum = sum.wrapping_mul(3).wrapping_add(u64::from(escape(real, imaginary)));
        }
    }
    sum
}

fn escape(real: f64, imaginary: f64) -> u32 {
    let (mut x, mut y) = (0.0_f64, 0.0_f64);
    for step in 0..MOST {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 4.0 {
            return step;
        }
        y = 2.0 * x * y + imaginary;
        x = xx - yy + real;
    }
    MOST
}
