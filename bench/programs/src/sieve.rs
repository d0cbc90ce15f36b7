//! Sieve of Eratosthenes over bytes, `size` times. Integers and byte stores; a long loop in one call.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: sieve SIZE")
}

const LIMIT: usize = 1 << 18;

fn run(size: u64) -> u64 {
    let mut composite = vec![0_u8; LIMIT];
    let mut sum = 0_u64;
    for round in 0..size {
        composite.fill(0);
        // Every round leaves out other numbers, so that no round is the last one again.
        let skip = (round % 97) as usize;
        let mut number = 2;
        while number < LIMIT {
            if composite[number] == 0 {
                sum = sum.wrapping_mul(31).wrapping_add(number as u64);
                let mut multiple = number * 2 + skip * number;
                while multiple < LIMIT {
                    composite[multiple] = 1;
                    multiple += number;
                }
            }
            number += 1;
        }
    }
    sum
}
