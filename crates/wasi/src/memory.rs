//! The program's memory, as WASI calls see it.
//!
//! Everything that a program passes as an address or a length goes through this file: numbers are
//! added in 64 bits, compared with the size of the memory, and only then become a slice. A wild
//! pointer is [`Errno::Fault`], whatever it points at; nothing here allocates by a length that the
//! program chose, except for lists that are cut at a fixed number of entries.
//!
//! ```text
//!   Region { start, length }        bytes
//!   List   { start, count }         records: buffers of `fd_read`, subscriptions of `poll_oneoff`
//!   Pointer(start)                  one value of known size
//! ```

use std::{
    io::{IoSlice, IoSliceMut},
    ops::Range,
};

use crate::{Errno, types::Plain};

/// Most buffers that one call fills or writes. The rest is left for the next call, as after
/// any short read or write; it is also what the host's calls take at once.
pub(crate) const MAX_BUFFERS: u32 = 1024;

/// Most bytes that one call reads or writes, as on Linux. The sum of the lengths of buffers fits
/// in 32 bits because of it, even if they all lie in the same place.
pub(crate) const MAX_TRANSFER: u32 = 0x7fff_f000;

/// Address of one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pointer(pub(crate) u32);

/// Address and number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Region {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

impl Region {
    pub(crate) fn new(start: u32, length: u32) -> Self {
        Self { start, length }
    }
}

/// Address and number of records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct List {
    pub(crate) start: u32,
    pub(crate) count: u32,
}

impl List {
    pub(crate) fn new(start: u32, count: u32) -> Self {
        Self { start, count }
    }
}

/// The memory of the program that makes a call.
#[derive(Debug)]
pub(crate) struct GuestMemory<'m> {
    bytes: &'m mut [u8],
}

impl<'m> GuestMemory<'m> {
    pub(crate) fn new(bytes: &'m mut [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes of `region`.
    pub(crate) fn read(&self, region: Region) -> Result<&[u8], Errno> {
        let range = self.range(region)?;
        Ok(&self.bytes[range])
    }

    /// The bytes of `region`, to be written.
    pub(crate) fn write(&mut self, region: Region) -> Result<&mut [u8], Errno> {
        let range = self.range(region)?;
        Ok(&mut self.bytes[range])
    }

    /// The `N` bytes at `offset` after the start of a list or record.
    pub(crate) fn load<const N: usize>(&self, start: u32, offset: u64) -> Result<[u8; N], Errno> {
        let start = u64::from(start) + offset;
        let range = self.checked(start, N as u64)?;
        let mut value = [0; N];
        value.copy_from_slice(&self.bytes[range]);
        Ok(value)
    }

    /// Is there room for `size` bytes?
    pub(crate) fn check(&self, pointer: Pointer, size: u32) -> Result<(), Errno> {
        self.range(Region::new(pointer.0, size)).map(|_| ())
    }

    /// Is there room for that many records of `size` bytes?
    pub(crate) fn check_list(&self, list: List, size: u32) -> Result<(), Errno> {
        let length = u64::from(list.count) * u64::from(size);
        self.checked(u64::from(list.start), length).map(|_| ())
    }

    /// Writes one value.
    pub(crate) fn store(&mut self, pointer: Pointer, value: &impl Plain) -> Result<(), Errno> {
        self.store_at(pointer.0, 0, value)
    }

    /// Writes one value at `offset` after the start of a list.
    pub(crate) fn store_at<V: Plain>(
        &mut self,
        start: u32,
        offset: u64,
        value: &V,
    ) -> Result<(), Errno> {
        let range = self.checked(u64::from(start) + offset, u64::from(V::SIZE))?;
        let bytes = &mut self.bytes[range];
        bytes.fill(0);
        value.write(bytes);
        Ok(())
    }

    /// The buffers that a list of addresses and lengths names, all within the memory; at most
    /// [`MAX_BUFFERS`] with [`MAX_TRANSFER`] bytes.
    pub(crate) fn buffers(&self, list: List) -> Result<Vec<Region>, Errno> {
        self.check_list(list, BUFFER_SIZE)?;
        let mut room = MAX_TRANSFER;
        (0..list.count.min(MAX_BUFFERS))
            .map(|index| {
                let offset = u64::from(index) * u64::from(BUFFER_SIZE);
                let start = u32::from_le_bytes(self.load(list.start, offset)?);
                let length = u32::from_le_bytes(self.load(list.start, offset + 4)?);
                self.range(Region::new(start, length))?;
                let length = length.min(room);
                room -= length;
                Ok(Region::new(start, length))
            })
            .collect()
    }

    /// `regions` for the host to read from.
    pub(crate) fn gather(&self, regions: &[Region]) -> Result<Vec<IoSlice<'_>>, Errno> {
        regions.iter().map(|region| self.read(*region).map(IoSlice::new)).collect()
    }

    /// `regions` for the host to write to, without the empty ones. If any overlap, only the first:
    /// what is read into one would be overwritten by the next, and a short read is always right.
    pub(crate) fn scatter(&mut self, regions: &[Region]) -> Result<Vec<IoSliceMut<'_>>, Errno> {
        let ranges: Vec<_> =
            regions.iter().map(|region| self.range(*region)).collect::<Result<_, _>>()?;
        let ranges: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        let mut order: Vec<_> = (0..ranges.len()).collect();
        order.sort_unstable_by_key(|&index| ranges[index].start);
        if order.windows(2).any(|pair| ranges[pair[0]].end > ranges[pair[1]].start) {
            let first = ranges[0].clone();
            return Ok(vec![IoSliceMut::new(&mut self.bytes[first])]);
        }
        Ok(split(self.bytes, &ranges, &order))
    }

    fn range(&self, region: Region) -> Result<Range<usize>, Errno> {
        self.checked(u64::from(region.start), u64::from(region.length))
    }

    /// The one place where numbers of the program become indexes.
    fn checked(&self, start: u64, length: u64) -> Result<Range<usize>, Errno> {
        let end = start.checked_add(length).ok_or(Errno::Fault)?;
        if end > self.bytes.len() as u64 {
            return Err(Errno::Fault);
        }
        Ok(start as usize..end as usize)
    }
}

/// Bytes of an address and a length.
const BUFFER_SIZE: u32 = 8;

/// Cuts `bytes` into `ranges`, which are disjoint, and ascending when taken in `order`.
fn split<'b>(bytes: &'b mut [u8], ranges: &[Range<usize>], order: &[usize]) -> Vec<IoSliceMut<'b>> {
    let mut slices: Vec<_> = ranges.iter().map(|_| IoSliceMut::new(&mut [])).collect();
    let (mut rest, mut position) = (bytes, 0);
    for &index in order {
        let range = &ranges[index];
        let (_, tail) = std::mem::take(&mut rest).split_at_mut(range.start - position);
        let (slice, tail) = tail.split_at_mut(range.len());
        slices[index] = IoSliceMut::new(slice);
        (rest, position) = (tail, range.end);
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_end_with_the_memory() {
        let mut bytes = [0; 16];
        let mut memory = GuestMemory::new(&mut bytes);
        assert_eq!(memory.read(Region::new(16, 0)).unwrap().len(), 0);
        assert_eq!(memory.read(Region::new(8, 8)).unwrap().len(), 8);
        for (start, length) in [(17, 0), (16, 1), (u32::MAX, u32::MAX), (0, 17), (u32::MAX, 1)] {
            assert_eq!(memory.read(Region::new(start, length)), Err(Errno::Fault));
            assert!(memory.write(Region::new(start, length)).is_err());
        }
        assert_eq!(memory.store(Pointer(13), &1u32), Err(Errno::Fault));
        assert_eq!(memory.store(Pointer(12), &0x0102_0304_u32), Ok(()));
        assert_eq!(memory.load::<4>(12, 0), Ok([4, 3, 2, 1]));
        assert_eq!(memory.load::<4>(u32::MAX, 0), Err(Errno::Fault));
    }

    #[test]
    fn lists_do_not_overflow() {
        let mut bytes = [0; 64];
        let memory = GuestMemory::new(&mut bytes);
        assert_eq!(memory.check_list(List::new(0, u32::MAX), u32::MAX), Err(Errno::Fault));
        assert_eq!(memory.buffers(List::new(0, 9)), Err(Errno::Fault));
        assert_eq!(memory.buffers(List::new(0, 8)).unwrap().len(), 8);
    }

    #[test]
    fn many_buffers_are_cut() {
        let mut bytes = vec![0; 65536];
        let memory = GuestMemory::new(&mut bytes);
        assert_eq!(memory.buffers(List::new(0, 8000)).unwrap().len(), MAX_BUFFERS as usize);
    }

    #[test]
    fn buffers_keep_their_order_wherever_they_lie() {
        let mut bytes: Vec<u8> = (0..32).collect();
        let mut memory = GuestMemory::new(&mut bytes);
        let regions = [Region::new(20, 4), Region::new(9, 0), Region::new(2, 3), Region::new(5, 1)];
        let mut slices = memory.scatter(&regions).unwrap();
        assert_eq!(slices.len(), 3);
        assert_eq!(&*slices[0], [20, 21, 22, 23]);
        assert_eq!(&*slices[1], [2, 3, 4]);
        assert_eq!(&*slices[2], [5]);
        slices[2][0] = 99;
        assert_eq!(bytes[5], 99);
    }

    #[test]
    fn of_overlapping_buffers_only_the_first_is_filled() {
        let mut bytes = [0; 32];
        let mut memory = GuestMemory::new(&mut bytes);
        let regions = [Region::new(0, 0), Region::new(8, 8), Region::new(4, 5)];
        let slices = memory.scatter(&regions).unwrap();
        assert_eq!(slices.len(), 1);
        assert_eq!(slices[0].len(), 8);
    }
}
