//! A sorted list of (offset, value) pairs, packed as differences.
//!
//! ```text
//!   count │ checkpoints: offset, value, byte │ bytes: Δoffset Δvalue  Δoffset Δvalue ...
//!           one for every 32 pairs ──────────────►  31 pairs each, 7 bits a byte
//! ```
//!
//! Neighbours in code are close in the source too, so most pairs take two bytes instead of eight.
//! A look-up is a binary search in the checkpoints and at most 31 steps from there; it reads only.

use std::ops::Range;

/// Pairs from one checkpoint to the next.
const STRIDE: usize = 32;
/// Words of a checkpoint.
const CHECKPOINT: usize = 3;

/// Appends the packed form of `pairs` to `words`. Their offsets must not decrease. What `bytes`
/// holds is of no interest before and after.
pub(super) fn pack(
    pairs: impl ExactSizeIterator<Item = (u32, u32)>,
    words: &mut Vec<u32>,
    bytes: &mut Vec<u8>,
) {
    words.push(pairs.len() as u32);
    let mut checkpoint = words.len();
    words.resize(checkpoint + pairs.len().div_ceil(STRIDE) * CHECKPOINT, 0);
    bytes.clear();
    bytes.reserve(2 * pairs.len());
    let (mut last, mut left) = ((0, 0), 0);
    for pair in pairs {
        if left == 0 {
            left = STRIDE;
            let place = &mut words[checkpoint..checkpoint + CHECKPOINT];
            place.copy_from_slice(&[pair.0, pair.1, bytes.len() as u32]);
            checkpoint += CHECKPOINT;
        } else {
            push_pair(pair.0 - last.0, zigzag(pair.1.wrapping_sub(last.1)), bytes);
        }
        left -= 1;
        last = pair;
    }
    let (whole, rest) = bytes.as_chunks::<4>();
    words.extend(whole.iter().map(|&word| u32::from_le_bytes(word)));
    if !rest.is_empty() {
        let mut word = [0; 4];
        word[..rest.len()].copy_from_slice(rest);
        words.push(u32::from_le_bytes(word));
    }
}

/// Nearly all pairs are two bytes, which are appended at once.
#[inline(always)]
fn push_pair(offset: u32, value: u32, bytes: &mut Vec<u8>) {
    if offset | value < 0x80 {
        bytes.extend_from_slice(&[offset as u8, value as u8]);
    } else {
        push(offset, bytes);
        push(value, bytes);
    }
}

/// The last pair whose offset is not above `offset`.
pub(super) fn floor(words: &[u32], offset: u32) -> Option<(u32, u32)> {
    let (&count, words) = words.split_first()?;
    let checkpoints = (count as usize).div_ceil(STRIDE);
    let (checkpoints, bytes) = words.split_at_checked(checkpoints * CHECKPOINT)?;
    let checkpoint = last_at(checkpoints, offset)?;
    let start = checkpoint * CHECKPOINT;
    let &[mut found_offset, mut found_value, byte] =
        checkpoints.get(start..)?.first_chunk::<CHECKPOINT>()?;
    let mut reader = Reader { words: bytes, byte: byte as usize };
    for _ in pairs_after(checkpoint, count as usize) {
        let next = found_offset + reader.number();
        if offset < next {
            break;
        }
        found_offset = next;
        found_value = found_value.wrapping_add(unzigzag(reader.number()));
    }
    Some((found_offset, found_value))
}

/// All pairs, in order.
pub(super) fn pairs(words: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    let (&count, words) = words.split_first().unwrap_or((&0, &[]));
    let checkpoints = (count as usize).div_ceil(STRIDE) * CHECKPOINT;
    let (checkpoints, bytes) = words.split_at_checked(checkpoints).unwrap_or_default();
    let mut reader = Reader { words: bytes, byte: 0 };
    let mut pair = (0, 0_u32);
    (0..count as usize).map(move |index| {
        if index % STRIDE == 0 {
            let checkpoint = &checkpoints[index / STRIDE * CHECKPOINT..];
            pair = (checkpoint[0], checkpoint[1]);
        } else {
            let offset = pair.0 + reader.number();
            pair = (offset, pair.1.wrapping_add(unzigzag(reader.number())));
        }
        pair
    })
}

/// The last checkpoint whose offset is not above `offset`.
fn last_at(checkpoints: &[u32], offset: u32) -> Option<usize> {
    let (mut low, mut high) = (0, checkpoints.len() / CHECKPOINT);
    while low < high {
        let middle = low.midpoint(high);
        if checkpoints[middle * CHECKPOINT] <= offset {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low.checked_sub(1)
}

/// The pairs that are packed behind a checkpoint.
fn pairs_after(checkpoint: usize, count: usize) -> Range<usize> {
    let first = checkpoint * STRIDE;
    first + 1..count.min(first + STRIDE)
}

/// Seven bits a byte, lowest first; the highest bit says that more follow.
fn push(mut number: u32, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

struct Reader<'a> {
    words: &'a [u32],
    byte: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> u32 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let word = self.words.get(self.byte / 4).copied().unwrap_or(0);
            let byte = word.to_le_bytes()[self.byte % 4];
            self.byte += 1;
            number |= u32::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return number;
            }
            shift += 7;
        }
    }
}

/// Small differences of either sign become small numbers.
fn zigzag(difference: u32) -> u32 {
    let signed = difference.cast_signed();
    ((signed << 1) ^ (signed >> 31)).cast_unsigned()
}

fn unzigzag(number: u32) -> u32 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain form of what is packed.
    fn naive(pairs: &[(u32, u32)], offset: u32) -> Option<(u32, u32)> {
        pairs.iter().rfind(|pair| pair.0 <= offset).copied()
    }

    #[test]
    fn every_offset_finds_what_a_plain_list_says() {
        for count in [0, 1, 2, 31, 32, 33, 64, 65, 200] {
            let mut state = 1_u32;
            let mut random = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state >> 8
            };
            let mut offset = 5;
            let pairs: Vec<_> = (0..count)
                .map(|index| {
                    // Equal offsets, small steps, and steps of more than one byte.
                    offset += [0, 1, 3, 7, 300][random() as usize % 5];
                    let value = if index % 7 == 0 { u32::MAX } else { 1000 + random() % 500 };
                    (offset, value)
                })
                .collect();
            let mut words = vec![];
            pack(pairs.iter().copied(), &mut words, &mut vec![]);
            for wanted in 0..offset + 3 {
                assert_eq!(floor(&words, wanted), naive(&pairs, wanted), "{count} {wanted}");
            }
            assert_eq!(floor(&words, u32::MAX), naive(&pairs, u32::MAX));
            assert_eq!(super::pairs(&words).collect::<Vec<_>>(), pairs);
        }
    }

    #[test]
    fn neighbours_take_two_bytes() {
        let pairs = (0..3200).map(|index| (4 * index, 100_000 + 2 * index));
        let mut words = vec![];
        pack(pairs, &mut words, &mut vec![]);
        let bytes = 4 * words.len();
        assert!(bytes < 3200 * 5 / 2, "{bytes} bytes for 3200 pairs");
    }

    #[test]
    fn zigzag_is_reversible() {
        for difference in [0, 1, u32::MAX, 63, 1 << 31, (1_u32 << 31) - 1, 0x8000_0001] {
            assert_eq!(unzigzag(zigzag(difference)), difference);
        }
        assert_eq!((zigzag(0), zigzag(u32::MAX), zigzag(1)), (0, 1, 2));
    }
}
