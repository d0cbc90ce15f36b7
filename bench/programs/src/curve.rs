//! Multiplies points of the curve of RFC 7748 by scalars, `size` times, each result the next
//! scalar, as the test of the RFC does. Numbers of 255 bits in ten limbs of 26 and 25 bits: 64-bit
//! products and sums, very many live values.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: curve SIZE")
}

fn run(size: u64) -> u64 {
    let mut scalar = [0; 32];
    scalar[0] = 9;
    let mut point = scalar;
    for _ in 0..size {
        (scalar, point) = (ladder(scalar, point), scalar);
    }
    u64::from_be_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|place: usize| scalar[place]))
}

/// Scalar times point; both, and the result, in little-endian bytes.
fn ladder(mut scalar: [u8; 32], point: [u8; 32]) -> [u8; 32] {
    scalar[0] &= 248;
    scalar[31] = scalar[31] & 127 | 64;
    let first = Field::from_bytes(point);
    let (mut x2, mut z2, mut x3, mut z3) =
        (Field::number(1), Field::number(0), first, Field::number(1));
    let mut swapped = false;
    for bit in (0..255).rev() {
        let set = scalar[bit / 8] >> (bit % 8) & 1 == 1;
        if set != swapped {
            std::mem::swap(&mut x2, &mut x3);
            std::mem::swap(&mut z2, &mut z3);
        }
        swapped = set;
        let (sum, difference) = (x2.add(&z2), x2.subtract(&z2));
        let (sum_squared, difference_squared) =
            (sum.multiply(&sum), difference.multiply(&difference));
        let left = x3.subtract(&z3).multiply(&sum);
        let right = x3.add(&z3).multiply(&difference);
        let (outer, inner) = (left.add(&right), left.subtract(&right));
        x3 = outer.multiply(&outer);
        z3 = inner.multiply(&inner).multiply(&first);
        x2 = sum_squared.multiply(&difference_squared);
        let gap = sum_squared.subtract(&difference_squared);
        z2 = gap.multiply(&sum_squared.add(&gap.multiply(&Field::number(121_665))));
    }
    if swapped {
        (x2, z2) = (x3, z3);
    }
    x2.multiply(&z2.inverse()).into_bytes()
}

/// A number modulo 2^255 - 19. Even limbs have 26 bits, odd ones 25, give or take a carry.
#[derive(Clone, Copy)]
struct Field([i64; 10]);

fn width(limb: usize) -> u32 {
    if limb % 2 == 0 { 26 } else { 25 }
}

impl Field {
    fn number(number: i64) -> Self {
        Self([number, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut limbs = [0_i64; 10];
        let mut place = 0;
        for (limb, value) in limbs.iter_mut().enumerate() {
            for bit in 0..width(limb) {
                if place < 255 {
                    *value |= i64::from(bytes[place / 8] >> (place % 8) & 1) << bit;
                }
                place += 1;
            }
        }
        Self(limbs)
    }

    fn into_bytes(self) -> [u8; 32] {
        let mut limbs = self.carried().carried().0;
        // Once with the modulus taken away, as far as it fits, and all carries on the way.
        let mut carry = limbs[0] + 19;
        for limb in 0..9 {
            carry = limbs[limb + 1] + (carry >> width(limb));
        }
        limbs[0] += 19 * (carry >> 25);
        let mut bytes = [0; 32];
        let (mut place, mut carry) = (0, 0);
        for (limb, value) in limbs.into_iter().enumerate() {
            let value = value + carry;
            carry = value >> width(limb);
            for bit in 0..width(limb) {
                bytes[place / 8] |= ((value >> bit & 1) as u8) << (place % 8);
                place += 1;
            }
        }
        bytes
    }

    fn add(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|limb| self.0[limb] + other.0[limb]))
    }

    fn subtract(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|limb| self.0[limb] - other.0[limb]))
    }

    fn carried(self) -> Self {
        let mut limbs = self.0;
        for limb in 0..9 {
            limbs[limb + 1] += limbs[limb] >> width(limb);
            limbs[limb] &= (1 << width(limb)) - 1;
        }
        limbs[0] += 19 * (limbs[9] >> 25);
        limbs[9] &= (1 << 25) - 1;
        limbs[1] += limbs[0] >> 26;
        limbs[0] &= (1 << 26) - 1;
        Self(limbs)
    }

    /// The limbs' products, those past the end times 19, those of two odd limbs times 2.
    fn multiply(&self, other: &Self) -> Self {
        let [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9] = self.0;
        let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9] = other.0;
        let d1 = a1 * 2;
        let d3 = a3 * 2;
        let d5 = a5 * 2;
        let d7 = a7 * 2;
        let d9 = a9 * 2;
        let n1 = b1 * 19;
        let n2 = b2 * 19;
        let n3 = b3 * 19;
        let n4 = b4 * 19;
        let n5 = b5 * 19;
        let n6 = b6 * 19;
        let n7 = b7 * 19;
        let n8 = b8 * 19;
        let n9 = b9 * 19;
        let c0 = a0 * b0
            + d1 * n9
            + a2 * n8
            + d3 * n7
            + a4 * n6
            + d5 * n5
            + a6 * n4
            + d7 * n3
            + a8 * n2
            + d9 * n1;
        let c1 = a0 * b1
            + a1 * b0
            + a2 * n9
            + a3 * n8
            + a4 * n7
            + a5 * n6
            + a6 * n5
            + a7 * n4
            + a8 * n3
            + a9 * n2;
        let c2 = a0 * b2
            + d1 * b1
            + a2 * b0
            + d3 * n9
            + a4 * n8
            + d5 * n7
            + a6 * n6
            + d7 * n5
            + a8 * n4
            + d9 * n3;
        let c3 = a0 * b3
            + a1 * b2
            + a2 * b1
            + a3 * b0
            + a4 * n9
            + a5 * n8
            + a6 * n7
            + a7 * n6
            + a8 * n5
            + a9 * n4;
        let c4 = a0 * b4
            + d1 * b3
            + a2 * b2
            + d3 * b1
            + a4 * b0
            + d5 * n9
            + a6 * n8
            + d7 * n7
            + a8 * n6
            + d9 * n5;
        let c5 = a0 * b5
            + a1 * b4
            + a2 * b3
            + a3 * b2
            + a4 * b1
            + a5 * b0
            + a6 * n9
            + a7 * n8
            + a8 * n7
            + a9 * n6;
        let c6 = a0 * b6
            + d1 * b5
            + a2 * b4
            + d3 * b3
            + a4 * b2
            + d5 * b1
            + a6 * b0
            + d7 * n9
            + a8 * n8
            + d9 * n7;
        let c7 = a0 * b7
            + a1 * b6
            + a2 * b5
            + a3 * b4
            + a4 * b3
            + a5 * b2
            + a6 * b1
            + a7 * b0
            + a8 * n9
            + a9 * n8;
        let c8 = a0 * b8
            + d1 * b7
            + a2 * b6
            + d3 * b5
            + a4 * b4
            + d5 * b3
            + a6 * b2
            + d7 * b1
            + a8 * b0
            + d9 * n9;
        let c9 = a0 * b9
            + a1 * b8
            + a2 * b7
            + a3 * b6
            + a4 * b5
            + a5 * b4
            + a6 * b3
            + a7 * b2
            + a8 * b1
            + a9 * b0;
        Self([c0, c1, c2, c3, c4, c5, c6, c7, c8, c9]).carried()
    }

    /// To the power of the modulus less 2, whose bits are all set but 2 and 4.
    fn inverse(&self) -> Self {
        let mut power = Self::number(1);
        for bit in (0..255).rev() {
            power = power.multiply(&power);
            if bit != 2 && bit != 4 {
                power = power.multiply(self);
            }
        }
        power
    }
}
