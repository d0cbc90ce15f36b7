//! Checksums of 64 KiB, `size` times: CRC-32 by table and bit by bit, Adler-32, FNV-1a, and a
//! multiplying 64-bit hash. Table look-ups and chains of short operations.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: crc SIZE")
}

fn run(size: u64) -> u64 {
    let table = table();
    let mut bytes: Vec<u8> =
        (0..65536_u32).map(|place| (place.wrapping_mul(0x9e37_79b1) >> 21) as u8).collect();
    let mut sum = 0_u64;
    for round in 0..size {
        let crc = crc32(&table, &bytes);
        let slow = crc32_by_bits(&bytes[..4096]);
        let both = u64::from(crc) << 32 | u64::from(adler32(&bytes));
        sum = sum.rotate_left(13)
            ^ both
            ^ fnv(&bytes).wrapping_add(multiplying(&bytes))
            ^ u64::from(slow);
        bytes[(round as usize * 257) % 65536] ^= sum as u8;
    }
    sum
}

const POLYNOMIAL: u32 = 0xedb8_8320;

fn step(mut crc: u32) -> u32 {
    for _ in 0..8 {
        crc = crc >> 1 ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
    }
    crc
}

fn table() -> [u32; 256] {
    std::array::from_fn(|byte| step(byte as u32))
}

fn crc32(table: &[u32; 256], bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, &byte| table[usize::from(crc as u8 ^ byte)] ^ crc >> 8)
}

fn crc32_by_bits(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| step(crc ^ u32::from(byte)))
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for part in bytes.chunks(5000) {
        for &byte in part {
            low += u32::from(byte);
            high += low;
        }
        low %= 65521;
        high %= 65521;
    }
    high << 16 | low
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn multiplying(bytes: &[u8]) -> u64 {
    let mut lanes = [1_u64, 2, 3, 4];
    for part in bytes.chunks_exact(32) {
        for (lane, word) in lanes.iter_mut().zip(part.chunks_exact(8)) {
            let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
            *lane = (*lane ^ word.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)).rotate_left(31);
            *lane = lane.wrapping_mul(0x9e37_79b1_85eb_ca87);
        }
    }
    lanes.iter().fold(0, |sum: u64, &lane| sum.rotate_left(17).wrapping_add(lane))
}
