//! Which bytes of a function's code are no instructions.
//!
//! ```text
//!   movups xmm0, [rip+c] ─────────────────────────────────┐
//!   lea rax, [rip+t] ─────────────┐                       │
//!   movsxd rcx, [rax+rcx*4]       ▼                       ▼
//!   code      jmp rcx │ t: 4 bytes for each target │ code │ padding │ c: 16 bytes
//! ```
//!
//! Nothing says so but the code itself: what an instruction reads relative to itself inside of the
//! function is data of that size, and what it takes the address of is a table of jumps, relative to
//! the table. Code refers to data that comes later, so that one pass finds all of it before it
//! would take it for code.
//!
//! A table ends before the first of its own targets behind it, since nothing else comes between; or
//! where other data begins.
#![forbid(unsafe_code)]

use std::{collections::BTreeMap, ops::Range};

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic};

/// What is padded with, before data.
const PADDING: [u8; 3] = [0x00, 0x90, 0xcc];

/// Data is aligned to this at most.
const ALIGNMENT: usize = 16;

/// Bytes of an entry in a table of jumps.
const ENTRY: usize = 4;

/// Something that an instruction refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Referred {
    Constant { bytes: usize },
    Table,
}

/// The bytes that are no instructions: disjoint, sorted.
pub(super) fn ranges(code: &[u8]) -> Vec<Range<usize>> {
    let mut referred = BTreeMap::<usize, Referred>::new();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < code.len() {
        // A table without a valid entry is none, but an address for another purpose.
        if let Some(range) = data_at(code, at, &referred).filter(|range| !range.is_empty()) {
            at = range.end;
            match ranges.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => ranges.push(range),
            }
            continue;
        }
        let mut decoder = Decoder::with_ip(64, &code[at..], at as u64, DecoderOptions::NONE);
        let instruction = decoder.decode();
        if instruction.code() == Code::INVALID {
            at += 1;
            continue;
        }
        if let Some((target, what)) = reference(&instruction)
            && target < code.len()
        {
            let known = referred.entry(target).or_insert(what);
            *known = larger(*known, what);
        }
        at = instruction.next_ip() as usize;
    }
    ranges
}

/// What an instruction refers to relative to itself.
fn reference(instruction: &Instruction) -> Option<(usize, Referred)> {
    if !instruction.is_ip_rel_memory_operand() {
        return None;
    }
    let target = usize::try_from(instruction.ip_rel_memory_address()).ok()?;
    let what = match instruction.mnemonic() {
        Mnemonic::Lea => Referred::Table,
        _ => Referred::Constant { bytes: instruction.memory_size().size().max(1) },
    };
    Some((target, what))
}

fn larger(one: Referred, other: Referred) -> Referred {
    match (one, other) {
        (Referred::Constant { bytes }, Referred::Constant { bytes: others }) => {
            Referred::Constant { bytes: bytes.max(others) }
        }
        (Referred::Table, _) | (_, Referred::Table) => Referred::Table,
    }
}

/// The data that begins there, or the padding before it.
fn data_at(code: &[u8], at: usize, referred: &BTreeMap<usize, Referred>) -> Option<Range<usize>> {
    let next = referred.range(at + 1..).next().map_or(code.len(), |(&next, _)| next);
    match referred.get(&at) {
        Some(&Referred::Constant { bytes }) => Some(at..(at + bytes).min(next)),
        Some(Referred::Table) => Some(at..table_end(code, at, next)),
        None => {
            let distance = next - at;
            let is_padding = next < code.len()
                && distance < ALIGNMENT
                && code[at..next].iter().all(|byte| PADDING.contains(byte));
            is_padding.then_some(at..next)
        }
    }
}

/// Where a table ends that begins at `table`, and before `limit`.
fn table_end(code: &[u8], table: usize, limit: usize) -> usize {
    let mut limit = limit;
    let mut end = table;
    while end + ENTRY <= limit
        && let Some(entry) = code[end..].first_chunk::<ENTRY>()
        && let Some(target) = table.checked_add_signed(i32::from_le_bytes(*entry) as isize)
        && target < code.len()
    {
        end += ENTRY;
        if table < target {
            limit = limit.min(target);
        }
    }
    end
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is one range")]
mod tests {
    use super::*;

    #[test]
    fn constants_and_the_padding_before_them() {
        let mut code = vec![0x0f, 0x28, 0x05, 9, 0, 0, 0]; // movaps xmm0, [rip+9]
        code.push(0xc3); // ret
        code.resize(16, 0); // padding
        code.extend([7; 16]);
        assert_eq!(ranges(&code), [8..32]);
    }

    #[test]
    fn a_table_in_the_middle_ends_at_its_first_target() {
        let mut code = vec![0x48, 0x8d, 0x05, 2, 0, 0, 0]; // lea rax, [rip+2]
        code.extend([0xff, 0xe0]); // jmp rax
        for target in [13_i32, 12, -9] {
            code.extend(target.to_le_bytes());
        }
        code.extend([0x90, 0xc3]); // targets: nop; ret
        assert_eq!(ranges(&code), [9..21]);
    }

    #[test]
    fn code_without_data_has_none() {
        assert!(ranges(&[]).is_empty());
        // call [rip+0x1000]: a cell, far away; ret
        assert!(ranges(&[0xff, 0x15, 0, 0x10, 0, 0, 0xc3]).is_empty());
        // Nothing refers to what may be padding.
        assert!(ranges(&[0xc3, 0, 0]).is_empty());
    }

    #[test]
    fn whatever_the_bytes_are_ranges_are_sorted() {
        let mut state = 1_u32;
        for length in 0..300_usize {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            let mut code: Vec<u8> = (0..length).map(|_| next()).collect();
            for at in (0..length.saturating_sub(7)).step_by(40) {
                code[at..at + 7].copy_from_slice(&[0x48, 0x8d, 0x05, next() % 64, 0, 0, 0]);
            }
            let ranges = ranges(&code);
            assert!(ranges.iter().all(|range| !range.is_empty()));
            assert!(ranges.is_sorted_by(|a, b| a.end <= b.start), "{ranges:?}");
            assert!(ranges.last().is_none_or(|last| last.end <= code.len()));
        }
    }
}
