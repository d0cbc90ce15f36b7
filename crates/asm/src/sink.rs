//! The buffer that encodings are appended to.

use cranelift_assembler_x64::{CodeSink, DeferredTarget, KnownOffset, TrapCode};

/// Collects bytes. Operands are physical registers and plain offsets, so the deferred kinds that
/// Cranelift's assembler also knows cannot occur.
#[derive(Debug, Default)]
pub(crate) struct Sink(pub(crate) Vec<u8>);

impl CodeSink for Sink {
    fn put1(&mut self, value: u8) {
        self.0.push(value);
    }

    fn put2(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn put4(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn put8(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn add_trap(&mut self, _: TrapCode) {}

    fn use_target(&mut self, target: DeferredTarget) {
        unreachable!("no operand of ours has a deferred target: {target:?}");
    }

    fn known_offset(&self, offset: KnownOffset) -> i32 {
        unreachable!("no operand of ours has a known offset: {offset:?}");
    }
}
