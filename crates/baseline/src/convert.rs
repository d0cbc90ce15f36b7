//! Conversions between scalar types.

use tierup_abi::{Gpr, TrapKind, Xmm};
use tierup_asm::{Condition, FloatOperation, Immediate, Label, Operation, R11, Shift, Width};
use tierup_wasm::ValType;

use crate::{
    generator::{Generated, Generator},
    registers::holds_operands,
    stack::{Place, Value, width},
    transfer::SCRATCH_XMM,
};

macro_rules! convert {
    ($($visit:ident: $method:ident($($argument:expr),*);)*) => {$(
        pub(crate) fn $visit(&mut self) -> Generated {
            self.$method($($argument),*)
        }
    )*};
}

/// A float that is to become an integer: where it is, where it goes, and their types.
#[derive(Clone, Copy)]
struct Truncation {
    source: Xmm,
    target: Gpr,
    from: ValType,
    to: ValType,
}

use ValType::{F32, F64, I32, I64};

impl Generator<'_> {
    convert! {
        visit_i32_trunc_f32_s: truncate_signed(F32, I32);
        visit_i32_trunc_f64_s: truncate_signed(F64, I32);
        visit_i64_trunc_f32_s: truncate_signed(F32, I64);
        visit_i64_trunc_f64_s: truncate_signed(F64, I64);
        visit_i32_trunc_f32_u: truncate_u32(F32);
        visit_i32_trunc_f64_u: truncate_u32(F64);
        visit_i64_trunc_f32_u: truncate_u64(F32);
        visit_i64_trunc_f64_u: truncate_u64(F64);
        visit_i32_trunc_sat_f32_s: saturate_signed(F32, I32);
        visit_i32_trunc_sat_f64_s: saturate_signed(F64, I32);
        visit_i64_trunc_sat_f32_s: saturate_signed(F32, I64);
        visit_i64_trunc_sat_f64_s: saturate_signed(F64, I64);
        visit_i32_trunc_sat_f32_u: saturate_u32(F32);
        visit_i32_trunc_sat_f64_u: saturate_u32(F64);
        visit_i64_trunc_sat_f32_u: saturate_u64(F32);
        visit_i64_trunc_sat_f64_u: saturate_u64(F64);
        visit_f32_convert_i32_s: convert_integer(Width::W32, F32);
        visit_f32_convert_i32_u: convert_integer(Width::W64, F32);
        visit_f32_convert_i64_s: convert_integer(Width::W64, F32);
        visit_f32_convert_i64_u: convert_u64(F32);
        visit_f64_convert_i32_s: convert_integer(Width::W32, F64);
        visit_f64_convert_i32_u: convert_integer(Width::W64, F64);
        visit_f64_convert_i64_s: convert_integer(Width::W64, F64);
        visit_f64_convert_i64_u: convert_u64(F64);
        visit_f32_demote_f64: resize(F64, F32);
        visit_f64_promote_f32: resize(F32, F64);
        visit_i32_reinterpret_f32: reinterpret(I32);
        visit_i64_reinterpret_f64: reinterpret(I64);
        visit_f32_reinterpret_i32: reinterpret(F32);
        visit_f64_reinterpret_i64: reinterpret(F64);
        visit_i32_extend8_s: extend_part(I32, Operation::LOAD8_SIGN);
        visit_i32_extend16_s: extend_part(I32, Operation::LOAD16_SIGN);
        visit_i64_extend8_s: extend_part(I64, Operation::LOAD8_SIGN);
        visit_i64_extend16_s: extend_part(I64, Operation::LOAD16_SIGN);
        visit_i64_extend32_s: extend_part(I64, Operation::LOAD32_SIGN);
        visit_i64_extend_i32_s: extend_part(I64, Operation::LOAD32_SIGN);
        visit_i32_wrap_i64: low_half(I32);
        visit_i64_extend_i32_u: low_half(I64);
    }

    /// The lower half, extended with zeros.
    fn low_half(&mut self, ty: ValType) -> Generated {
        let (from, value) = self.pop_value()?;
        match value {
            Value::Constant(bits) => {
                self.push(ty, Place::Constant(bits & u64::from(u32::MAX)));
                return Ok(());
            }
            Value::Gpr(register) if holds_operands(register) => {
                // [BA-ZERO]
                if from == I64 {
                    self.clear_upper_half(I32, register);
                }
                self.push_gpr(ty, register);
            }
            _ => {
                let register = self.new_gpr();
                self.load(I32, register, value);
                self.push_gpr(ty, register);
            }
        }
        Ok(())
    }

    fn extend_part(&mut self, ty: ValType, operation: Operation) -> Generated {
        let (from, value) = self.pop_value()?;
        // A constant goes to r11, which taking a register may use.
        if let Value::Gpr(register) = value {
            self.registers.free_gpr(register);
        }
        let target = self.new_gpr();
        let operand = self.integer_operand(from, value);
        self.asm.operate(operation, width(ty), target, operand);
        self.push_gpr(ty, target);
        Ok(())
    }

    fn reinterpret(&mut self, ty: ValType) -> Generated {
        let (from, value) = self.pop_value()?;
        if let Value::Constant(bits) = value {
            self.push(ty, Place::Constant(bits));
        } else if matches!(ty, F32 | F64) {
            let target = self.new_xmm();
            self.load_xmm(from, target, value);
            self.free(value);
            self.push_xmm(ty, target);
        } else {
            let target = self.new_gpr();
            self.load(from, target, value);
            self.free(value);
            self.push_gpr(ty, target);
        }
        Ok(())
    }

    fn resize(&mut self, from: ValType, to: ValType) -> Generated {
        let source = self.pop_xmm()?;
        let operation = FloatOperation::Resize.of(width(from));
        self.asm.operate(operation, Width::W32, source, source);
        self.push_xmm(to, source);
        Ok(())
    }

    fn convert_integer(&mut self, width: Width, to: ValType) -> Generated {
        let source = self.pop_gpr()?;
        let target = self.zero_xmm();
        let widths = (width, crate::stack::width(to));
        self.asm.convert(FloatOperation::FromInteger, widths, target, source);
        self.registers.free_gpr(source);
        self.push_xmm(to, target);
        Ok(())
    }

    /// A vector register that waits for nothing.
    fn zero_xmm(&mut self) -> Xmm {
        let target = self.new_xmm();
        self.asm.operate(Operation::XOR_VECTOR, Width::W32, target, target);
        target
    }

    /// What does not fit is halved, with the lost bit kept for rounding, and doubled.
    fn convert_u64(&mut self, to: ValType) -> Generated {
        let source = self.pop_own_gpr()?;
        let target = self.zero_xmm();
        let (large, done) = (self.asm.label(), self.asm.label());
        let widths = (Width::W64, width(to));
        self.asm.operate(Operation::TEST, Width::W64, source, source);
        self.asm.jump_if(Condition::Sign, large);
        self.asm.convert(FloatOperation::FromInteger, widths, target, source);
        self.asm.jump(done);
        self.asm.bind(large);
        self.asm.move_register(R11, source);
        self.asm.shift_immediate(Shift::RightZero, Width::W64, R11, 1);
        self.asm.operate_immediate(Immediate::And, Width::W32, source, 1);
        self.asm.operate(Operation::OR, Width::W64, R11, source);
        self.asm.convert(FloatOperation::FromInteger, widths, target, R11);
        self.asm.operate(FloatOperation::Add.of(width(to)), Width::W32, target, target);
        self.asm.bind(done);
        self.registers.free_gpr(source);
        self.push_xmm(to, target);
        Ok(())
    }

    fn pop_truncation(&mut self, from: ValType, to: ValType) -> Generated<Truncation> {
        let source = self.pop_xmm()?;
        let target = self.new_gpr();
        Ok(Truncation { source, target, from, to })
    }

    fn push_truncated(&mut self, it: Truncation) {
        self.registers.free_xmm(it.source);
        self.push_gpr(it.to, it.target);
    }

    /// Truncates to a signed integer; the smallest one if that does not fit.
    fn emit_truncation(&mut self, it: Truncation, width: Width) {
        let widths = (width, crate::stack::width(it.from));
        self.asm.convert(FloatOperation::ToInteger, widths, it.target, it.source);
    }

    /// Compares the float with a constant.
    fn compare_float(&mut self, it: Truncation, bits: u64) {
        self.load_xmm(it.from, SCRATCH_XMM, Value::Constant(bits));
        let compare = FloatOperation::compare(width(it.from));
        self.asm.operate(compare, Width::W32, it.source, SCRATCH_XMM);
    }

    fn trap_unless_number(&mut self, it: Truncation) {
        let compare = FloatOperation::compare(width(it.from));
        self.asm.operate(compare, Width::W32, it.source, it.source);
        self.trap_if(Condition::Parity, TrapKind::InvalidConversion);
    }

    /// Jumps unless the integer is the smallest one, which may mean that nothing fits.
    fn jump_unless_smallest(&mut self, it: Truncation, label: Label) {
        self.asm.operate_immediate(Immediate::Compare, width(it.to), it.target, 1);
        self.asm.jump_if(Condition::NoOverflow, label);
    }

    fn truncate_signed(&mut self, from: ValType, to: ValType) -> Generated {
        let it = self.pop_truncation(from, to)?;
        let done = self.asm.label();
        self.emit_truncation(it, width(to));
        self.jump_unless_smallest(it, done);
        self.trap_unless_number(it);
        // The smallest integer itself, or the next float below it, is the limit.
        let (limit, condition) = match (from, to) {
            (F32, I32) => (u64::from((-2_147_483_648_f32).to_bits()), Condition::Below),
            (F32, _) => (u64::from((-9_223_372_036_854_775_808_f32).to_bits()), Condition::Below),
            (_, I32) => ((-2_147_483_649_f64).to_bits(), Condition::BelowEqual),
            _ => ((-9_223_372_036_854_775_808_f64).to_bits(), Condition::Below),
        };
        self.compare_float(it, limit);
        self.trap_if(condition, TrapKind::IntegerOverflow);
        self.compare_float(it, 0);
        self.trap_if(Condition::Above, TrapKind::IntegerOverflow);
        self.asm.bind(done);
        self.push_truncated(it);
        Ok(())
    }

    fn truncate_u32(&mut self, from: ValType) -> Generated {
        let it = self.pop_truncation(from, I32)?;
        let done = self.asm.label();
        self.truncate_wide(it, done);
        self.trap_unless_number(it);
        let overflow = self.cold_trap(TrapKind::IntegerOverflow);
        self.asm.jump(overflow);
        self.asm.bind(done);
        self.push_truncated(it);
        Ok(())
    }

    /// Truncates to 64 bits, and jumps if the result fits in 32 without sign.
    fn truncate_wide(&mut self, it: Truncation, fits: Label) {
        self.emit_truncation(it, Width::W64);
        self.asm.move_register(R11, it.target);
        self.asm.shift_immediate(Shift::RightZero, Width::W64, R11, 32);
        self.asm.jump_if(Condition::Equal, fits);
    }

    fn truncate_u64(&mut self, from: ValType) -> Generated {
        let it = self.pop_truncation(from, I64)?;
        let (large, done) = (self.asm.label(), self.asm.label());
        self.compare_float(it, two_to_63(from));
        self.asm.jump_if(Condition::AboveEqual, large);
        self.emit_truncation(it, Width::W64);
        self.asm.operate(Operation::TEST, Width::W64, it.target, it.target);
        self.asm.jump_if(Condition::NoSign, done);
        self.trap_unless_number(it);
        let overflow = self.cold_trap(TrapKind::IntegerOverflow);
        self.asm.jump(overflow);
        self.asm.bind(large);
        self.truncate_large(it);
        self.asm.jump_if(Condition::Sign, overflow);
        self.asm.flip_sign(Width::W64, it.target);
        self.asm.bind(done);
        self.push_truncated(it);
        Ok(())
    }

    /// Truncates a float without 2^63, which is in the scratch register. Negative if too large.
    fn truncate_large(&mut self, it: Truncation) {
        let subtract = FloatOperation::Subtract.of(width(it.from));
        self.asm.operate(subtract, Width::W32, it.source, SCRATCH_XMM);
        self.emit_truncation(it, Width::W64);
        self.asm.operate(Operation::TEST, Width::W64, it.target, it.target);
    }

    fn saturate_signed(&mut self, from: ValType, to: ValType) -> Generated {
        let it = self.pop_truncation(from, to)?;
        let (zero, done) = (self.asm.label(), self.asm.label());
        self.emit_truncation(it, width(to));
        self.jump_unless_smallest(it, done);
        self.compare_float(it, 0);
        self.asm.jump_if(Condition::Parity, zero);
        // What is too small is the smallest integer already.
        self.asm.jump_if(Condition::Below, done);
        let largest = if to == I32 { i32::MAX as u64 } else { i64::MAX as u64 };
        self.asm.load_constant(it.target, largest);
        self.asm.jump(done);
        self.asm.bind(zero);
        self.asm.load_constant(it.target, 0);
        self.asm.bind(done);
        self.push_truncated(it);
        Ok(())
    }

    fn saturate_u32(&mut self, from: ValType) -> Generated {
        let it = self.pop_truncation(from, I32)?;
        let done = self.asm.label();
        self.truncate_wide(it, done);
        self.compare_float(it, 0);
        self.asm.load_constant(it.target, 0);
        self.asm.jump_if(Condition::BelowEqual, done);
        self.asm.load_constant(it.target, u32::MAX.into());
        self.asm.bind(done);
        self.push_truncated(it);
        Ok(())
    }

    fn saturate_u64(&mut self, from: ValType) -> Generated {
        let it = self.pop_truncation(from, I64)?;
        let (large, fits, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.compare_float(it, two_to_63(from));
        self.asm.jump_if(Condition::AboveEqual, large);
        self.emit_truncation(it, Width::W64);
        self.asm.operate(Operation::TEST, Width::W64, it.target, it.target);
        self.asm.jump_if(Condition::NoSign, done);
        self.asm.load_constant(it.target, 0);
        self.asm.jump(done);
        self.asm.bind(large);
        self.truncate_large(it);
        self.asm.jump_if(Condition::NoSign, fits);
        self.asm.load_constant(it.target, u64::MAX);
        self.asm.jump(done);
        self.asm.bind(fits);
        self.asm.flip_sign(Width::W64, it.target);
        self.asm.bind(done);
        self.push_truncated(it);
        Ok(())
    }
}

/// 2^63 as a float of that type.
fn two_to_63(ty: ValType) -> u64 {
    match ty {
        F32 => 9_223_372_036_854_775_808_f32.to_bits().into(),
        _ => 9_223_372_036_854_775_808_f64.to_bits(),
    }
}
