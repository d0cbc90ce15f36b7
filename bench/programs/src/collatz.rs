//! The longest Collatz chains below `size`. 64-bit integers, branches that can't be foretold.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: collatz SIZE")
}

fn run(size: u64) -> u64 {
    let (mut longest, mut sum) = (0, 0_u64);
    for start in 1..size {
        let steps = chain(start);
        if steps > longest {
            longest = steps;
            sum = sum.rotate_left(7) ^ start;
        }
        sum = sum.wrapping_add(u64::from(steps));
    }
    sum
}

fn chain(mut number: u64) -> u32 {
    let mut steps = 0;
    while number != 1 {
        number = if number % 2 == 0 { number / 2 } else { number * 3 + 1 };
        steps += 1;
    }
    steps
}
