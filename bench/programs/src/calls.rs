//! Recursive functions that do little but call: Fibonacci, Ackermann, Takeuchi; `size` rounds.

use std::hint::black_box;

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: calls SIZE")
}

fn run(size: u64) -> u64 {
    let mut sum = 0_u64;
    for round in 0..size {
        let more = (round % 3) as u32;
        sum = sum.wrapping_mul(31).wrapping_add(u64::from(fibonacci(black_box(18 + more))));
        sum = sum.wrapping_mul(31).wrapping_add(u64::from(ackermann(black_box(2), 50 + more)));
        sum = sum.wrapping_mul(31).wrapping_add(takeuchi(black_box(12), 8, more as i32) as u64);
    }
    sum
}

#[inline(never)]
fn fibonacci(number: u32) -> u32 {
    if number < 2 { number } else { fibonacci(number - 1) + fibonacci(number - 2) }
}

#[inline(never)]
fn ackermann(first: u32, second: u32) -> u32 {
    if first == 0 {
        second + 1
    } else if second == 0 {
        ackermann(first - 1, 1)
    } else {
        ackermann(first - 1, ackermann(first, second - 1))
    }
}

#[inline(never)]
fn takeuchi(x: i32, y: i32, z: i32) -> i32 {
    if y >= x {
        z
    } else {
        takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y))
    }
}
