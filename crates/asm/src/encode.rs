//! Encoding of [`Operation`]s: prefix, REX, opcode, operand, displacement.

use tierup_abi::{Gpr, Xmm};

use crate::{
    Address, Condition, Emitter, FloatOperation, Immediate, Label, LaneShift, Operand, Operation,
    Shift, Unary, Width, sink::Instruction,
};

/// What follows the operand of an instruction: a number and how many bytes of it.
type Constant = (u64, u8);

/// Nothing follows.
const NOTHING: Constant = (0, 0);

/// A memory operand by numbers.
#[derive(Clone, Copy)]
struct Memory {
    base: u8,
    index: u8,
    scale: u8,
    offset: i32,
}

/// The number that stands for no index: that of `rsp`, which cannot be one.
const NO_INDEX: u8 = 4;

impl Instruction<'_> {
    /// Begins with prefix, REX if it is needed, and opcode. `rex` has its lowest four bits.
    #[inline(always)]
    fn begin(&mut self, operation: Operation, rex: Option<u8>) {
        self.put([operation.prefix], u8::from(operation.prefix != 0));
        self.put([0x40 | rex.unwrap_or(0)], u8::from(rex.is_some()));
        self.put(operation.opcode.to_le_bytes(), operation.opcode_bytes);
    }
}

impl Emitter {
    /// Appends an instruction. Nearly all callers know what kind of operand they have.
    #[inline(always)]
    fn emit(
        &mut self,
        operation: Operation,
        register: (Width, u8),
        operand: Operand,
        constant: Constant,
    ) {
        match operand {
            Operand::Register(other) => self.emit_register(operation, register, other),
            Operand::Memory { base, index, offset } => {
                let (index, scale) = index.map_or((NO_INDEX, 0), |(index, scale)| (index.0, scale));
                let memory = Memory { base: base.0, index, scale, offset };
                self.emit_memory(operation, register, memory);
            }
            // Distances count from the end of the instruction, which may be behind a constant.
            Operand::Label(label) => self.emit_label(operation, register, (label, constant.1)),
        }
        self.put_constant(constant);
    }

    fn emit_register(&mut self, operation: Operation, (width, register): (Width, u8), other: u8) {
        let low_byte = operation.byte && ((4..=7).contains(&register) || (4..=7).contains(&other));
        let rex = u8::from(width == Width::W64) << 3 | (register >> 3) << 2 | other >> 3;
        let mut instruction = self.sink.instruction();
        instruction.begin(operation, (rex != 0 || low_byte).then_some(rex));
        instruction.put([0xc0 | (register & 7) << 3 | other & 7], 1);
        instruction.finish();
    }

    fn emit_memory(
        &mut self,
        operation: Operation,
        (width, register): (Width, u8),
        Memory { base, index, scale, offset }: Memory,
    ) {
        let wide = u8::from(width == Width::W64) << 3;
        let rex = wide | (register >> 3) << 2 | (index >> 3 & 1) << 1 | base >> 3;
        let low_byte = operation.byte && (4..=7).contains(&register);
        let mut instruction = self.sink.instruction();
        instruction.begin(operation, (rex != 0 || low_byte).then_some(rex));
        let base = base & 7;
        // rbp and r13 as base without displacement mean something else.
        let (mode, offset_bytes) = match i8::try_from(offset) {
            _ if offset == 0 && base != 5 => (0x00, 0),
            Ok(_) => (0x40, 1),
            Err(_) => (0x80, 4),
        };
        let scaled = index != NO_INDEX || base == 4;
        let low = if scaled { 4 } else { base };
        let operand = [mode | (register & 7) << 3 | low, scale << 6 | (index & 7) << 3 | base];
        instruction.put(operand, 1 + u8::from(scaled));
        instruction.put(offset.to_le_bytes(), offset_bytes);
        instruction.finish();
    }

    /// A constant of `behind` bytes follows.
    fn emit_label(
        &mut self,
        operation: Operation,
        (width, register): (Width, u8),
        (label, behind): (Label, u8),
    ) {
        let rex = u8::from(width == Width::W64) << 3 | (register >> 3) << 2;
        let mut instruction = self.sink.instruction();
        instruction.begin(operation, (rex != 0).then_some(rex));
        instruction.put([(register & 7) << 3 | 5], 1);
        instruction.put([0; 4], 4);
        instruction.finish();
        self.fixups.push((self.offset() - 4, behind.into(), label));
    }

    /// An instruction that names its register in the opcode.
    fn emit_short(&mut self, opcode: u32, width: Width, register: Gpr, constant: Constant) {
        let rex = u8::from(width == Width::W64) << 3 | register.0 >> 3;
        let operation = Operation::plain(opcode | u32::from(register.0 & 7));
        let mut instruction = self.sink.instruction();
        instruction.begin(operation, (rex != 0).then_some(rex));
        instruction.finish();
        self.put_constant(constant);
    }

    #[inline(always)]
    fn put_constant(&mut self, (bytes, used): Constant) {
        if used != 0 {
            let mut rest = self.sink.instruction();
            rest.put(bytes.to_le_bytes(), used);
            rest.finish();
        }
    }

    /// Emits an operation with a register by its number, and a register or memory.
    #[inline]
    pub fn operate(
        &mut self,
        operation: Operation,
        width: Width,
        register: impl RegisterNumber,
        operand: impl Into<Operand>,
    ) {
        self.emit(operation, (width, register.number()), operand.into(), NOTHING);
    }

    /// Emits an operation with a register, a register or memory, and a byte.
    pub fn operate_byte(
        &mut self,
        (operation, byte): (Operation, u8),
        width: Width,
        register: impl RegisterNumber,
        operand: impl Into<Operand>,
    ) {
        self.emit(operation, (width, register.number()), operand.into(), (byte.into(), 1));
    }

    /// Shifts all lanes by a constant.
    pub fn shift_lanes(&mut self, shift: LaneShift, target: Xmm, count: u8) {
        let (operation, digit) = shift.encoding();
        self.emit(operation, (Width::W32, digit), target.into(), (count.into(), 1));
    }

    /// Emits an operation with a constant.
    #[inline]
    pub fn operate_immediate(
        &mut self,
        operation: Immediate,
        width: Width,
        operand: impl Into<Operand>,
        value: i32,
    ) {
        let (opcode, constant) = match i8::try_from(value) {
            Ok(short) => (0x83, (u64::from(short as u8), 1)),
            Err(_) => (0x81, (u64::from(value as u32), 4)),
        };
        let register = (width, operation as u8);
        self.emit(Operation::plain(opcode), register, operand.into(), constant);
    }

    /// `target = left * value`
    pub fn multiply_immediate(
        &mut self,
        width: Width,
        target: Gpr,
        left: impl Into<Operand>,
        value: i32,
    ) {
        let constant = (u64::from(value as u32), 4);
        self.emit(Operation::plain(0x69), (width, target.0), left.into(), constant);
    }

    /// Shifts by a constant.
    pub fn shift_immediate(&mut self, shift: Shift, width: Width, target: Gpr, count: u8) {
        let register = (width, shift as u8);
        self.emit(Operation::plain(0xc1), register, target.into(), (count.into(), 1));
    }

    /// Shifts by `cl`.
    pub fn shift_by_rcx(&mut self, shift: Shift, width: Width, target: Gpr) {
        self.emit(Operation::plain(0xd3), (width, shift as u8), target.into(), NOTHING);
    }

    /// Emits an operation with one operand.
    pub fn unary(&mut self, unary: Unary, width: Width, operand: impl Into<Operand>) {
        self.emit(Operation::plain(0xf7), (width, unary as u8), operand.into(), NOTHING);
    }

    /// Extends the sign of `rax` to `rdx`.
    pub fn extend_rax(&mut self, width: Width) {
        if width == Width::W64 {
            self.sink.push([0x48]);
        }
        self.sink.push([0x99]);
    }

    /// Flips the highest bit.
    pub fn flip_sign(&mut self, width: Width, target: Gpr) {
        let bit = if width == Width::W64 { 63 } else { 31 };
        self.emit(Operation::plain(0x0fba), (width, 7), target.into(), (bit, 1));
    }

    /// `[target] = value`, of 1, 2, 4 or 8 bytes; 8 from 4 with the sign.
    pub fn store_constant(&mut self, bytes: u8, target: impl Into<Operand>, value: i32) {
        let operation = match bytes {
            1 => Operation::plain(0xc6),
            2 => Operation::prefixed(0x66, 0xc7),
            _ => Operation::plain(0xc7),
        };
        let width = if bytes == 8 { Width::W64 } else { Width::W32 };
        let constant = match bytes {
            1 => (u64::from(value as u8), 1),
            2 => (u64::from(value as u16), 2),
            _ => (u64::from(value as u32), 4),
        };
        self.emit(operation, (width, 0), target.into(), constant);
    }

    /// `target = value`
    pub fn move_immediate(&mut self, width: Width, target: Gpr, value: u64) {
        let constant = match width {
            Width::W32 => (u64::from(value as u32), 4),
            Width::W64 => (value, 8),
        };
        self.emit_short(0xb8, width, target, constant);
    }

    /// Pushes a register.
    pub fn push(&mut self, register: Gpr) {
        self.emit_short(0x50, Width::W32, register, NOTHING);
    }

    /// Pops a register.
    pub fn pop(&mut self, register: Gpr) {
        self.emit_short(0x58, Width::W32, register, NOTHING);
    }

    /// Jumps to the address in memory.
    pub fn jump_memory(&mut self, target: Address) {
        self.emit(Operation::plain(0xff), (Width::W32, 4), target.into(), NOTHING);
    }

    /// Calls the address in memory.
    pub fn call_memory(&mut self, target: Address) {
        self.emit(Operation::plain(0xff), (Width::W32, 2), target.into(), NOTHING);
    }

    /// `target = value` in the shortest form that leaves the flags alone.
    pub fn load_constant(&mut self, target: Gpr, value: u64) {
        if u32::try_from(value).is_ok() {
            self.move_immediate(Width::W32, target, value);
        } else if let Ok(value) = i32::try_from(value as i64) {
            self.store_constant(8, target, value);
        } else {
            self.move_immediate(Width::W64, target, value);
        }
    }

    /// `target = condition ? 1 : 0`, 8 bits.
    pub fn set_if(&mut self, condition: Condition, target: Gpr) {
        let operation = Operation::byte(0x0f90 | u32::from(condition as u8));
        self.emit(operation, (Width::W32, 0), target.into(), NOTHING);
    }

    /// `if condition { target = source }`
    pub fn move_if(
        &mut self,
        condition: Condition,
        width: Width,
        target: Gpr,
        source: impl Into<Operand>,
    ) {
        let opcode = 0x0f40 | u32::from(condition as u8);
        self.operate(Operation::plain(opcode), width, target, source);
    }

    /// Rounds a float: to even, down, up or to zero (0 to 3).
    pub fn round(&mut self, width: Width, mode: u8, target: Xmm, source: impl Into<Operand>) {
        let opcode = if width == Width::W64 { 0x0f3a0b } else { 0x0f3a0a };
        let operation = Operation::prefixed(0x66, opcode);
        // Inexact results are nobody's concern.
        let constant = (u64::from(mode | 8), 1);
        self.emit(operation, (Width::W32, target.0), source.into(), constant);
    }

    /// Converts between an integer of `width` and a float of `float`.
    pub fn convert(
        &mut self,
        operation: FloatOperation,
        (width, float): (Width, Width),
        target: impl RegisterNumber,
        source: impl Into<Operand>,
    ) {
        self.operate(operation.of(float), width, target, source);
    }

    /// Jumps.
    pub fn jump(&mut self, label: Label) {
        self.sink.push([0xe9]);
        self.put_distance(label);
    }

    /// Jumps by a distance that is known.
    pub fn jump_back(&mut self, distance: u32) {
        self.sink.push([0xe9]);
        self.sink.push(distance.to_le_bytes());
    }

    /// `target = address of label`
    pub fn load_label(&mut self, target: Gpr, label: Label) {
        let rex = 0x48 | (target.0 >> 3) << 2;
        self.sink.push([rex, 0x8d, (target.0 & 7) << 3 | 5]);
        self.put_distance(label);
    }

    /// Jumps to the address in a register.
    pub fn jump_register(&mut self, target: Gpr) {
        self.emit(Operation::plain(0xff), (Width::W32, 4), target.into(), NOTHING);
    }

    /// Calls the address in a cell that a relocation names. Returns the offset of the field with
    /// the distance to the cell.
    pub fn call_cell(&mut self) -> u32 {
        self.sink.push([0xff, 0x15, 0, 0, 0, 0]);
        self.offset() - 4
    }

    /// Jumps to the address in such a cell.
    pub fn jump_cell(&mut self) -> u32 {
        self.sink.push([0xff, 0x25, 0, 0, 0, 0]);
        self.offset() - 4
    }

    /// Takes the frame down: `mov rsp, rbp; pop rbp`.
    pub fn leave(&mut self) {
        self.sink.push([0xc9]);
    }

    /// Raises a fault that is a trap.
    pub fn halt(&mut self) {
        self.sink.push([0xf4]);
    }

    /// Stores `rax` to `rcx` words from `rdi` on.
    pub fn repeat_store(&mut self) {
        self.sink.push([0xf3, 0x48, 0xab]);
    }

    /// `sub rsp, value` with a field of 32 bits, whose offset is returned.
    pub fn take_stack_later(&mut self) -> u32 {
        self.sink.push([0x48, 0x81, 0xec, 0, 0, 0, 0]);
        self.offset() - 4
    }

    /// Appends bytes that are no instructions.
    pub fn data(&mut self, bytes: &[u8]) {
        self.sink.extend(bytes);
    }

    /// Replaces bytes.
    pub fn patch(&mut self, offset: u32, bytes: &[u8]) {
        let offset = offset as usize;
        self.sink.as_mut_slice()[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Fills up to a multiple of `alignment` with breakpoints.
    pub fn align(&mut self, alignment: usize) {
        while !self.sink.len().is_multiple_of(alignment) {
            self.sink.push([0xcc]);
        }
    }

    /// Where `label` is, if it is bound.
    pub fn label_offset(&self, label: Label) -> Option<u32> {
        self.labels[label.index()]
    }

    /// An entry of a jump table that starts at `table`: the distance to `label`, which is bound.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub fn table_entry(&mut self, table: u32, label: Label) {
        let target = self.label_offset(label).expect("tables come after all code");
        self.sink.push(target.wrapping_sub(table).to_le_bytes());
    }

    fn put_distance(&mut self, label: Label) {
        self.sink.push([0; 4]);
        self.fixups.push((self.offset() - 4, 0, label));
    }

    /// Jumps if the condition holds.
    pub fn jump_if(&mut self, condition: Condition, label: Label) {
        self.sink.push([0x0f, 0x80 | condition as u8]);
        self.put_distance(label);
    }
}

/// The number of a register of either class.
pub trait RegisterNumber {
    /// As in encodings.
    fn number(self) -> u8;
}

impl RegisterNumber for Gpr {
    fn number(self) -> u8 {
        self.0
    }
}

impl RegisterNumber for Xmm {
    fn number(self) -> u8 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use cranelift_assembler_x64::{GprMem, XmmMem, inst};

    use super::*;
    use crate::{
        operand::{Physical, Register},
        sink::Sink,
    };

    /// What we encode, and what Cranelift's assembler does.
    fn assert_same(ours: impl FnOnce(&mut Emitter), theirs: impl FnOnce(&mut Sink)) {
        let mut asm = Emitter::new();
        ours(&mut asm);
        let mut sink = Sink::default();
        theirs(&mut sink);
        assert_eq!(asm.finish(), sink.as_slice());
    }

    #[test]
    fn integer_operations_on_all_registers() {
        for (left, right) in (0..16).flat_map(|left| (0..16).map(move |right| (left, right))) {
            let (a, b) = (Register(left), GprMem::Gpr(Register(right)));
            let (x, y) = (Gpr(left), Gpr(right));
            assert_same(
                |asm| asm.operate(Operation::ADD, Width::W32, x, y),
                |sink| inst::addl_rm::<Physical>::new(a, b).encode(sink),
            );
            assert_same(
                |asm| asm.operate(Operation::MULTIPLY, Width::W64, x, y),
                |sink| inst::imulq_rm::<Physical>::new(a, b).encode(sink),
            );
            assert_same(
                |asm| asm.operate(Operation::LOAD16_SIGN, Width::W64, x, y),
                |sink| inst::movswq_rm::<Physical>::new(a, b).encode(sink),
            );
            assert_same(
                |asm| asm.operate(Operation::COUNT_BITS, Width::W32, x, y),
                |sink| inst::popcntl_rm::<Physical>::new(a, b).encode(sink),
            );
        }
    }

    #[test]
    fn operations_that_name_their_register_in_the_opcode() {
        for number in 0..16 {
            let (ours, theirs) = (Gpr(number), Register(number));
            assert_same(
                |asm| asm.push(ours),
                |sink| inst::pushq_o::<Physical>::new(theirs).encode(sink),
            );
            assert_same(
                |asm| asm.pop(ours),
                |sink| inst::popq_o::<Physical>::new(theirs).encode(sink),
            );
            assert_same(
                |asm| asm.move_immediate(Width::W32, ours, 0xfedc_ba98),
                |sink| inst::movl_oi::<Physical>::new(theirs, -0x123_4568).encode(sink),
            );
            assert_same(
                |asm| asm.move_immediate(Width::W64, ours, u64::MAX - 0x1234_5678),
                |sink| {
                    inst::movabsq_oi::<Physical>::new(theirs, u64::MAX - 0x1234_5678).encode(sink);
                },
            );
            for offset in [0, -8, 0x1234] {
                let address = Address::new(ours, offset);
                let operand = || address.gpr_operand();
                assert_same(
                    |asm| asm.call_memory(address),
                    |sink| inst::callq_m::<Physical>::new(operand()).encode(sink),
                );
                assert_same(
                    |asm| asm.jump_memory(address),
                    |sink| inst::jmpq_m::<Physical>::new(operand()).encode(sink),
                );
                assert_same(
                    |asm| asm.store_immediate(address, -3),
                    |sink| inst::movq_mi_sxl::<Physical>::new(operand(), -3).encode(sink),
                );
            }
        }
    }

    #[test]
    fn memory_operands_of_every_base_and_displacement() {
        for base in 0..16 {
            for offset in [0, 1, -128, 127, 128, -129, i32::MAX] {
                let address = Address::new(Gpr(base), offset);
                assert_same(
                    |asm| asm.operate(Operation::LOAD, Width::W64, Gpr(9), address),
                    |sink| {
                        let operand = address.gpr_operand();
                        inst::movq_rm::<Physical>::new(Register(9), operand).encode(sink);
                    },
                );
                assert_same(
                    |asm| {
                        asm.operate(FloatOperation::Add.of(Width::W64), Width::W32, Xmm(9), address)
                    },
                    |sink| {
                        let operand = address.xmm_operand();
                        inst::addsd_a::<Physical>::new(Register(9), operand).encode(sink);
                    },
                );
            }
        }
    }

    #[test]
    fn what_lies_in_the_code_is_found_behind_constants_too() {
        let mut asm = Emitter::new();
        let label = asm.label();
        asm.operate(Operation::LOAD, Width::W64, Gpr(9), label);
        asm.operate_immediate(Immediate::Compare, Width::W32, label, 1);
        asm.operate_immediate(Immediate::Compare, Width::W32, label, 1000);
        asm.bind(label);
        let code = asm.finish();
        assert_eq!(code.len(), 24);
        assert_eq!(code[..7], [0x4c, 0x8b, 0x0d, 17, 0, 0, 0]);
        assert_eq!(code[7..14], [0x83, 0x3d, 10, 0, 0, 0, 1]);
        assert_eq!(code[14..], [0x81, 0x3d, 0, 0, 0, 0, 0xe8, 3, 0, 0]);
    }

    #[test]
    fn float_operations_on_all_registers() {
        for (left, right) in (0..16).flat_map(|left| (0..16).map(move |right| (left, right))) {
            let (a, b) = (Register(left), XmmMem::Xmm(Register(right)));
            assert_same(
                |asm| {
                    asm.operate(
                        FloatOperation::Minimum.of(Width::W32),
                        Width::W32,
                        Xmm(left),
                        Xmm(right),
                    )
                },
                |sink| inst::minss_a::<Physical>::new(a, b).encode(sink),
            );
            assert_same(
                |asm| asm.round(Width::W64, 1, Xmm(left), Xmm(right)),
                |sink| inst::roundsd_rmi::<Physical>::new(a, b, 9).encode(sink),
            );
        }
    }
}
