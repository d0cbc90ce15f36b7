//! Arithmetic and comparison of floats.

use tierup_abi::{Gpr, Xmm};
use tierup_asm::{Condition, FloatOperation, Operation, R10, R11, Shift, Width};
use tierup_wasm::ValType;

use crate::{
    destination::{Destination, Immediates},
    generator::{Generated, Generator},
    stack::{Place, Value, width},
};

macro_rules! binary {
    ($($visit:ident: $ty:ident, $operation:ident;)*) => {$(
        pub(crate) fn $visit(&mut self) -> Generated {
            self.float_binary(ValType::$ty, FloatOperation::$operation)
        }
    )*};
}

macro_rules! compare {
    ($($visit:ident: $ty:ident, $method:ident, $argument:expr;)*) => {$(
        pub(crate) fn $visit(&mut self) -> Generated {
            self.$method(ValType::$ty, $argument)
        }
    )*};
}

macro_rules! each {
    ($($visit:ident: $ty:ident, $method:ident $(, $argument:expr)?;)*) => {$(
        pub(crate) fn $visit(&mut self) -> Generated {
            self.$method(ValType::$ty $(, $argument)?)
        }
    )*};
}

/// The order of operands that a comparison has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As they are.
    LeftRight,
    /// Turned round, because only "above" is false for NaNs.
    RightLeft,
}

impl Generator<'_> {
    binary! {
        visit_f32_add: F32, Add;
        visit_f32_sub: F32, Subtract;
        visit_f32_mul: F32, Multiply;
        visit_f32_div: F32, Divide;
        visit_f64_add: F64, Add;
        visit_f64_sub: F64, Subtract;
        visit_f64_mul: F64, Multiply;
        visit_f64_div: F64, Divide;
    }

    compare! {
        visit_f32_eq: F32, float_equal, Condition::Equal;
        visit_f32_ne: F32, float_equal, Condition::NotEqual;
        visit_f32_lt: F32, float_compare, (Order::RightLeft, Condition::Above);
        visit_f32_gt: F32, float_compare, (Order::LeftRight, Condition::Above);
        visit_f32_le: F32, float_compare, (Order::RightLeft, Condition::AboveEqual);
        visit_f32_ge: F32, float_compare, (Order::LeftRight, Condition::AboveEqual);
        visit_f64_eq: F64, float_equal, Condition::Equal;
        visit_f64_ne: F64, float_equal, Condition::NotEqual;
        visit_f64_lt: F64, float_compare, (Order::RightLeft, Condition::Above);
        visit_f64_gt: F64, float_compare, (Order::LeftRight, Condition::Above);
        visit_f64_le: F64, float_compare, (Order::RightLeft, Condition::AboveEqual);
        visit_f64_ge: F64, float_compare, (Order::LeftRight, Condition::AboveEqual);
    }

    each! {
        visit_f32_abs: F32, float_abs;
        visit_f64_abs: F64, float_abs;
        visit_f32_neg: F32, float_neg;
        visit_f64_neg: F64, float_neg;
        visit_f32_sqrt: F32, float_sqrt;
        visit_f64_sqrt: F64, float_sqrt;
        visit_f32_nearest: F32, float_round, 0;
        visit_f32_floor: F32, float_round, 1;
        visit_f32_ceil: F32, float_round, 2;
        visit_f32_trunc: F32, float_round, 3;
        visit_f64_nearest: F64, float_round, 0;
        visit_f64_floor: F64, float_round, 1;
        visit_f64_ceil: F64, float_round, 2;
        visit_f64_trunc: F64, float_round, 3;
        visit_f32_min: F32, float_extreme, FloatOperation::Minimum;
        visit_f32_max: F32, float_extreme, FloatOperation::Maximum;
        visit_f64_min: F64, float_extreme, FloatOperation::Minimum;
        visit_f64_max: F64, float_extreme, FloatOperation::Maximum;
        visit_f32_copysign: F32, float_copysign;
        visit_f64_copysign: F64, float_copysign;
    }

    fn float_binary(&mut self, ty: ValType, operation: FloatOperation) -> Generated {
        let (_, right) = self.pop_value()?;
        let (_, left) = self.pop_value()?;
        let is_own = matches!(left, Value::Xmm(register) if self.registers.is_operands(register));
        let fits = |register| left == register || right != register;
        let destination = self.float_destination(Immediates::None).filter(|_| !is_own);
        let destination = destination.filter(|it| fits(Value::Xmm(it.register)));
        let target = match &destination {
            Some(destination) => {
                self.prepare(destination);
                self.load_xmm(ty, destination.register, left);
                destination.register
            }
            None => self.own_xmm(ty, left),
        };
        let (operand, right) = self.float_operand(ty, right);
        self.asm.operate(operation.of(width(ty)), Width::W32, target, operand);
        self.free(right);
        self.push_float_result(ty, target, destination);
        Ok(())
    }

    /// Pushes a result that is in its destination, or else in a register of its own.
    pub(crate) fn push_float_result(
        &mut self,
        ty: ValType,
        target: Xmm,
        destination: Option<Destination<Xmm>>,
    ) {
        match destination {
            Some(destination) => self.push_arrived(ty, &destination),
            None => self.push_xmm(ty, target),
        }
    }

    fn float_compare(&mut self, ty: ValType, (order, condition): (Order, Condition)) -> Generated {
        let (_, mut right) = self.pop_value()?;
        let (_, mut left) = self.pop_value()?;
        if order == Order::RightLeft {
            (left, right) = (right, left);
        }
        let left = self.readable_xmm(ty, left);
        let (operand, right) = self.float_operand(ty, right);
        self.asm.operate(FloatOperation::compare(width(ty)), Width::W32, left, operand);
        self.registers.free_xmm(left);
        self.free(right);
        self.push(ValType::I32, Place::Flags(condition));
        Ok(())
    }

    /// Equal needs two flags: ordered and equal.
    fn float_equal(&mut self, ty: ValType, condition: Condition) -> Generated {
        let (_, right) = self.pop_value()?;
        let left = self.pop_xmm()?;
        let (operand, right) = self.float_operand(ty, right);
        let target = self.new_gpr();
        self.asm.operate(FloatOperation::compare(width(ty)), Width::W32, left, operand);
        let (equal, ordered, join) = match condition {
            Condition::Equal => (Condition::Equal, Condition::NoParity, Operation::AND),
            _ => (Condition::NotEqual, Condition::Parity, Operation::OR),
        };
        self.asm.set_if(equal, target);
        self.asm.set_if(ordered, R11);
        self.asm.operate(join, Width::W32, target, R11);
        self.asm.operate(Operation::LOAD8_ZERO, Width::W32, target, target);
        self.registers.free_xmm(left);
        self.free(right);
        self.push_gpr(ValType::I32, target);
        Ok(())
    }

    fn float_sqrt(&mut self, ty: ValType) -> Generated {
        let (_, value) = self.pop_value()?;
        let (operand, value) = self.float_operand(ty, value);
        self.free(value);
        let target = self.new_xmm();
        let operation = FloatOperation::SquareRoot.of(width(ty));
        self.asm.operate(operation, Width::W32, target, operand);
        self.push_xmm(ty, target);
        Ok(())
    }

    fn float_round(&mut self, ty: ValType, mode: u8) -> Generated {
        let (_, value) = self.pop_value()?;
        let (operand, value) = self.float_operand(ty, value);
        self.free(value);
        let target = self.new_xmm();
        self.asm.round(width(ty), mode, target, operand);
        self.push_xmm(ty, target);
        Ok(())
    }

    fn float_abs(&mut self, ty: ValType) -> Generated {
        let target = self.pop_bits(ty, R11)?;
        self.clear_sign(ty, R11);
        self.asm.operate(Operation::TO_VECTOR, width(ty), target, R11);
        self.push_xmm(ty, target);
        Ok(())
    }

    fn float_neg(&mut self, ty: ValType) -> Generated {
        let target = self.pop_bits(ty, R11)?;
        self.asm.flip_sign(width(ty), R11);
        self.asm.operate(Operation::TO_VECTOR, width(ty), target, R11);
        self.push_xmm(ty, target);
        Ok(())
    }

    fn float_copysign(&mut self, ty: ValType) -> Generated {
        let sign = self.pop_bits(ty, R10)?;
        self.registers.free_xmm(sign);
        let target = self.pop_bits(ty, R11)?;
        let count = if width(ty) == Width::W32 { 31 } else { 63 };
        self.clear_sign(ty, R11);
        self.asm.shift_immediate(Shift::RightZero, width(ty), R10, count);
        self.asm.shift_immediate(Shift::Left, width(ty), R10, count);
        self.asm.operate(Operation::OR, width(ty), R11, R10);
        self.asm.operate(Operation::TO_VECTOR, width(ty), target, R11);
        self.push_xmm(ty, target);
        Ok(())
    }

    /// Pops a float's bits to a general register. Gives a vector register for the result.
    fn pop_bits(&mut self, ty: ValType, register: Gpr) -> Generated<Xmm> {
        let (_, value) = self.pop_value()?;
        let target = match value {
            Value::Xmm(target) if self.registers.is_operands(target) => target,
            _ => self.new_xmm(),
        };
        self.load(ty, register, value);
        Ok(target)
    }

    fn clear_sign(&mut self, ty: ValType, register: Gpr) {
        self.asm.shift_immediate(Shift::Left, width(ty), register, 1);
        self.asm.shift_immediate(Shift::RightZero, width(ty), register, 1);
    }

    /// The hardware's operation is wrong for zeros of different sign and for NaNs.
    fn float_extreme(&mut self, ty: ValType, operation: FloatOperation) -> Generated {
        let right = self.pop_xmm()?;
        let left = self.pop_xmm()?;
        let zeros = match operation {
            FloatOperation::Minimum => Operation::OR_VECTOR,
            _ => Operation::AND_VECTOR,
        };
        let (different, nan, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.operate(FloatOperation::compare(width(ty)), Width::W32, left, right);
        self.asm.jump_if(Condition::Parity, nan);
        self.asm.jump_if(Condition::NotEqual, different);
        self.asm.operate(zeros, Width::W32, left, right);
        self.asm.jump(done);
        self.asm.bind(nan);
        self.asm.operate(FloatOperation::Add.of(width(ty)), Width::W32, left, right);
        self.asm.jump(done);
        self.asm.bind(different);
        self.asm.operate(operation.of(width(ty)), Width::W32, left, right);
        self.asm.bind(done);
        self.registers.free_xmm(right);
        self.push_xmm(ty, left);
        Ok(())
    }
}
