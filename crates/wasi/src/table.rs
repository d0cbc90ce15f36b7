//! The table of open descriptors.
//!
//! Numbers are given out as POSIX does, lowest first, so the table is never longer than the most
//! descriptors that were open at once, and never longer than its limit. A descriptor is owned by
//! its slot: closing, replacing and dropping the table all close the host's handle.

use std::collections::BTreeSet;

use crate::{Errno, descriptor::Descriptor, types::Fd};

/// Open descriptors by number.
#[derive(Debug)]
pub(crate) struct Table {
    slots: Vec<Option<Descriptor>>,
    /// The numbers below `slots.len()` that are not in use.
    free: BTreeSet<u32>,
    limit: u32,
}

impl Table {
    /// An empty table with room for `limit` descriptors.
    pub(crate) fn new(limit: u32) -> Self {
        Self { slots: Vec::new(), free: BTreeSet::new(), limit }
    }

    pub(crate) fn get(&self, fd: Fd) -> Result<&Descriptor, Errno> {
        self.slots.get(fd.0 as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    pub(crate) fn get_mut(&mut self, fd: Fd) -> Result<&mut Descriptor, Errno> {
        self.slots.get_mut(fd.0 as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// Fails if there is no room. Asked before anything is created for a new descriptor.
    pub(crate) fn check_room(&self) -> Result<(), Errno> {
        let full = self.free.is_empty() && self.slots.len() >= self.limit as usize;
        if full { Err(Errno::Mfile) } else { Ok(()) }
    }

    /// Adds a descriptor under the lowest free number.
    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Result<Fd, Errno> {
        self.check_room()?;
        if let Some(number) = self.free.pop_first() {
            self.slots[number as usize] = Some(descriptor);
            return Ok(Fd(number));
        }
        let number = self.slots.len() as u32;
        self.slots.push(Some(descriptor));
        Ok(Fd(number))
    }

    /// Takes a descriptor out.
    pub(crate) fn remove(&mut self, fd: Fd) -> Result<Descriptor, Errno> {
        let slot = self.slots.get_mut(fd.0 as usize).ok_or(Errno::Badf)?;
        let descriptor = slot.take().ok_or(Errno::Badf)?;
        self.free.insert(fd.0);
        Ok(descriptor)
    }

    /// Moves `from` to the number `to`, whose descriptor is closed. Both must be open: a program
    /// cannot claim a number that nothing gave to it, and the table cannot grow here.
    pub(crate) fn renumber(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        self.get(from)?;
        self.get(to)?;
        if from != to {
            let descriptor = self.remove(from)?;
            *self.get_mut(to)? = descriptor;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{descriptor::Object, rights::Rights};

    fn descriptor() -> Descriptor {
        Descriptor::stream(Object::Null, Rights::ALL).unwrap()
    }

    #[test]
    fn numbers_are_lowest_first_and_limited() {
        let mut table = Table::new(3);
        for number in 0..3 {
            assert_eq!(table.insert(descriptor()), Ok(Fd(number)));
        }
        assert_eq!(table.insert(descriptor()), Err(Errno::Mfile));
        table.remove(Fd(2)).unwrap();
        table.remove(Fd(0)).unwrap();
        assert_eq!(table.remove(Fd(0)).unwrap_err(), Errno::Badf);
        assert_eq!(table.insert(descriptor()), Ok(Fd(0)));
        assert_eq!(table.insert(descriptor()), Ok(Fd(2)));
        assert_eq!(table.check_room(), Err(Errno::Mfile));
    }

    #[test]
    fn renumbering_frees_one_number() {
        let mut table = Table::new(8);
        for _ in 0..3 {
            table.insert(descriptor()).unwrap();
        }
        for (from, to) in [(9, 0), (0, 9), (u32::MAX, 0), (0, u32::MAX)] {
            assert_eq!(table.renumber(Fd(from), Fd(to)), Err(Errno::Badf));
        }
        assert_eq!(table.renumber(Fd(1), Fd(1)), Ok(()));
        assert_eq!(table.open(), 3);
        assert_eq!(table.renumber(Fd(0), Fd(2)), Ok(()));
        assert_eq!(table.open(), 2);
        assert!(table.get(Fd(0)).is_err());
        assert_eq!(table.insert(descriptor()), Ok(Fd(0)));
    }
}
