//! Addresses in linear memories, and the checks they need.
//!
//! ```text
//!  guard pages   base ──► │ memory │ no access ... │   4 GiB + 32 MiB + 64 KiB
//!                any 32-bit index plus a small offset stays inside: no check
//!
//!  otherwise     index + offset + size <= length, in 64 bits, where nothing overflows
//! ```

use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use tierup_abi::{GUARD_OFFSET, InstanceMemory, MemoryMode, MemoryRecord, TrapKind};
use tierup_wasm::MemoryIndex;
use wasmparser::{MemArg, MemArgTarget};

use super::{Translated, Translator, environment::Region};

/// The address of an access, in the form that a load or store takes.
#[derive(Clone, Copy)]
pub(super) struct Address {
    pub(super) base: Value,
    pub(super) offset: i32,
}

impl Translator<'_> {
    /// Pops an index and makes the address of an access of `size` bytes.
    pub(super) fn pop_address(&mut self, access: &MemArg, size: u64) -> Translated<Address> {
        let index = self.pop_i32()?;
        let memory = self.memory_of(access)?;
        let index = self.extend_index(index);
        let guarded = self.environment.memory_mode == MemoryMode::Guard;
        let unchecked = guarded && access.offset < GUARD_OFFSET;
        if !unchecked {
            self.check_access(memory, index, access.offset.saturating_add(size));
        }
        let base = self.memory_base(memory);
        let base = self.builder.ins().iadd(base, index);
        match i32::try_from(access.offset) {
            Ok(offset) => Ok(Address { base, offset }),
            Err(_) => {
                let offset = self.builder.ins().iconst(types::I64, access.offset as i64);
                Ok(Address { base: self.builder.ins().iadd(base, offset), offset: 0 })
            }
        }
    }

    /// The memory record of a memory of the module.
    pub(super) fn memory_record(&mut self, memory: MemoryIndex) -> Value {
        let offset = self.environment.layout.memory(memory) + InstanceMemory::RECORD;
        self.instance_pointer(offset)
    }

    /// A memory's length in bytes.
    pub(super) fn memory_length(&mut self, memory: MemoryIndex) -> Value {
        let record = self.memory_record(memory);
        self.region_load(types::I64, Region::MemoryRecords, record, MemoryRecord::BYTE_LENGTH)
    }

    /// The memory of that index, if there is one.
    pub(super) fn memory(&self, index: u32) -> Translated<MemoryIndex> {
        if (index as usize) < self.environment.module.memories.len() {
            return Ok(MemoryIndex(index));
        }
        Err(self.invalid("an unknown memory"))
    }

    fn memory_of(&self, access: &MemArg) -> Translated<MemoryIndex> {
        match access.target {
            MemArgTarget::Memory(index) => self.memory(index),
            MemArgTarget::Array(_) => Err(self.unsupported("an access to an array")),
        }
    }

    fn memory_base(&mut self, memory: MemoryIndex) -> Value {
        match self.environment.memory_mode {
            MemoryMode::Guard => {
                let offset = self.environment.layout.memory(memory) + InstanceMemory::BASE;
                self.instance_pointer(offset)
            }
            MemoryMode::Explicit => {
                let record = self.memory_record(memory);
                self.region_load(types::I64, Region::MemoryRecords, record, MemoryRecord::BASE)
            }
        }
    }

    /// Traps unless `index + span` is at most the memory's length. Neither is above 33 bits.
    fn check_access(&mut self, memory: MemoryIndex, index: Value, span: u64) {
        let length = self.memory_length(memory);
        let end = self.builder.ins().iadd_imm_s(index, span as i64);
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length);
        self.trap_if(outside, TrapKind::MemoryOutOfBounds);
    }
}
