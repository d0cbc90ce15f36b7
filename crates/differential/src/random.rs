//! Numbers that look random and are the same everywhere.
//!
//! Failures must be reproducible from a seed in years, so the generator is ours and small:
//! SplitMix64. What it makes for arguments is not uniform: faults hide at the borders.
#![forbid(unsafe_code)]

/// A generator: SplitMix64.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of that seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.word() % limit
    }

    /// That many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = (0..count.div_ceil(8)).flat_map(|_| self.word().to_le_bytes());
        words.take(count).collect()
    }

    /// A 32-bit pattern: mostly what makes integers overflow, floats round and addresses miss.
    pub fn bits32(&mut self) -> u32 {
        match self.below(4) {
            0 => EDGES_32[self.below(EDGES_32.len() as u64) as usize],
            1 => self.below(0x1_0010) as u32,
            2 => (self.word() as i8 as f32).to_bits(),
            _ => self.word() as u32,
        }
    }

    /// A 64-bit pattern, in the same way.
    pub fn bits64(&mut self) -> u64 {
        match self.below(4) {
            0 => EDGES_64[self.below(EDGES_64.len() as u64) as usize],
            1 => self.below(0x1_0010),
            2 => (self.word() as i16 as f64 / 8.0).to_bits(),
            _ => self.word(),
        }
    }

    /// A 128-bit pattern, in the same way.
    pub fn bits128(&mut self) -> u128 {
        match self.below(2) {
            0 => u128::from(self.bits64()) << 64 | u128::from(self.bits64()),
            _ => (0..4).fold(0, |bits, _| bits << 32 | u128::from(self.bits32())),
        }
    }
}

/// A number with all bits of `value` spread over all bits.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// Ends of the integers, page borders, zeros, infinities, a NaN, and the ends of `f32` to `i32`.
const EDGES_32: [u32; 16] = [
    0,
    1,
    u32::MAX,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xffff,
    0x1_0000,
    0xff,
    0x80,
    0x3f80_0000,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
    0x4f00_0000,
    0x4f80_0000,
];

/// The same for 64 bits.
const EDGES_64: [u64; 16] = [
    0,
    1,
    u64::MAX,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff,
    0x8000_0000,
    0x1_0000_0000,
    0x7fff_ffff,
    0x8000_0000_0000_0001,
    0x3ff0_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x43e0_0000_0000_0000,
    0x41df_ffff_ffc0_0000,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut random = Random::new(0);
        assert_eq!(random.word(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.word(), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(Random::new(1).bytes(11), Random::new(1).bytes(16)[..11]);
    }
}
