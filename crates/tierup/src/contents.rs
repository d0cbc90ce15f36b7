//! The hash of a module's bytes, by which equal modules are found.
//!
//! BLAKE3 hashes a tree, whose subtrees are independent of each other:
//!
//! ```text
//!   bytes    │ piece │ piece │ piece │ piece │ rest │
//!              ╰──┬──╯       ╰──┬──╯            │        each thread has some pieces side by side,
//!                 ╰──────┬──────╯               │
//!                        ╰──────────┬───────────╯        what is above them is little work
//! ```
#![forbid(unsafe_code)]

use std::{num::NonZeroUsize, panic::resume_unwind, thread};

use blake3::{
    Hasher, OUT_LEN,
    hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root},
};

/// What is made of the bytes.
pub(crate) type Hash = [u8; OUT_LEN];

/// Bytes of a subtree, a power of two: a third of a millisecond of work.
const PIECE: usize = 1 << 20;

/// Fewer pieces are not worth a thread more.
const LEAST_PIECES: usize = 3;

/// A cryptographic hash of `bytes`, made by up to `threads` threads, the calling one among them.
pub(crate) fn hash(bytes: &[u8], threads: NonZeroUsize) -> Hash {
    let threads = threads.get().min(bytes.len() / (LEAST_PIECES * PIECE));
    if threads < 2 {
        return blake3::hash(bytes).into();
    }
    let pieces = pieces(bytes, threads);
    let (left, right) = halves(&pieces);
    merge_subtrees_root(&merge(left), &merge(right), Mode::Hash).into()
}

/// The values of all pieces, in order.
fn pieces(bytes: &[u8], threads: usize) -> Vec<ChainingValue> {
    let share = bytes.len().div_ceil(threads).next_multiple_of(PIECE);
    let part = |start: usize| {
        let part = &bytes[start..bytes.len().min(start + share)];
        let values = (start..).step_by(PIECE).zip(part.chunks(PIECE));
        values.map(|(start, piece)| piece_value(start, piece)).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let part = &part;
        let start =
            |start| (start, thread::Builder::new().spawn_scoped(scope, move || part(start)));
        let others: Vec<_> = (share..bytes.len()).step_by(share).map(start).collect();
        let mut values = part(0);
        for (start, other) in others {
            values.extend(match other {
                Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // The system has no thread for us.
                Err(_) => part(start),
            });
        }
        values
    })
}

fn piece_value(start: usize, piece: &[u8]) -> ChainingValue {
    Hasher::new().set_input_offset(start as u64).update(piece).finalize_non_root()
}

/// The value of the subtree over some pieces.
fn merge(values: &[ChainingValue]) -> ChainingValue {
    match values {
        [value] => *value,
        _ => {
            let (left, right) = halves(values);
            merge_subtrees_non_root(&merge(left), &merge(right), Mode::Hash)
        }
    }
}

/// Of two or more pieces, those below the left child, which are a power of two, and the others.
fn halves(values: &[ChainingValue]) -> (&[ChainingValue], &[ChainingValue]) {
    values.split_at(values.len().next_power_of_two() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_do_not_change_it() {
        let bytes: Vec<u8> = (0..9 * PIECE + 17).map(|place| (place % 251) as u8).collect();
        let piece = PIECE;
        for length in [0, 1, piece, 6 * piece - 1, 6 * piece, 7 * piece, 8 * piece, 9 * piece + 17]
        {
            let bytes = &bytes[..length];
            let expected: Hash = blake3::hash(bytes).into();
            for threads in 1..5 {
                assert_eq!(hash(bytes, NonZeroUsize::new(threads).unwrap()), expected, "{length}");
            }
        }
    }
}
