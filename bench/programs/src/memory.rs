//! Patterns of memory access over one MiB, `size` times: copy, fill, scan, strides, and a chain of
//! loads that each depend on the last.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: memory SIZE")
}

const BYTES: usize = 1 << 20;
const LINKS: usize = 1 << 16;

fn run(size: u64) -> u64 {
    let mut bytes: Vec<u8> =
        (0..BYTES).map(|place| (place * 2_654_435_761_usize >> 13) as u8).collect();
    let mut other = vec![0_u8; BYTES];
    let chain = chain();
    let mut sum = 0_u64;
    for round in 0..size {
        other.copy_from_slice(&bytes);
        let start = (round as usize * 4099) % (BYTES / 2);
        other.copy_within(start..start + BYTES / 4, BYTES / 8);
        other[start..start + 512].fill(round as u8);
        sum = sum.wrapping_add(count(&other, round as u8));
        sum = sum.rotate_left(9) ^ stride(&other, 64 + (round as usize % 7) * 8);
        sum = sum.wrapping_add(follow(&chain, round as u32 % LINKS as u32));
        scatter(&mut bytes, sum);
    }
    sum
}

/// Bytes of one value.
fn count(bytes: &[u8], wanted: u8) -> u64 {
    let mut found = 0;
    for &byte in bytes {
        found += u64::from(byte == wanted);
    }
    found
}

fn stride(bytes: &[u8], step: usize) -> u64 {
    let (mut sum, mut place) = (0_u64, 0);
    while place + 8 <= bytes.len() {
        let word: [u8; 8] = bytes[place..place + 8].try_into().expect("eight bytes");
        sum = sum.wrapping_mul(5).wrapping_add(u64::from_le_bytes(word));
        place += step;
    }
    sum
}

/// A cycle through all links in an order that no prefetcher knows.
fn chain() -> Vec<u32> {
    let mut order: Vec<u32> = (0..LINKS as u32).collect();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..LINKS).rev() {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        order.swap(last, (seed % (last as u64 + 1)) as usize);
    }
    let mut next = vec![0; LINKS];
    for place in 0..LINKS {
        next[order[place] as usize] = order[(place + 1) % LINKS];
    }
    next
}

fn follow(chain: &[u32], start: u32) -> u64 {
    let (mut link, mut sum) = (start, 0_u64);
    for _ in 0..LINKS {
        link = chain[link as usize];
        sum = sum.wrapping_mul(3) ^ u64::from(link);
    }
    sum
}

fn scatter(bytes: &mut [u8], mut seed: u64) {
    for _ in 0..20_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes[(seed >> 44) as usize] ^= seed as u8;
    }
}
