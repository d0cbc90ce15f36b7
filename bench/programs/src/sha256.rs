//! SHA-256 of `size` messages of 4 KiB, each begun by the digest of the last. 32-bit integers,
//! rotations, many live values.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: sha256 SIZE")
}

fn run(size: u64) -> u64 {
    let constants = Constants::new();
    let mut message = vec![0x5a_u8; 4096];
    let mut digest = [0; 8];
    for _ in 0..size {
        digest = constants.hash(&message);
        for (bytes, word) in message.chunks_exact_mut(4).zip(digest) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
    }
    u64::from(digest[0]) << 32 | u64::from(digest[1])
}

/// The first bits of the fractions of roots of the first primes, computed in integers.
struct Constants {
    start: [u32; 8],
    rounds: [u32; 64],
}

impl Constants {
    fn new() -> Self {
        let primes = (2_u128..).filter(|&number| (2..number).all(|other| number % other != 0));
        let primes: Vec<u128> = primes.take(64).collect();
        let mut constants = Self { start: [0; 8], rounds: [0; 64] };
        for (word, &prime) in constants.start.iter_mut().zip(&primes) {
            *word = root(prime << 64, 2) as u32;
        }
        for (word, &prime) in constants.rounds.iter_mut().zip(&primes) {
            *word = root(prime << 96, 3) as u32;
        }
        constants
    }

    fn hash(&self, message: &[u8]) -> [u32; 8] {
        let mut state = self.start;
        let mut blocks = message.chunks_exact(64);
        for block in &mut blocks {
            self.block(&mut state, block.try_into().expect("64 bytes"));
        }
        let rest = blocks.remainder();
        let mut last = [0; 128];
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = 0x80;
        let end = if rest.len() < 56 { 64 } else { 128 };
        last[end - 8..end].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
        for block in last[..end].chunks_exact(64) {
            self.block(&mut state, block.try_into().expect("64 bytes"));
        }
        state
    }

    fn block(&self, state: &mut [u32; 8], block: &[u8; 64]) {
        let mut words = [0_u32; 64];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
        }
        for place in 16..64 {
            let (near, far) = (words[place - 2], words[place - 15]);
            let near = near.rotate_right(17) ^ near.rotate_right(19) ^ near >> 10;
            let far = far.rotate_right(7) ^ far.rotate_right(18) ^ far >> 3;
            words[place] = near
                .wrapping_add(far)
                .wrapping_add(words[place - 7])
                .wrapping_add(words[place - 16]);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        for (&word, &constant) in words.iter().zip(&self.rounds) {
            let mixed = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let chosen = (e & f) ^ (!e & g);
            let first = h
                .wrapping_add(mixed)
                .wrapping_add(chosen)
                .wrapping_add(constant)
                .wrapping_add(word);
            let mixed = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let second = mixed.wrapping_add((a & b) ^ (a & c) ^ (b & c));
            (h, g, f, e) = (g, f, e, d.wrapping_add(first));
            (d, c, b, a) = (c, b, a, first.wrapping_add(second));
        }
        for (word, more) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = word.wrapping_add(more);
        }
    }
}

/// The largest number whose power is at most `value`.
fn root(value: u128, power: u32) -> u128 {
    let mut found = 0_u128;
    for bit in (0..40).rev() {
        let more = found | 1 << bit;
        if more.checked_pow(power).is_some_and(|power| power <= value) {
            found = more;
        }
    }
    found
}
