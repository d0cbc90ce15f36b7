//! Constants, integer arithmetic and comparisons.

use tierup_abi::Gpr;
use tierup_asm::{Condition, Immediate, Operand, Operation, R10, R11, RCX, Shift, Width};
use tierup_wasm::ValType;

use crate::{
    destination::{Destination, Immediates},
    generator::{Generated, Generator},
    registers::holds_operands,
    stack::{Entry, Place, Value, width},
};

/// An operation with two operands.
#[derive(Clone, Copy)]
struct Binary {
    operation: Operation,
    immediate: Immediate,
    commutes: bool,
}

const ADD: Binary = Binary { operation: Operation::ADD, immediate: Immediate::Add, commutes: true };
const SUBTRACT: Binary =
    Binary { operation: Operation::SUBTRACT, immediate: Immediate::Subtract, commutes: false };
const AND: Binary = Binary { operation: Operation::AND, immediate: Immediate::And, commutes: true };
const OR: Binary = Binary { operation: Operation::OR, immediate: Immediate::Or, commutes: true };
const XOR: Binary = Binary { operation: Operation::XOR, immediate: Immediate::Xor, commutes: true };

macro_rules! binary {
    ($($visit:ident: $ty:ident, $binary:ident;)*) => {$(
        pub(crate) fn $visit(&mut self) -> Generated {
            self.binary(ValType::$ty, $binary)
        }
    )*};
}

macro_rules! compare {
    ($($visit:ident: $ty:ident, $condition:ident;)*) => {$(
        pub(crate) fn $visit(&mut self) -> Generated {
            self.compare(ValType::$ty, Condition::$condition)
        }
    )*};
}

macro_rules! shift {
    ($($visit:ident: $ty:ident, $shift:ident;)*) => {$(
        pub(crate) fn $visit(&mut self) -> Generated {
            self.shift(ValType::$ty, Shift::$shift)
        }
    )*};
}

macro_rules! each {
    ($($visit:ident: $ty:ident, $method:ident;)*) => {$(
        pub(crate) fn $visit(&mut self) -> Generated {
            self.$method(ValType::$ty)
        }
    )*};
}

impl Generator<'_> {
    pub(crate) fn visit_i32_const(&mut self, value: i32) -> Generated {
        self.push(ValType::I32, Place::Constant(u64::from(value as u32)));
        Ok(())
    }

    pub(crate) fn visit_i64_const(&mut self, value: i64) -> Generated {
        self.push(ValType::I64, Place::Constant(value as u64));
        Ok(())
    }

    pub(crate) fn visit_f32_const(&mut self, value: wasmparser::Ieee32) -> Generated {
        self.push(ValType::F32, Place::Constant(value.bits().into()));
        Ok(())
    }

    pub(crate) fn visit_f64_const(&mut self, value: wasmparser::Ieee64) -> Generated {
        self.push(ValType::F64, Place::Constant(value.bits()));
        Ok(())
    }

    binary! {
        visit_i32_add: I32, ADD;
        visit_i32_sub: I32, SUBTRACT;
        visit_i32_and: I32, AND;
        visit_i32_or: I32, OR;
        visit_i32_xor: I32, XOR;
        visit_i64_add: I64, ADD;
        visit_i64_sub: I64, SUBTRACT;
        visit_i64_and: I64, AND;
        visit_i64_or: I64, OR;
        visit_i64_xor: I64, XOR;
    }

    compare! {
        visit_i32_eq: I32, Equal;
        visit_i32_ne: I32, NotEqual;
        visit_i32_lt_s: I32, Less;
        visit_i32_lt_u: I32, Below;
        visit_i32_gt_s: I32, Greater;
        visit_i32_gt_u: I32, Above;
        visit_i32_le_s: I32, LessEqual;
        visit_i32_le_u: I32, BelowEqual;
        visit_i32_ge_s: I32, GreaterEqual;
        visit_i32_ge_u: I32, AboveEqual;
        visit_i64_eq: I64, Equal;
        visit_i64_ne: I64, NotEqual;
        visit_i64_lt_s: I64, Less;
        visit_i64_lt_u: I64, Below;
        visit_i64_gt_s: I64, Greater;
        visit_i64_gt_u: I64, Above;
        visit_i64_le_s: I64, LessEqual;
        visit_i64_le_u: I64, BelowEqual;
        visit_i64_ge_s: I64, GreaterEqual;
        visit_i64_ge_u: I64, AboveEqual;
    }

    shift! {
        visit_i32_shl: I32, Left;
        visit_i32_shr_s: I32, RightSign;
        visit_i32_shr_u: I32, RightZero;
        visit_i32_rotl: I32, RotateLeft;
        visit_i32_rotr: I32, RotateRight;
        visit_i64_shl: I64, Left;
        visit_i64_shr_s: I64, RightSign;
        visit_i64_shr_u: I64, RightZero;
        visit_i64_rotl: I64, RotateLeft;
        visit_i64_rotr: I64, RotateRight;
    }

    each! {
        visit_i32_mul: I32, multiply;
        visit_i64_mul: I64, multiply;
        visit_i32_clz: I32, count_leading;
        visit_i64_clz: I64, count_leading;
        visit_i32_ctz: I32, count_trailing;
        visit_i64_ctz: I64, count_trailing;
        visit_i32_popcnt: I32, count_bits;
        visit_i64_popcnt: I64, count_bits;
    }

    pub(crate) fn visit_i32_eqz(&mut self) -> Generated {
        if let Some(Entry { place: Place::Flags(condition), .. }) = self.stack.last_mut() {
            *condition = condition.inverse();
            return Ok(());
        }
        self.push_is_zero()
    }

    pub(crate) fn visit_i64_eqz(&mut self) -> Generated {
        self.push_is_zero()
    }

    /// Replaces the topmost operand by whether it is 0.
    pub(crate) fn push_is_zero(&mut self) -> Generated {
        let condition = self.pop_condition()?.inverse();
        self.push(ValType::I32, Place::Flags(condition));
        Ok(())
    }

    fn binary(&mut self, ty: ValType, binary: Binary) -> Generated {
        let (_, mut right) = self.pop_value()?;
        let (_, mut left) = self.pop_value()?;
        let is_own = |value| matches!(value, Value::Gpr(register) if holds_operands(register));
        let is_constant = |value| matches!(value, Value::Constant(_));
        let swaps = is_constant(left) || is_own(right) && !is_own(left) && !is_constant(right);
        if binary.commutes && swaps {
            (left, right) = (right, left);
        }
        if is_own(left) {
            let target = self.own_gpr(ty, left);
            self.operate(ty, binary, target, right);
            self.push_gpr(ty, target);
            return Ok(());
        }
        let sum = match left {
            Value::Gpr(base) => sum_operand(ty, base, right, binary.operation),
            _ => None,
        };
        let destination = self.destination(Immediates::None);
        // An address is read before its target is written, anything else after that.
        let fits = |register| sum.is_some() || left == register || right != register;
        let destination = destination.filter(|it| fits(Value::Gpr(it.register)));
        let target = match &destination {
            Some(destination) => {
                self.prepare(destination);
                destination.register
            }
            None => self.new_gpr(),
        };
        match sum {
            Some(sum) => {
                self.free(right);
                self.asm.operate(Operation::LOAD_ADDRESS, width(ty), target, sum);
            }
            None => {
                self.load(ty, target, left);
                self.operate(ty, binary, target, right);
            }
        }
        self.push_result(ty, target, destination);
        Ok(())
    }

    /// `target = target operation right`, which is given back.
    fn operate(&mut self, ty: ValType, binary: Binary, target: Gpr, right: Value) {
        match small_constant(ty, right) {
            Some(value) => {
                self.asm.operate_immediate(binary.immediate, width(ty), target, value);
            }
            None => {
                let right = self.integer_operand(ty, right);
                self.asm.operate(binary.operation, width(ty), target, right);
            }
        }
        self.free(right);
    }

    /// Pushes a result that is in its destination, or else in a register of its own.
    pub(crate) fn push_result(
        &mut self,
        ty: ValType,
        target: Gpr,
        destination: Option<Destination<Gpr>>,
    ) {
        match destination {
            Some(destination) => self.push_arrived(ty, &destination),
            None => self.push_gpr(ty, target),
        }
    }

    /// A popped integer as an operand of an instruction: what is no register and not in memory
    /// goes to r11.
    pub(crate) fn integer_operand(&mut self, ty: ValType, value: Value) -> Operand {
        match value {
            Value::Gpr(register) => register.into(),
            Value::Memory(address) => address.into(),
            _ => {
                self.load(ty, R11, value);
                R11.into()
            }
        }
    }

    fn multiply(&mut self, ty: ValType) -> Generated {
        let (_, mut right) = self.pop_value()?;
        let (_, mut left) = self.pop_value()?;
        if matches!(left, Value::Constant(_)) {
            (left, right) = (right, left);
        }
        let target = match small_constant(ty, right) {
            Some(value) => {
                let left = self.readable_gpr(ty, left);
                self.registers.free_gpr(left);
                let target = self.new_gpr();
                self.asm.multiply_immediate(width(ty), target, left, value);
                target
            }
            None => {
                let target = self.own_gpr(ty, left);
                let right = self.integer_operand(ty, right);
                self.asm.operate(Operation::MULTIPLY, width(ty), target, right);
                target
            }
        };
        self.free(right);
        self.push_gpr(ty, target);
        Ok(())
    }

    fn compare(&mut self, ty: ValType, condition: Condition) -> Generated {
        let (_, right) = self.pop_value()?;
        let (_, left) = self.pop_value()?;
        let constant = small_constant(ty, right);
        match (left, constant) {
            (Value::Memory(address), Some(value)) => {
                self.asm.operate_immediate(Immediate::Compare, width(ty), address, value);
            }
            _ => {
                let left = self.readable_gpr(ty, left);
                match constant {
                    Some(0) => self.asm.operate(Operation::TEST, width(ty), left, left),
                    Some(value) => {
                        self.asm.operate_immediate(Immediate::Compare, width(ty), left, value);
                    }
                    None => {
                        let right = self.integer_operand(ty, right);
                        self.asm.operate(Operation::COMPARE, width(ty), left, right);
                    }
                }
                self.registers.free_gpr(left);
            }
        }
        self.free(right);
        self.push(ValType::I32, Place::Flags(condition));
        Ok(())
    }

    fn shift(&mut self, ty: ValType, shift: Shift) -> Generated {
        let (_, count) = self.pop_value()?;
        let (_, left) = self.pop_value()?;
        if let Value::Constant(count) = count {
            let is_own = matches!(left, Value::Gpr(register) if holds_operands(register));
            let destination = self.destination(Immediates::None).filter(|_| !is_own);
            let target = match &destination {
                Some(destination) => {
                    self.prepare(destination);
                    self.load(ty, destination.register, left);
                    destination.register
                }
                None => self.own_gpr(ty, left),
            };
            let mask = if width(ty) == Width::W32 { 31 } else { 63 };
            self.asm.shift_immediate(shift, width(ty), target, count as u8 & mask);
            self.push_result(ty, target, destination);
            return Ok(());
        }
        // The count comes last: taking registers may use r11.
        let target = if left == Value::Gpr(RCX) {
            let target = self.new_gpr();
            self.load(ty, target, left);
            target
        } else {
            self.claim(RCX);
            self.own_gpr(ty, left)
        };
        self.load(ty, RCX, count);
        self.asm.shift_by_rcx(shift, width(ty), target);
        self.free(count);
        self.registers.free_gpr(RCX);
        self.push_gpr(ty, target);
        Ok(())
    }

    fn count_leading(&mut self, ty: ValType) -> Generated {
        let bits = if width(ty) == Width::W32 { 32 } else { 64 };
        // Without a bit, the index is chosen so that the result is the width.
        let target = self.scan(ty, Operation::SCAN_REVERSE, 2 * bits - 1)?;
        self.asm.operate_immediate(Immediate::Xor, Width::W32, target, bits as i32 - 1);
        self.push_gpr(ty, target);
        Ok(())
    }

    fn count_trailing(&mut self, ty: ValType) -> Generated {
        let bits = if width(ty) == Width::W32 { 32 } else { 64 };
        let target = self.scan(ty, Operation::SCAN_FORWARD, bits)?;
        self.push_gpr(ty, target);
        Ok(())
    }

    /// Index of a bit, or `without` if there is none.
    fn scan(&mut self, ty: ValType, operation: Operation, without: u64) -> Generated<Gpr> {
        let source = self.pop_gpr()?;
        let target = self.new_gpr();
        self.asm.operate(operation, width(ty), target, source);
        self.asm.load_constant(R11, without);
        self.asm.move_if(Condition::Equal, width(ty), target, R11);
        self.registers.free_gpr(source);
        Ok(target)
    }

    fn count_bits(&mut self, ty: ValType) -> Generated {
        if !self.environment.features.popcnt {
            return self.count_bits_in_steps(ty);
        }
        let source = self.pop_gpr()?;
        let target = self.new_gpr();
        self.asm.operate(Operation::COUNT_BITS, width(ty), target, source);
        self.registers.free_gpr(source);
        self.push_gpr(ty, target);
        Ok(())
    }

    /// Counts bits in pairs, in fours and in eights, and adds the bytes by a multiplication.
    fn count_bits_in_steps(&mut self, ty: ValType) -> Generated {
        let target = self.pop_own_gpr()?;
        let width = width(ty);
        let copy_right = |this: &mut Self, count| {
            this.asm.operate(Operation::LOAD, width, R11, target);
            this.asm.shift_immediate(Shift::RightZero, width, R11, count);
        };
        self.load_bytes(width, 0x55);
        copy_right(self, 1);
        self.asm.operate(Operation::AND, width, R11, R10);
        self.asm.operate(Operation::SUBTRACT, width, target, R11);
        self.load_bytes(width, 0x33);
        copy_right(self, 2);
        self.asm.operate(Operation::AND, width, R11, R10);
        self.asm.operate(Operation::AND, width, target, R10);
        self.asm.operate(Operation::ADD, width, target, R11);
        self.load_bytes(width, 0x0f);
        copy_right(self, 4);
        self.asm.operate(Operation::ADD, width, target, R11);
        self.asm.operate(Operation::AND, width, target, R10);
        self.load_bytes(width, 0x01);
        self.asm.operate(Operation::MULTIPLY, width, target, R10);
        let highest = if width == Width::W32 { 24 } else { 56 };
        self.asm.shift_immediate(Shift::RightZero, width, target, highest);
        self.push_gpr(ty, target);
        Ok(())
    }

    /// Loads a constant of equal bytes to r10.
    fn load_bytes(&mut self, width: Width, byte: u8) {
        let bits = u64::from_le_bytes([byte; 8]);
        let bits = if width == Width::W32 { bits & u64::from(u32::MAX) } else { bits };
        self.asm.load_constant(R10, bits);
    }
}

/// A constant that fits in an instruction.
pub(crate) fn small_constant(ty: ValType, value: Value) -> Option<i32> {
    match value {
        Value::Constant(bits) if width(ty) == Width::W32 => Some(bits as i32),
        Value::Constant(bits) => i32::try_from(bits as i64).ok(),
        _ => None,
    }
}

/// The sum of a register and something, or their difference, as an address.
fn sum_operand(ty: ValType, base: Gpr, right: Value, operation: Operation) -> Option<Operand> {
    match right {
        Value::Constant(_) => {
            let offset = match operation {
                Operation::ADD => small_constant(ty, right)?,
                Operation::SUBTRACT => small_constant(ty, right)?.checked_neg()?,
                _ => return None,
            };
            Some(Operand::Memory { base, index: None, offset })
        }
        Value::Gpr(index) if operation == Operation::ADD => {
            Some(Operand::Memory { base, index: Some((index, 0)), offset: 0 })
        }
        _ => None,
    }
}
