//! Lazy entries: where the cells of functions without code lead.
//!
//! ```text
//!   entry i    mov eax, i        b8 i32
//!              jmp tail          e9 rel32
//!   …
//!   tail       jmp [rip]         ff 25 00000000
//!              address of the user's lazy stub, 8 bytes
//! ```
//!
//! eax carries no argument; everything else reaches the stub as the caller left it.
#![forbid(unsafe_code)]

use crate::error::{ErrorKind, Result};

/// Bytes of one entry.
pub(crate) const ENTRY_BYTES: usize = 10;

const TAIL_BYTES: usize = 14;

/// Bytes of the table of that many functions.
pub(crate) fn size(functions: u32) -> usize {
    functions as usize * ENTRY_BYTES + TAIL_BYTES
}

/// Is the jump from the first entry to the tail in reach?
pub(crate) fn check(functions: u32) -> Result<()> {
    match i32::try_from(size(functions)) {
        Ok(_) => Ok(()),
        Err(_) => {
            let available = i32::MAX as usize;
            Err(ErrorKind::TooLarge { wanted: size(functions), available }.into())
        }
    }
}

/// Writes the table for a checked number of functions. `bytes` is at least as large as it.
pub(crate) fn write(bytes: &mut [u8], functions: u32, lazy_stub: usize) {
    let (entries, tail) = bytes.split_at_mut(functions as usize * ENTRY_BYTES);
    let tail_at = entries.len();
    for (function, entry) in entries.chunks_exact_mut(ENTRY_BYTES).enumerate() {
        let next = (function + 1) * ENTRY_BYTES;
        entry[0] = 0xb8;
        entry[1..5].copy_from_slice(&(function as u32).to_le_bytes());
        entry[5] = 0xe9;
        entry[6..].copy_from_slice(&((tail_at - next) as u32).to_le_bytes());
    }
    tail[..6].copy_from_slice(&[0xff, 0x25, 0, 0, 0, 0]);
    tail[6..TAIL_BYTES].copy_from_slice(&lazy_stub.to_le_bytes());
}

/// The function of the entry at that offset of a table of `bytes`.
pub(crate) fn function_at(offset: u32, bytes: u32) -> Option<u32> {
    let is_entry = offset < bytes.checked_sub(TAIL_BYTES as u32)?;
    is_entry.then_some(offset / ENTRY_BYTES as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_entries_and_the_tail() {
        let mut bytes = vec![0xcc; size(2) + 1];
        write(&mut bytes, 2, 0x1122_3344_5566_7788);
        assert_eq!(bytes[..10], [0xb8, 0, 0, 0, 0, 0xe9, 10, 0, 0, 0]);
        assert_eq!(bytes[10..20], [0xb8, 1, 0, 0, 0, 0xe9, 0, 0, 0, 0]);
        assert_eq!(bytes[20..26], [0xff, 0x25, 0, 0, 0, 0]);
        assert_eq!(bytes[26..34], [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
        assert_eq!(bytes[34], 0xcc);
    }

    #[test]
    fn offsets_lead_to_functions() {
        let bytes = size(3) as u32;
        let function = |offset| function_at(offset, bytes);
        assert_eq!([function(0), function(9), function(10)], [Some(0), Some(0), Some(1)]);
        assert_eq!([function(29), function(30), function(43)], [Some(2), None, None]);
    }

    #[test]
    fn a_table_whose_tail_is_out_of_reach_is_refused() {
        assert!(check(214_748_362).is_ok());
        assert!(check(214_748_364).is_err());
    }
}
