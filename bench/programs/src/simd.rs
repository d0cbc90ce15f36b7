//! Kernels on vectors of 128 bits, `size` rounds over 64 KiB: sums of products of floats, saturating
//! blend of bytes, counts of equal bytes, minima and maxima, a byte shuffle. On other machines than
//! WebAssembly the same in plain code, which shows that the results are right.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: simd SIZE")
}

const BYTES: usize = 64 << 10;

fn run(size: u64) -> u64 {
    let mut bytes: Vec<u8> =
        (0..BYTES as u32).map(|place| (place.wrapping_mul(0x9e37_79b1) >> 23) as u8).collect();
    let floats: Vec<f32> =
        (0..BYTES / 4).map(|place| (place * 37 % 1001) as f32 / 16.0 - 30.0).collect();
    let numbers: Vec<i32> =
        (0..BYTES / 4).map(|place| (place as i32).wrapping_mul(0x1e37_79b1)).collect();
    let mut sum = 0_u64;
    for round in 0..size {
        let product = kernels::product(&floats, &floats[round as usize % 64 * 4..]);
        sum = sum.rotate_left(5) ^ u64::from(product.to_bits());
        sum = sum.wrapping_add(kernels::count(&bytes, round as u8));
        let (least, most) = kernels::bounds(&numbers[round as usize % 64 * 4..], round as i32);
        sum ^= (least as u64) << 32 ^ most as u64;
        kernels::blend(&mut bytes, round as u8);
        kernels::reverse(&mut bytes);
        sum = sum.wrapping_add(u64::from(bytes[(sum % BYTES as u64) as usize]));
    }
    sum
}

#[cfg(target_arch = "wasm32")]
mod kernels {
    use std::arch::wasm32::*;

    fn vectors<T>(values: &[T]) -> impl Iterator<Item = v128> {
        // SAFETY: every 16 bytes are a v128, whose loads need no alignment with these functions.
        values
            .chunks_exact(16 / size_of::<T>())
            .map(|part| unsafe { v128_load(part.as_ptr().cast()) })
    }

    pub fn product(left: &[f32], right: &[f32]) -> f32 {
        let mut sum = f32x4_splat(0.0);
        for (left, right) in vectors(left).zip(vectors(right)) {
            sum = f32x4_add(sum, f32x4_mul(left, right));
        }
        f32x4_extract_lane::<0>(sum)
            + f32x4_extract_lane::<1>(sum)
            + f32x4_extract_lane::<2>(sum)
            + f32x4_extract_lane::<3>(sum)
    }

    pub fn count(bytes: &[u8], wanted: u8) -> u64 {
        let wanted = u8x16_splat(wanted);
        vectors(bytes)
            .map(|part| u64::from(u8x16_bitmask(u8x16_eq(part, wanted)).count_ones()))
            .sum()
    }

    pub fn bounds(numbers: &[i32], mixed: i32) -> (i32, i32) {
        let (mut least, mut most) = (i32x4_splat(i32::MAX), i32x4_splat(i32::MIN));
        let mixed = i32x4_splat(mixed);
        for part in vectors(numbers) {
            let part = v128_xor(part, i32x4_shl(mixed, 20));
            least = i32x4_min(least, part);
            most = i32x4_max(most, part);
        }
        let least = i32x4_min(least, i32x4_shuffle::<2, 3, 0, 1>(least, least));
        let most = i32x4_max(most, i32x4_shuffle::<2, 3, 0, 1>(most, most));
        (
            i32x4_extract_lane::<0>(least).min(i32x4_extract_lane::<1>(least)),
            i32x4_extract_lane::<0>(most).max(i32x4_extract_lane::<1>(most)),
        )
    }

    pub fn blend(bytes: &mut [u8], round: u8) {
        let more = u8x16_splat(round % 32);
        for part in bytes.chunks_exact_mut(16) {
            // SAFETY: 16 bytes.
            let old = unsafe { v128_load(part.as_ptr().cast()) };
            let half = v128_and(u8x16_shr(old, 1), u8x16_splat(0x7f));
            let new = u8x16_add_sat(u8x16_avgr(old, half), u8x16_sub_sat(more, half));
            // SAFETY: 16 bytes.
            unsafe { v128_store(part.as_mut_ptr().cast(), v128_xor(new, u8x16_splat(round))) };
        }
    }

    /// Turns every 16 bytes around.
    pub fn reverse(bytes: &mut [u8]) {
        for part in bytes.chunks_exact_mut(16) {
            // SAFETY: 16 bytes.
            let old = unsafe { v128_load(part.as_ptr().cast()) };
            let new =
                i8x16_swizzle(old, i8x16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
            // SAFETY: 16 bytes.
            unsafe { v128_store(part.as_mut_ptr().cast(), new) };
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod kernels {
    pub fn product(left: &[f32], right: &[f32]) -> f32 {
        let mut sums = [0.0; 4];
        for (left, right) in left.chunks_exact(4).zip(right.chunks_exact(4)) {
            for lane in 0..4 {
                sums[lane] += left[lane] * right[lane];
            }
        }
        sums[0] + sums[1] + sums[2] + sums[3]
    }

    pub fn count(bytes: &[u8], wanted: u8) -> u64 {
        bytes.iter().filter(|&&byte| byte == wanted).count() as u64
    }

    pub fn bounds(numbers: &[i32], mixed: i32) -> (i32, i32) {
        let numbers = || numbers.iter().map(|number| number ^ mixed << 20);
        (numbers().min().unwrap_or(i32::MAX), numbers().max().unwrap_or(i32::MIN))
    }

    pub fn blend(bytes: &mut [u8], round: u8) {
        for byte in bytes {
            let half = *byte >> 1;
            let average = (u16::from(*byte) + u16::from(half)).div_ceil(2) as u8;
            *byte = average.saturating_add((round % 32).saturating_sub(half)) ^ round;
        }
    }

    pub fn reverse(bytes: &mut [u8]) {
        bytes.chunks_exact_mut(16).for_each(|part| part.reverse());
    }
}
