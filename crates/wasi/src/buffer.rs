//! Standard streams that are memory of the host: a given input, a collected output.

use std::io::{IoSlice, IoSliceMut};

use sync::{Arc, Mutex, Rank};

use crate::Errno;

/// Bytes for the program to read.
#[derive(Debug)]
pub(crate) struct InputBuffer {
    bytes: Vec<u8>,
    position: usize,
}

impl InputBuffer {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, position: 0 }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Fills `slices` in turn and says how many bytes there were.
    pub(crate) fn read(&mut self, slices: &mut [IoSliceMut<'_>]) -> usize {
        let before = self.position;
        for slice in slices {
            let length = slice.len().min(self.remaining());
            slice[..length].copy_from_slice(&self.bytes[self.position..][..length]);
            self.position += length;
        }
        self.position - before
    }
}

/// Collects what a program writes to one of its standard streams.
///
/// A clone is another handle to the same bytes: give one to the builder and keep one.
///
/// ```
/// use tierup_wasi::{OutputBuffer, Stdout, WasiContext};
///
/// # fn main() -> Result<(), tierup_wasi::BuildError> {
/// let output = OutputBuffer::new(1 << 20);
/// let context = WasiContext::builder().stdout(Stdout::Buffer(output.clone())).build()?;
/// // ... run the program ...
/// assert_eq!(output.contents(), b"");
/// # drop(context);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OutputBuffer {
    state: Arc<Mutex<Collected>>,
}

#[derive(Debug)]
struct Collected {
    bytes: Vec<u8>,
    limit: usize,
}

impl OutputBuffer {
    /// An empty buffer. A program that writes more than `limit` bytes gets an error, as on a full
    /// disk.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let collected = Collected { bytes: Vec::new(), limit };
        Self { state: Arc::new(Mutex::new(Rank::StandardStream, collected)) }
    }

    /// A copy of what was written so far.
    #[must_use]
    pub fn contents(&self) -> Vec<u8> {
        self.state.lock().bytes.clone()
    }

    /// Takes what was written so far, which makes room.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.state.lock().bytes)
    }

    /// Appends `slices` as far as there is room.
    pub(crate) fn write(&self, slices: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let mut state = self.state.lock();
        let mut written = 0;
        for slice in slices {
            let room = state.limit - state.bytes.len();
            let length = slice.len().min(room);
            state.bytes.extend_from_slice(&slice[..length]);
            written += length;
        }
        if written == 0 && slices.iter().any(|slice| !slice.is_empty()) {
            return Err(Errno::Nospc);
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_stops_at_its_limit() {
        let output = OutputBuffer::new(5);
        let abc = IoSlice::new(b"abc");
        assert_eq!(output.write(&[abc, abc]), Ok(5));
        assert_eq!(output.write(&[abc]), Err(Errno::Nospc));
        assert_eq!(output.write(&[IoSlice::new(b"")]), Ok(0));
        assert_eq!(output.take(), b"abcab");
        assert_eq!(output.write(&[abc]), Ok(3));
        assert_eq!(output.contents(), b"abc");
    }

    #[test]
    fn input_ends() {
        let mut input = InputBuffer::new(b"abcdef".to_vec());
        let (mut one, mut two) = ([0; 4], [0; 4]);
        let mut slices = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        assert_eq!(input.read(&mut slices), 6);
        assert_eq!((&one, &two), (b"abcd", b"ef\0\0"));
        assert_eq!(input.read(&mut [IoSliceMut::new(&mut one)]), 0);
    }
}
