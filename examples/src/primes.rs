//! Counts primes with a segmented sieve; takes some seconds.
//!
//! Argument: how far to count (default 5,000,000,000).

fn main() {
    let limit = std::env::args().nth(1).map_or(Ok(5_000_000_000), |text| text.parse::<u64>());
    match limit {
        Ok(limit) => println!("{} primes below {limit}", count_primes(limit)),
        Err(error) => {
            eprintln!("not a number: {error}");
            std::process::exit(2);
        }
    }
}

/// Odd numbers that one segment covers: as many bits as fit in a first-level cache.
const SEGMENT: usize = 256 << 10;

fn count_primes(limit: u64) -> u64 {
    if limit <= 2 {
        return 0;
    }
    let small = small_primes((limit as f64).sqrt() as u64 + 1);
    // The next odd multiple of each prime, counted in odd numbers.
    let mut next: Vec<u64> = small.iter().map(|&prime| prime * prime / 2).collect();
    let (mut count, mut start) = (1, 0);
    let odds = limit / 2;
    let mut composite = vec![0_u64; SEGMENT / 64];
    while start < odds {
        composite.fill(0);
        let length = (odds - start).min(SEGMENT as u64);
        for (&prime, next) in small.iter().zip(&mut next) {
            let mut index = *next - start.min(*next);
            while index < length {
                composite[index as usize / 64] |= 1 << (index % 64);
                index += prime;
            }
            *next = (*next).max(start + index);
        }
        if start == 0 {
            composite[0] |= 1; // 1 is no prime
        }
        let marked: u64 = composite.iter().map(|word| u64::from(word.count_ones())).sum();
        count += length - marked;
        start += length;
    }
    count
}

/// The odd primes up to `limit`.
fn small_primes(limit: u64) -> Vec<u64> {
    let mut primes: Vec<u64> = Vec::new();
    for candidate in (3..=limit).step_by(2) {
        let is_prime = primes
            .iter()
            .take_while(|&&prime| prime * prime <= candidate)
            .all(|prime| !candidate.is_multiple_of(*prime));
        if is_prime {
            primes.push(candidate);
        }
    }
    primes
}
