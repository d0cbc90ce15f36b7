//! Compresses generated text by references to what was there before (LZ77 with hash chains), and
//! unpacks it again; `size` blocks of 32 KiB. Bytes, branches, table look-ups.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: lz SIZE")
}

const BLOCK: usize = 32 << 10;
const HASHES: usize = 1 << 13;
const NONE: u16 = u16::MAX;
const SHORTEST: usize = 4;
const LONGEST: usize = 258;

fn run(size: u64) -> u64 {
    let mut seed = 88_172_645_463_325_252_u64;
    let mut sum = 0_u64;
    for _ in 0..size {
        let text = text(&mut seed);
        let packed = pack(&text);
        assert!(unpack(&packed) == text, "unpacked text differs");
        sum = packed
            .iter()
            .fold(sum, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        sum ^= (packed.len() as u64) << 32;
    }
    sum
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed >> 11
}

/// Words of a small language, the short ones more often.
fn text(seed: &mut u64) -> Vec<u8> {
    let words: Vec<Vec<u8>> = (0..500)
        .map(|number| (0..2 + number % 9).map(|_| b'a' + (random(seed) % 26) as u8).collect())
        .collect();
    let mut text = Vec::with_capacity(BLOCK + 16);
    while text.len() < BLOCK {
        let most = 1 + random(seed) % words.len() as u64;
        text.extend_from_slice(&words[(random(seed) % most) as usize]);
        text.push(if random(seed) % 12 == 0 { b'\n' } else { b' ' });
    }
    text.truncate(BLOCK);
    text
}

fn hash(bytes: &[u8], place: usize) -> usize {
    let word: [u8; 4] = bytes[place..place + 4].try_into().expect("four bytes");
    (u32::from_le_bytes(word).wrapping_mul(0x9e37_79b1) >> 19) as usize
}

/// A run of literals is its length (below 128) and the bytes; a reference is 128, its length less
/// the shortest, and its distance in two bytes.
fn pack(text: &[u8]) -> Vec<u8> {
    let (mut heads, mut chain) = (vec![NONE; HASHES], vec![NONE; text.len()]);
    let (mut packed, mut place, mut literals) = (Vec::new(), 0, 0);
    while place + SHORTEST <= text.len() {
        let (length, distance) = longest(text, place, heads[hash(text, place)], &chain);
        let step = if length >= SHORTEST {
            put_literals(&mut packed, &text[literals..place]);
            packed.extend_from_slice(&[
                128,
                (length - SHORTEST) as u8,
                distance as u8,
                (distance >> 8) as u8,
            ]);
            literals = place + length;
            length
        } else {
            1
        };
        for _ in 0..step {
            if place + SHORTEST <= text.len() {
                let slot = hash(text, place);
                chain[place] = heads[slot];
                heads[slot] = place as u16;
            }
            place += 1;
        }
    }
    put_literals(&mut packed, &text[literals..]);
    packed
}

fn put_literals(packed: &mut Vec<u8>, literals: &[u8]) {
    for part in literals.chunks(127) {
        packed.push(part.len() as u8);
        packed.extend_from_slice(part);
    }
}

fn longest(text: &[u8], place: usize, head: u16, chain: &[u16]) -> (usize, usize) {
    let (mut best, mut distance, mut candidate) = (0, 0, head);
    let most = LONGEST.min(text.len() - place);
    for _ in 0..32 {
        if candidate == NONE {
            break;
        }
        let from = usize::from(candidate);
        let mut length = 0;
        while length < most && text[from + length] == text[place + length] {
            length += 1;
        }
        if length > best {
            (best, distance) = (length, place - from);
        }
        candidate = chain[from];
    }
    (best, distance)
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let (mut text, mut place) = (Vec::with_capacity(BLOCK), 0);
    while place < packed.len() {
        let length = usize::from(packed[place]);
        if length < 128 {
            text.extend_from_slice(&packed[place + 1..place + 1 + length]);
            place += 1 + length;
        } else {
            let distance = usize::from(packed[place + 2]) | usize::from(packed[place + 3]) << 8;
            for _ in 0..usize::from(packed[place + 1]) + SHORTEST {
                text.push(text[text.len() - distance]);
            }
            place += 4;
        }
    }
    text
}
