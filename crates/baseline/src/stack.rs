//! The operand stack: where each operand is now.

use tierup_abi::{Gpr, Xmm};
use tierup_asm::{Address, Condition, Operand, Operation, R11, RBP, Width, vector};
use tierup_wasm::ValType;

use crate::{
    constants::Constant,
    generator::{Generated, Generator, LocalPlace},
    transfer::SCRATCH_XMM,
};

/// Passing more operands than this settles them, so that nothing is passed again and again.
const LONG_WAY: usize = 48;

/// An operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) ty: ValType,
    /// The low end of its slot, in bytes below the first operand.
    pub(crate) end: u32,
    pub(crate) place: Place,
}

/// Where an operand is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Nowhere: its bits are known.
    Constant(u64),
    /// Behind the code: a vector whose bits are known.
    Vector(Constant),
    Gpr(Gpr),
    Xmm(Xmm),
    /// Where the local of that index is.
    Local(u32),
    /// In its own slot of the frame.
    Slot,
    /// 1 if the condition holds, otherwise 0. [BA-FLAGS]
    Flags(Condition),
}

/// An operand that was popped. Its registers, if they are not locals', are still taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Constant(u64),
    Vector(Constant),
    Gpr(Gpr),
    Xmm(Xmm),
    Memory(Address),
    Flags(Condition),
}

impl Entry {
    /// Whether nothing that happens can change its place.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.place, Place::Constant(_) | Place::Vector(_) | Place::Slot)
    }
}

/// Width of a type in general registers and in memory.
pub(crate) fn width(ty: ValType) -> Width {
    match ty {
        ValType::I32 | ValType::F32 | ValType::ExternRef => Width::W32,
        _ => Width::W64,
    }
}

/// Whether values of a type travel in vector registers.
pub(crate) fn uses_xmm(ty: ValType) -> bool {
    matches!(ty, ValType::F32 | ValType::F64 | ValType::V128)
}

/// Bytes in the frame, and their alignment.
pub(crate) fn frame_bytes(ty: ValType) -> u32 {
    if ty == ValType::V128 { 16 } else { 8 }
}

/// The operation that loads a vector register.
pub(crate) fn load_operation(ty: ValType) -> Operation {
    match ty {
        ValType::F32 => Operation::LOAD_FLOAT32,
        ValType::V128 => vector::LOAD,
        _ => Operation::LOAD_FLOAT64,
    }
}

/// The operation that stores a vector register.
pub(crate) fn store_operation(ty: ValType) -> Operation {
    match ty {
        ValType::F32 => Operation::STORE_FLOAT32,
        ValType::V128 => vector::STORE,
        _ => Operation::STORE_FLOAT64,
    }
}

/// The low end of the slot of an operand of that type behind one that ends at `end`.
pub(crate) fn next_end(end: u32, ty: ValType) -> u32 {
    if ty == ValType::V128 { (end + 16).next_multiple_of(16) } else { end + 8 }
}

impl Generator<'_> {
    /// The slot that ends so far below the first operand.
    pub(crate) fn slot(&self, end: u32) -> Address {
        Address::new(RBP, -(self.frame.fixed_bytes + end as i32))
    }

    /// Where the slots of the operands below `height` end.
    pub(crate) fn end(&self, height: usize) -> u32 {
        height.checked_sub(1).map_or(0, |last| self.stack[last].end)
    }

    /// Pushes an operand.
    #[inline(always)]
    pub(crate) fn push(&mut self, ty: ValType, place: Place) {
        // This is part of many operators, and a few instructions if the rest is elsewhere.
        if frame_bytes(ty) != 8 || ty.is_reference() || self.stack.len() == self.stack.capacity() {
            self.push_slot(ty);
            if let Some(last) = self.stack.last_mut() {
                last.place = place;
            }
            return;
        }
        let end = self.stack.last().map_or(0, |last| last.end) + 8;
        self.stack.push(Entry { ty, end, place });
        self.frame.operand_bytes = self.frame.operand_bytes.max(end);
    }

    #[cold]
    #[inline(never)]
    fn push_slot(&mut self, ty: ValType) {
        if ty.is_reference() {
            self.references.push(self.stack.len() as u32);
        }
        let end = next_end(self.end(self.stack.len()), ty);
        self.stack.push(Entry { ty, end, place: Place::Slot });
        self.frame.operand_bytes = self.frame.operand_bytes.max(end);
    }

    /// Pushes an operand in a general register.
    pub(crate) fn push_gpr(&mut self, ty: ValType, register: Gpr) {
        self.push(ty, Place::Gpr(register));
    }

    /// Pushes an operand in a vector register.
    pub(crate) fn push_xmm(&mut self, ty: ValType, register: Xmm) {
        self.push(ty, Place::Xmm(register));
    }

    /// Pops an operand, wherever it is.
    #[inline(always)]
    pub(crate) fn pop_value(&mut self) -> Generated<(ValType, Value)> {
        let entry = self.pop_entry()?;
        Ok((entry.ty, self.value(entry)))
    }

    /// Pops an operand and leaves its registers taken.
    #[inline(always)]
    pub(crate) fn pop_entry(&mut self) -> Generated<Entry> {
        let Some(entry) = self.stack.pop() else {
            return Err(self.invalid("an operand is missing"));
        };
        if entry.ty.is_reference() {
            self.references.pop();
        }
        self.floor = self.floor.min(self.stack.len());
        Ok(entry)
    }

    /// What an operand is.
    #[inline(always)]
    pub(crate) fn value(&self, entry: Entry) -> Value {
        match entry.place {
            Place::Constant(bits) => Value::Constant(bits),
            Place::Vector(constant) => Value::Vector(constant),
            Place::Gpr(register) => Value::Gpr(register),
            Place::Xmm(register) => Value::Xmm(register),
            Place::Local(index) => match self.locals[index as usize].place {
                LocalPlace::Register(register) => Value::Gpr(register),
                LocalPlace::Xmm { register, .. } => Value::Xmm(register),
                LocalPlace::Frame(offset) => Value::Memory(Address::new(RBP, offset)),
            },
            Place::Slot => Value::Memory(self.slot(entry.end)),
            Place::Flags(condition) => Value::Flags(condition),
        }
    }

    /// Gives the registers of a popped operand back.
    #[inline]
    pub(crate) fn free(&mut self, value: Value) {
        match value {
            Value::Gpr(register) => self.registers.free_gpr(register),
            Value::Xmm(register) => self.registers.free_xmm(register),
            _ => {}
        }
    }

    /// Pops an operand that can be read from a general register. It may be a local's.
    pub(crate) fn pop_gpr(&mut self) -> Generated<Gpr> {
        let (ty, value) = self.pop_value()?;
        Ok(self.readable_gpr(ty, value))
    }

    /// Puts a popped operand into a general register, if it is not in one. Keeps the flags.
    pub(crate) fn readable_gpr(&mut self, ty: ValType, value: Value) -> Gpr {
        if let Value::Gpr(register) = value {
            return register;
        }
        let register = self.new_gpr();
        self.load(ty, register, value);
        self.free(value);
        register
    }

    /// Pops an operand into a general register that may be changed.
    pub(crate) fn pop_own_gpr(&mut self) -> Generated<Gpr> {
        let (ty, value) = self.pop_value()?;
        Ok(self.own_gpr(ty, value))
    }

    /// Puts a popped operand into a general register that may be changed. Keeps the flags.
    pub(crate) fn own_gpr(&mut self, ty: ValType, value: Value) -> Gpr {
        if let Value::Gpr(register) = value
            && crate::registers::holds_operands(register)
        {
            return register;
        }
        let register = self.new_gpr();
        self.load(ty, register, value);
        register
    }

    /// Pops an operand into a vector register that may be changed.
    pub(crate) fn pop_xmm(&mut self) -> Generated<Xmm> {
        let (ty, value) = self.pop_value()?;
        Ok(self.own_xmm(ty, value))
    }

    /// Puts a popped operand into a vector register that may be changed.
    pub(crate) fn own_xmm(&mut self, ty: ValType, value: Value) -> Xmm {
        match value {
            Value::Xmm(local) if !self.registers.is_operands(local) => {
                let register = self.new_xmm();
                self.load_xmm(ty, register, value);
                register
            }
            _ => self.readable_xmm(ty, value),
        }
    }

    /// Puts a popped operand into a vector register, if it is not in one. It may be a local's.
    pub(crate) fn readable_xmm(&mut self, ty: ValType, value: Value) -> Xmm {
        if let Value::Xmm(register) = value {
            return register;
        }
        let register = self.new_xmm();
        self.load_xmm(ty, register, value);
        self.free(value);
        register
    }

    /// A popped float as an operand of an instruction: constants go to a register.
    pub(crate) fn float_operand(&mut self, ty: ValType, value: Value) -> (Operand, Value) {
        match value {
            Value::Memory(address) => (address.into(), value),
            _ => {
                let register = self.readable_xmm(ty, value);
                (register.into(), Value::Xmm(register))
            }
        }
    }

    /// `register = value`. Keeps the flags.
    pub(crate) fn load(&mut self, ty: ValType, register: Gpr, value: Value) {
        let width = width(ty);
        match value {
            Value::Constant(bits) => self.asm.load_constant(register, bits),
            Value::Gpr(source) if source == register => {}
            Value::Gpr(source) => self.asm.operate(Operation::LOAD, width, register, source),
            Value::Memory(source) => self.asm.operate(Operation::LOAD, width, register, source),
            Value::Xmm(source) => {
                self.asm.operate(Operation::FROM_VECTOR, width, source, register);
            }
            Value::Flags(condition) => {
                self.asm.set_if(condition, register);
                self.asm.operate(Operation::LOAD8_ZERO, Width::W32, register, register);
            }
            // Of no type that travels in a general register.
            Value::Vector(_) => {}
        }
    }

    /// `register = value`. Keeps the flags.
    pub(crate) fn load_xmm(&mut self, ty: ValType, register: Xmm, value: Value) {
        let width = width(ty);
        match value {
            Value::Constant(0) => {
                self.asm.operate(Operation::XOR_VECTOR, Width::W32, register, register);
            }
            Value::Constant(bits) => {
                self.asm.load_constant(R11, bits);
                self.asm.operate(Operation::TO_VECTOR, width, register, R11);
            }
            Value::Xmm(source) if source == register => {}
            Value::Xmm(source) => {
                self.asm.operate(Operation::MOVE_VECTOR, Width::W32, register, source);
            }
            Value::Gpr(source) => self.asm.operate(Operation::TO_VECTOR, width, register, source),
            Value::Memory(source) => {
                self.asm.operate(load_operation(ty), Width::W32, register, source);
            }
            Value::Vector(constant) => self.load_vector(register, constant),
            Value::Flags(_) => {}
        }
    }

    /// Stores a value. Uses r11 or xmm15 for what is in memory. Keeps the flags.
    pub(crate) fn store(&mut self, ty: ValType, target: Operand, value: Value) {
        let width = width(ty);
        match value {
            Value::Constant(bits) => self.store_bits(width, target, bits),
            Value::Gpr(source) => self.asm.operate(Operation::STORE, width, source, target),
            Value::Xmm(source) => {
                self.asm.operate(store_operation(ty), Width::W32, source, target);
            }
            Value::Memory(source) if Operand::from(source) == target => {}
            Value::Memory(_) | Value::Vector(_) if ty == ValType::V128 => {
                self.load_xmm(ty, SCRATCH_XMM, value);
                self.asm.operate(vector::STORE, Width::W32, SCRATCH_XMM, target);
            }
            Value::Memory(_) | Value::Vector(_) | Value::Flags(_) => {
                self.load(ty, R11, value);
                self.asm.operate(Operation::STORE, width, R11, target);
            }
        }
    }

    fn store_bits(&mut self, width: Width, target: Operand, bits: u64) {
        match (width, i32::try_from(bits as i64)) {
            (Width::W32, _) => self.asm.store_constant(4, target, bits as i32),
            (Width::W64, Ok(value)) => self.asm.store_constant(8, target, value),
            (Width::W64, Err(_)) => {
                self.asm.load_constant(R11, bits);
                self.asm.operate(Operation::STORE, width, R11, target);
            }
        }
    }

    /// Moves an operand to its slot. Constants stay what they are. Keeps the flags.
    pub(crate) fn spill(&mut self, index: usize) {
        let entry = self.stack[index];
        if entry.is_settled() {
            return;
        }
        let value = self.value(entry);
        self.store(entry.ty, self.slot(entry.end).into(), value);
        if !matches!(entry.place, Place::Local(_)) {
            self.free(value);
        }
        self.stack[index].place = Place::Slot;
    }

    /// Moves all operands below `height` to their slots.
    pub(crate) fn spill_all(&mut self, height: usize) {
        for index in self.floor..height {
            self.spill(index);
        }
        self.floor = self.floor.max(height);
    }

    /// Moves all operands below `height` that are in registers to their slots.
    pub(crate) fn spill_registers(&mut self, height: usize) {
        if height.saturating_sub(self.floor) > LONG_WAY {
            return self.spill_all(height);
        }
        for index in self.floor..height {
            if matches!(self.stack[index].place, Place::Gpr(_) | Place::Xmm(_)) {
                self.spill(index);
            }
        }
    }

    /// Makes copies of the operands that are read from a local, which is about to change.
    pub(crate) fn detach_local(&mut self, local: u32) {
        if self.stack.len() - self.floor > LONG_WAY {
            self.spill_all(self.stack.len() - LONG_WAY / 2);
        }
        for index in self.floor..self.stack.len() {
            let entry = self.stack[index];
            if entry.place != Place::Local(local) {
                continue;
            }
            let value = self.value(entry);
            self.stack[index].place = if uses_xmm(entry.ty) {
                let register = self.new_xmm();
                self.load_xmm(entry.ty, register, value);
                Place::Xmm(register)
            } else {
                let register = self.new_gpr();
                self.load(entry.ty, register, value);
                Place::Gpr(register)
            };
        }
    }

    /// Moves the topmost operand out of the flags. [BA-FLAGS]
    #[inline(always)]
    pub(crate) fn settle_flags(&mut self) {
        if let Some(Entry { place: Place::Flags(condition), .. }) = self.stack.last() {
            self.flags_to_register(*condition);
        }
    }

    #[cold]
    #[inline(never)]
    fn flags_to_register(&mut self, condition: Condition) {
        let register = self.new_gpr();
        self.load(ValType::I32, register, Value::Flags(condition));
        if let Some(last) = self.stack.last_mut() {
            last.place = Place::Gpr(register);
        }
    }

    /// Drops all operands above `height`, which are the only ones in registers.
    pub(crate) fn reset(&mut self, height: usize) {
        self.stack.truncate(height);
        while self.references.last().is_some_and(|&last| last as usize >= height) {
            self.references.pop();
        }
        self.floor = height;
        self.registers.free_all();
    }
}
