//! Division and remainder: dividend in rax, divisor in r11, results in rax and rdx.

use tierup_abi::TrapKind;
use tierup_asm::{Condition, Immediate, Operation, R11, RAX, RDX, Unary, Width};
use tierup_wasm::ValType;

use crate::{
    generator::{Generated, Generator},
    stack::{Value, width},
};

macro_rules! divide {
    ($($visit:ident: $ty:ident, $method:ident, $remainder:literal;)*) => {$(
        pub(crate) fn $visit(&mut self) -> Generated {
            self.$method(ValType::$ty, Part { remainder: $remainder })
        }
    )*};
}

/// Which result is wanted.
#[derive(Clone, Copy)]
struct Part {
    remainder: bool,
}

impl Generator<'_> {
    divide! {
        visit_i32_div_s: I32, divide_signed, false;
        visit_i32_div_u: I32, divide_unsigned, false;
        visit_i32_rem_s: I32, divide_signed, true;
        visit_i32_rem_u: I32, divide_unsigned, true;
        visit_i64_div_s: I64, divide_signed, false;
        visit_i64_div_u: I64, divide_unsigned, false;
        visit_i64_rem_s: I64, divide_signed, true;
        visit_i64_rem_u: I64, divide_unsigned, true;
    }

    fn divide_unsigned(&mut self, ty: ValType, part: Part) -> Generated {
        self.pop_division(ty)?;
        self.asm.operate(Operation::XOR, Width::W32, RDX, RDX);
        self.asm.unary(Unary::DivideUnsigned, width(ty), R11);
        self.push_part(ty, part);
        Ok(())
    }

    fn divide_signed(&mut self, ty: ValType, part: Part) -> Generated {
        let divisor = self.pop_division(ty)?;
        let done = self.asm.label();
        let minus_one = if width(ty) == Width::W32 { u64::from(u32::MAX) } else { u64::MAX };
        // The hardware would raise a fault for the smallest number divided by -1.
        if !matches!(divisor, Value::Constant(bits) if bits != minus_one) {
            let other = self.asm.label();
            self.asm.operate_immediate(Immediate::Compare, width(ty), R11, -1);
            self.asm.jump_if(Condition::NotEqual, other);
            if part.remainder {
                self.asm.operate(Operation::XOR, Width::W32, RDX, RDX);
            } else {
                self.asm.unary(Unary::Negate, width(ty), RAX);
                self.trap_if(Condition::Overflow, TrapKind::IntegerOverflow);
            }
            self.asm.jump(done);
            self.asm.bind(other);
        }
        self.asm.extend_rax(width(ty));
        self.asm.unary(Unary::DivideSigned, width(ty), R11);
        self.asm.bind(done);
        self.push_part(ty, part);
        Ok(())
    }

    /// Pops the operands to rax and r11, takes rdx, and traps if the divisor is 0.
    fn pop_division(&mut self, ty: ValType) -> Generated<Value> {
        let (_, divisor) = self.pop_value()?;
        let (_, dividend) = self.pop_value()?;
        self.load(ty, R11, divisor);
        self.free(divisor);
        if dividend != Value::Gpr(RAX) {
            self.claim(RAX);
            self.load(ty, RAX, dividend);
            self.free(dividend);
        }
        self.claim(RDX);
        if !matches!(divisor, Value::Constant(bits) if bits != 0) {
            self.asm.operate(Operation::TEST, width(ty), R11, R11);
            self.trap_if(Condition::Equal, TrapKind::IntegerDivideByZero);
        }
        Ok(divisor)
    }

    fn push_part(&mut self, ty: ValType, part: Part) {
        let (result, other) = if part.remainder { (RDX, RAX) } else { (RAX, RDX) };
        self.registers.free_gpr(other);
        self.push_gpr(ty, result);
    }
}
