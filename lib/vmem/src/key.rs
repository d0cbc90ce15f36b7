//! The protection key of code: a right to write that each thread switches for itself.
//!
//! ```text
//!   two bits of the thread's rights, for our key
//!   -1   no access     threads that do not descend from the one which allocated the key
//!   10   read          every thread in code, since code has constants in it
//!   00   read, write   inside a window, one thread
//! ```
//!
//! Executing asks for no right. The kernel starts a signal handler without any right to keyed
//! memory, and gives the interrupted code its own back: a handler must not read code.
//!
//! * [KEY-ONE] a process has one key, allocated at the first use and never freed: there are 15.
//! * [KEY-SEALED] a thread that is not inside a [`WriteWindow`] has no right to write, if it ever
//!   came through [`make_code_readable`] or allocated the key: both take it away.
#![forbid(unsafe_code)]

use std::{
    marker::PhantomData,
    sync::OnceLock,
    // A static of the process: loom's atomics cannot be in statics.
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{ErrorKind, Result, arch, sys};

/// Lets this thread read code: constants and tables lie in it.
///
/// Needed before a thread enters code, or goes back into it from code of others that may change
/// its rights, whatever the strategy. Costs one load unless protection keys are in use.
#[inline]
pub fn make_code_readable() {
    let number = NUMBER.load(Ordering::Relaxed);
    if number != NONE {
        ProtectionKey { number }.seal();
    }
}

/// The key of code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProtectionKey {
    number: u32,
}

impl ProtectionKey {
    /// [KEY-ONE]
    ///
    /// # Errors
    ///
    /// If the processor or the kernel has no keys, or none is left.
    pub(crate) fn get() -> Result<Self> {
        static KEY: OnceLock<ProtectionKey> = OnceLock::new();
        if let Some(key) = KEY.get() {
            return Ok(*key);
        }
        let refused = |reason| ErrorKind::NoProtectionKeys { reason };
        if !arch::has_protection_keys() {
            return Err(refused("the processor or the kernel has none").into());
        }
        if !keeps_rights(&sys::release()) {
            return Err(refused("this kernel loses a thread's rights").into());
        }
        let fresh = Self { number: sys::allocate_key()? };
        let key = *KEY.get_or_init(|| fresh);
        if key.number != fresh.number {
            // Another thread was first.
            sys::free_key(fresh.number);
        }
        // After this every entry looks at its rights.
        NUMBER.store(key.number, Ordering::Relaxed);
        key.seal();
        Ok(key)
    }

    /// As the kernel calls it.
    pub(crate) fn number(self) -> u32 {
        self.number
    }

    /// Lets this thread write until the window is dropped.
    pub(crate) fn open(self) -> WriteWindow {
        let before = arch::rights();
        arch::set_rights(before & !self.bits(NO_ACCESS | NO_WRITE));
        WriteWindow { closed: self.sealed(before), not_send: PhantomData }
    }

    /// [KEY-SEALED]
    #[cold]
    fn seal(self) {
        let rights = arch::rights();
        let sealed = self.sealed(rights);
        // Writing takes ten times as long as reading.
        if rights != sealed {
            arch::set_rights(sealed);
        }
    }

    fn sealed(self, rights: u32) -> u32 {
        rights & !self.bits(NO_ACCESS) | self.bits(NO_WRITE)
    }

    fn bits(self, bits: u32) -> u32 {
        bits << (2 * self.number)
    }
}

/// While it lives, its thread may write code.
#[derive(Debug)]
pub(crate) struct WriteWindow {
    closed: u32,
    /// Rights are the thread's.
    not_send: PhantomData<*const ()>,
}

impl Drop for WriteWindow {
    fn drop(&mut self) {
        arch::set_rights(self.closed);
    }
}

const NO_ACCESS: u32 = 0b01;
const NO_WRITE: u32 = 0b10;

/// No key: the kernel's number of what is not keyed.
const NONE: u32 = 0;

/// The key that is in use, or `NONE`. Memory with a key is made after the key was stored, and
/// threads learn of code in it by what synchronizes with them.
static NUMBER: AtomicU32 = AtomicU32::new(NONE);

/// Does a kernel of this release keep a thread's rights when it switches threads? They could get
/// lost before 5.13; the correction went back to 5.4.182 and 5.10.103.
fn keeps_rights(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|text| text.parse().ok());
    let mut next = || numbers.next().flatten().unwrap_or(0_u32);
    match (next(), next(), next()) {
        (5, 4, patch) => 182 <= patch,
        (5, 10, patch) => 103 <= patch,
        (major, minor, _) => (5, 13) <= (major, minor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        for good in ["5.13.0", "5.15.0-91-generic", "6.1.172-1-cloud", "5.10.103", "5.4.182", "7.0"]
        {
            assert!(keeps_rights(good), "{good}");
        }
        for bad in ["5.12.19", "5.10.102-x", "5.10", "5.4.181", "4.19.300", "5.11.900", "", "x"] {
            assert!(!keeps_rights(bad), "{bad}");
        }
    }

    #[test]
    fn rights_of_one_key_leave_others_alone() {
        let key = ProtectionKey { number: 3 };
        assert_eq!(key.sealed(0x5555_5554), 0x5555_5594);
        assert_eq!(key.sealed(0), 0b10 << 6);
        assert_eq!(key.sealed(0b10 << 6), 0b10 << 6);
    }
}
