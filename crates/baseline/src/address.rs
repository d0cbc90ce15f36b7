//! Addresses in linear memories, and the checks they need.
//!
//! ```text
//!  guard pages   base ──► │ memory │ no access ... │   4 GiB + 32 MiB + 64 KiB
//!                any 32-bit index plus a small offset stays inside: no check
//!
//!  otherwise     index + offset + size <= length, in 64 bits, where nothing overflows
//! ```

use tierup_abi::{GUARD_OFFSET, Gpr, InstanceMemory, MemoryMode, MemoryRecord, TrapKind};
use tierup_asm::{Address, Condition, Operand, Operation, R10, R11, Width};
use tierup_wasm::MemoryIndex;
use wasmparser::{MemArg, MemArgTarget};

use crate::{
    frame::MEMORY_BASE,
    generator::{Generated, Generator, INSTANCE},
    stack::Value,
};

/// The index of an access: in a register, or known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Index {
    Register(Gpr),
    /// The sum of index and offset is known.
    Known(i32),
}

impl Generator<'_> {
    /// Pops the index of an access.
    pub(crate) fn pop_index(&mut self, access: &MemArg) -> Generated<Index> {
        let (ty, index) = self.pop_value()?;
        if let Value::Constant(bits) = index
            && self.is_unchecked(access)
            && let Ok(sum) = i32::try_from(bits + access.offset)
        {
            return Ok(Index::Known(sum));
        }
        Ok(Index::Register(self.readable_gpr(ty, index)))
    }

    /// Gives the register of an index back.
    pub(crate) fn free_index(&mut self, index: Index) {
        if let Index::Register(register) = index {
            self.registers.free_gpr(register);
        }
    }

    /// The operand of an access of `size` bytes. It may use r10 and r11 until it is emitted, which
    /// must follow at once: the access is noted as one that can trap.
    pub(crate) fn address(
        &mut self,
        access: &MemArg,
        index: Index,
        size: u64,
    ) -> Generated<Operand> {
        let memory = self.memory_of(access)?;
        if let Index::Register(register) = index
            && !self.is_unchecked(access)
        {
            self.check_access(memory, register, access.offset.saturating_add(size));
        }
        let base = self.memory_base(memory);
        let operand = match (index, i32::try_from(access.offset)) {
            (Index::Known(offset), _) => Operand::Memory { base, index: None, offset },
            (Index::Register(register), Ok(offset)) => {
                Operand::Memory { base, index: Some((register, 0)), offset }
            }
            (Index::Register(register), Err(_)) => {
                self.asm.load_constant(R10, access.offset);
                self.asm.operate(Operation::ADD, Width::W64, R10, register);
                Operand::Memory { base, index: Some((R10, 0)), offset: 0 }
            }
        };
        self.note_trap(TrapKind::MemoryOutOfBounds);
        Ok(operand)
    }

    /// Leaves a memory's length in bytes in `target`.
    pub(crate) fn load_memory_length(&mut self, memory: MemoryIndex, target: Gpr) {
        self.load_memory_record(memory);
        self.asm.load(Width::W64, target, Address::new(R11, MemoryRecord::BYTE_LENGTH));
    }

    /// The memory of that index, if there is one.
    pub(crate) fn memory(&self, index: u32) -> Generated<MemoryIndex> {
        if (index as usize) < self.environment.module.memories.len() {
            return Ok(MemoryIndex(index));
        }
        Err(self.invalid("an unknown memory"))
    }

    fn is_unchecked(&self, access: &MemArg) -> bool {
        self.environment.memory_mode == MemoryMode::Guard && access.offset < GUARD_OFFSET
    }

    fn memory_of(&self, access: &MemArg) -> Generated<MemoryIndex> {
        match access.target {
            MemArgTarget::Memory(index) => self.memory(index),
            MemArgTarget::Array(_) => Err(self.unsupported("an access to an array")),
        }
    }

    /// Leaves the address of a memory's record in r11.
    fn load_memory_record(&mut self, memory: MemoryIndex) {
        let record = self.environment.layout.memory(memory) + InstanceMemory::RECORD;
        self.asm.load(Width::W64, R11, Address::new(INSTANCE, record));
    }

    fn memory_base(&mut self, memory: MemoryIndex) -> Gpr {
        match self.environment.memory_mode {
            MemoryMode::Guard if memory == MemoryIndex(0) => return MEMORY_BASE,
            MemoryMode::Guard => {
                let base = self.environment.layout.memory(memory) + InstanceMemory::BASE;
                self.asm.load(Width::W64, R11, Address::new(INSTANCE, base));
            }
            MemoryMode::Explicit => {
                self.load_memory_record(memory);
                self.asm.load(Width::W64, R11, Address::new(R11, MemoryRecord::BASE));
            }
        }
        R11
    }

    /// Traps unless `index + span` is at most the memory's length. Neither is above 33 bits.
    fn check_access(&mut self, memory: MemoryIndex, index: Gpr, span: u64) {
        match i32::try_from(span) {
            Ok(offset) => {
                let end = Operand::Memory { base: index, index: None, offset };
                self.asm.operate(Operation::LOAD_ADDRESS, Width::W64, R10, end);
            }
            Err(_) => {
                self.asm.load_constant(R10, span);
                self.asm.operate(Operation::ADD, Width::W64, R10, index);
            }
        }
        self.load_memory_record(memory);
        let length = Address::new(R11, MemoryRecord::BYTE_LENGTH);
        self.asm.operate(Operation::COMPARE, Width::W64, R10, length);
        self.trap_if(Condition::Above, TrapKind::MemoryOutOfBounds);
    }
}
