//! Encoding of [`Operation`]s: prefix, REX, opcode, operand, displacement.

use tierup_abi::{Gpr, Xmm};

use crate::{
    Condition, Emitter, FloatOperation, Immediate, Label, LaneShift, Operand, Operation, Shift,
    Unary, Width,
};

/// An instruction in the making; none is longer than 15 bytes.
struct Bytes {
    bytes: [u8; 16],
    length: usize,
    /// Where the distance to a label goes.
    distance: Option<(usize, Label)>,
}

impl Bytes {
    #[inline(always)]
    fn put(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    #[inline(always)]
    fn put4(&mut self, value: u32) {
        self.bytes[self.length..self.length + 4].copy_from_slice(&value.to_le_bytes());
        self.length += 4;
    }

    #[inline]
    fn start(operation: Operation, width: Width, register: u8, operand: Operand) -> Self {
        let mut this = Self { bytes: [0; 16], length: 0, distance: None };
        if operation.prefix != 0 {
            this.put(operation.prefix);
        }
        let (base, index) = match operand {
            Operand::Register(register) => (register, 0),
            Operand::Memory { base, index, .. } => (base.0, index.map_or(0, |(index, _)| index.0)),
            Operand::Label(_) => (0, 0),
        };
        let wide = u8::from(width == Width::W64);
        let rex = wide << 3 | (register >> 3) << 2 | (index >> 3) << 1 | base >> 3;
        let low_byte = operation.byte
            && (matches!(operand, Operand::Register(4..=7)) || (4..=7).contains(&register));
        if rex != 0 || low_byte {
            this.put(0x40 | rex);
        }
        let [_, high, middle, low] = operation.opcode.to_be_bytes();
        if high != 0 {
            this.put(high);
        }
        if high != 0 || middle != 0 {
            this.put(middle);
        }
        this.put(low);
        this.operand(register & 7, operand);
        this
    }

    #[inline]
    fn operand(&mut self, register: u8, operand: Operand) {
        let (base, index, offset) = match operand {
            Operand::Register(other) => return self.put(0xc0 | register << 3 | other & 7),
            Operand::Memory { base, index, offset } => (base.0 & 7, index, offset),
            Operand::Label(label) => {
                self.put(register << 3 | 5);
                self.distance = Some((self.length, label));
                return self.put4(0);
            }
        };
        let short = i8::try_from(offset);
        // rbp and r13 as base without displacement mean something else.
        let mode = match short {
            _ if offset == 0 && base != 5 => 0x00,
            Ok(_) => 0x40,
            Err(_) => 0x80,
        };
        match index {
            None if base != 4 => self.put(mode | register << 3 | base),
            _ => {
                let (index, scale) = index.map_or((4, 0), |(index, scale)| (index.0 & 7, scale));
                self.put(mode | register << 3 | 4);
                self.put(scale << 6 | index << 3 | base);
            }
        }
        match (mode, short) {
            (0, _) => {}
            (0x40, Ok(short)) => self.put(short as u8),
            _ => self.put4(offset as u32),
        }
    }
}

impl Emitter {
    #[inline]
    fn append(&mut self, bytes: &Bytes) {
        if let Some((field, label)) = bytes.distance {
            // Distances count from the end of the instruction, which may be behind a constant.
            let behind = bytes.length - (field + 4);
            self.fixups.push((self.offset() + field as u32, behind as u32, label));
        }
        // A copy of fixed size needs no call; what is too much goes again.
        let end = self.sink.0.len() + bytes.length;
        self.sink.0.extend_from_slice(&bytes.bytes);
        self.sink.0.truncate(end);
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
        self.append(&Bytes::start(operation, width, register.number(), operand.into()));
    }

    /// Emits an operation with a register, a register or memory, and a byte.
    pub fn operate_byte(
        &mut self,
        (operation, byte): (Operation, u8),
        width: Width,
        register: impl RegisterNumber,
        operand: impl Into<Operand>,
    ) {
        let mut bytes = Bytes::start(operation, width, register.number(), operand.into());
        bytes.put(byte);
        self.append(&bytes);
    }

    /// Shifts all lanes by a constant.
    pub fn shift_lanes(&mut self, shift: LaneShift, target: Xmm, count: u8) {
        let (operation, digit) = shift.encoding();
        let mut bytes = Bytes::start(operation, Width::W32, digit, target.into());
        bytes.put(count);
        self.append(&bytes);
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
        let short = i8::try_from(value);
        let opcode = if short.is_ok() { 0x83 } else { 0x81 };
        let operation = (Operation { opcode, ..Operation::LOAD }, operation as u8);
        let mut bytes = Bytes::start(operation.0, width, operation.1, operand.into());
        match short {
            Ok(short) => bytes.put(short as u8),
            Err(_) => bytes.put4(value as u32),
        }
        self.append(&bytes);
    }

    /// `target = left * value`
    pub fn multiply_immediate(
        &mut self,
        width: Width,
        target: Gpr,
        left: impl Into<Operand>,
        value: i32,
    ) {
        let operation = Operation { opcode: 0x69, ..Operation::LOAD };
        let mut bytes = Bytes::start(operation, width, target.0, left.into());
        bytes.put4(value as u32);
        self.append(&bytes);
    }

    /// Shifts by a constant.
    pub fn shift_immediate(&mut self, shift: Shift, width: Width, target: Gpr, count: u8) {
        let operation = Operation { opcode: 0xc1, ..Operation::LOAD };
        let mut bytes = Bytes::start(operation, width, shift as u8, target.into());
        bytes.put(count);
        self.append(&bytes);
    }

    /// Shifts by `cl`.
    pub fn shift_by_rcx(&mut self, shift: Shift, width: Width, target: Gpr) {
        let operation = Operation { opcode: 0xd3, ..Operation::LOAD };
        self.append(&Bytes::start(operation, width, shift as u8, target.into()));
    }

    /// Emits an operation with one operand.
    pub fn unary(&mut self, unary: Unary, width: Width, operand: impl Into<Operand>) {
        let operation = Operation { opcode: 0xf7, ..Operation::LOAD };
        self.append(&Bytes::start(operation, width, unary as u8, operand.into()));
    }

    /// Extends the sign of `rax` to `rdx`.
    pub fn extend_rax(&mut self, width: Width) {
        if width == Width::W64 {
            self.sink.0.push(0x48);
        }
        self.sink.0.push(0x99);
    }

    /// Flips the highest bit.
    pub fn flip_sign(&mut self, width: Width, target: Gpr) {
        let operation = Operation { opcode: 0x0fba, ..Operation::LOAD };
        let mut bytes = Bytes::start(operation, width, 7, target.into());
        bytes.put(if width == Width::W64 { 63 } else { 31 });
        self.append(&bytes);
    }

    /// `[target] = value`, of 1, 2, 4 or 8 bytes; 8 from 4 with the sign.
    pub fn store_constant(&mut self, bytes: u8, target: impl Into<Operand>, value: i32) {
        let (prefix, opcode) = match bytes {
            1 => (0, 0xc6),
            2 => (0x66, 0xc7),
            _ => (0, 0xc7),
        };
        let operation = Operation { prefix, opcode, ..Operation::LOAD };
        let width = if bytes == 8 { Width::W64 } else { Width::W32 };
        let mut code = Bytes::start(operation, width, 0, target.into());
        match bytes {
            1 => code.put(value as u8),
            2 => {
                code.put(value as u8);
                code.put((value >> 8) as u8);
            }
            _ => code.put4(value as u32),
        }
        self.append(&code);
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
        let opcode = 0x0f90 | u32::from(condition as u8);
        let operation = Operation { opcode, byte: true, ..Operation::LOAD };
        self.append(&Bytes::start(operation, Width::W32, 0, target.into()));
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
        self.operate(Operation { opcode, ..Operation::LOAD }, width, target, source);
    }

    /// Rounds a float: to even, down, up or to zero (0 to 3).
    pub fn round(&mut self, width: Width, mode: u8, target: Xmm, source: impl Into<Operand>) {
        let opcode = if width == Width::W64 { 0x0f3a0b } else { 0x0f3a0a };
        let operation = Operation { prefix: 0x66, opcode, ..Operation::LOAD };
        let mut bytes = Bytes::start(operation, Width::W32, target.0, source.into());
        // Inexact results are nobody's concern.
        bytes.put(mode | 8);
        self.append(&bytes);
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
        self.sink.0.push(0xe9);
        self.put_distance(label);
    }

    /// Jumps by a distance that is known.
    pub fn jump_back(&mut self, distance: u32) {
        self.sink.0.push(0xe9);
        self.sink.0.extend_from_slice(&distance.to_le_bytes());
    }

    /// `target = address of label`
    pub fn load_label(&mut self, target: Gpr, label: Label) {
        let rex = 0x48 | (target.0 >> 3) << 2;
        self.sink.0.extend_from_slice(&[rex, 0x8d, (target.0 & 7) << 3 | 5]);
        self.put_distance(label);
    }

    /// Jumps to the address in a register.
    pub fn jump_register(&mut self, target: Gpr) {
        let operation = Operation { opcode: 0xff, ..Operation::LOAD };
        self.append(&Bytes::start(operation, Width::W32, 4, target.into()));
    }

    /// Calls the address in a cell that a relocation names. Returns the offset of the field with
    /// the distance to the cell.
    pub fn call_cell(&mut self) -> u32 {
        self.sink.0.extend_from_slice(&[0xff, 0x15, 0, 0, 0, 0]);
        self.offset() - 4
    }

    /// Jumps to the address in such a cell.
    pub fn jump_cell(&mut self) -> u32 {
        self.sink.0.extend_from_slice(&[0xff, 0x25, 0, 0, 0, 0]);
        self.offset() - 4
    }

    /// Takes the frame down: `mov rsp, rbp; pop rbp`.
    pub fn leave(&mut self) {
        self.sink.0.push(0xc9);
    }

    /// Raises a fault that is a trap.
    pub fn halt(&mut self) {
        self.sink.0.push(0xf4);
    }

    /// Stores `rax` to `rcx` words from `rdi` on.
    pub fn repeat_store(&mut self) {
        self.sink.0.extend_from_slice(&[0xf3, 0x48, 0xab]);
    }

    /// `sub rsp, value` with a field of 32 bits, whose offset is returned.
    pub fn take_stack_later(&mut self) -> u32 {
        self.sink.0.extend_from_slice(&[0x48, 0x81, 0xec, 0, 0, 0, 0]);
        self.offset() - 4
    }

    /// Appends bytes that are no instructions.
    pub fn data(&mut self, bytes: &[u8]) {
        self.sink.0.extend_from_slice(bytes);
    }

    /// Replaces bytes.
    pub fn patch(&mut self, offset: u32, bytes: &[u8]) {
        let offset = offset as usize;
        self.sink.0[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Fills up to a multiple of `alignment` with breakpoints.
    pub fn align(&mut self, alignment: usize) {
        let length = self.sink.0.len().next_multiple_of(alignment);
        self.sink.0.resize(length, 0xcc);
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
        self.sink.0.extend_from_slice(&target.wrapping_sub(table).to_le_bytes());
    }

    fn put_distance(&mut self, label: Label) {
        self.sink.0.extend_from_slice(&[0; 4]);
        self.fixups.push((self.offset() - 4, 0, label));
    }

    /// Jumps if the condition holds.
    pub fn jump_if(&mut self, condition: Condition, label: Label) {
        self.sink.0.extend_from_slice(&[0x0f, 0x80 | condition as u8]);
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
        Address,
        operand::{Physical, Register},
        sink::Sink,
    };

    /// What we encode, and what Cranelift's assembler does.
    fn assert_same(ours: impl FnOnce(&mut Emitter), theirs: impl FnOnce(&mut Sink)) {
        let mut asm = Emitter::new();
        ours(&mut asm);
        let mut sink = Sink::default();
        theirs(&mut sink);
        assert_eq!(asm.finish(), sink.0);
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
