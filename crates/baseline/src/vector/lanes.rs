//! Single lanes: splat, extract, replace.

use tierup_abi::Xmm;
use tierup_asm::{Operation, Width, vector};
use tierup_wasm::ValType;

use super::operands::{each, lanes8, lanes16, lanes32, lanes64};
use crate::{
    generator::{Generated, Generator},
    stack::{Place, Value, uses_xmm, width},
    transfer::SCRATCH_XMM,
};

/// How a lane gets into a general register.
#[derive(Clone, Copy)]
struct Extraction {
    ty: ValType,
    /// Bytes of a lane.
    size: u8,
    /// From memory, and, if it is narrow, from a register that has zeros above it.
    load: Operation,
    /// From a vector.
    extract: Operation,
}

impl Extraction {
    /// Whether what `extract` leaves has no sign yet.
    fn extends(&self) -> bool {
        self.load == Operation::LOAD8_SIGN || self.load == Operation::LOAD16_SIGN
    }
}

macro_rules! extract {
    ($($visit:ident: $ty:ident, $size:literal, $load:ident, $extract:ident;)*) => {$(
        pub(crate) fn $visit(&mut self, lane: u8) -> Generated {
            let (load, extract) = (Operation::$load, vector::$extract);
            self.extract_lane(Extraction { ty: ValType::$ty, size: $size, load, extract }, lane)
        }
    )*};
}

macro_rules! with_lane {
    ($($visit:ident: $method:ident($($argument:expr),*);)*) => {$(
        pub(crate) fn $visit(&mut self, lane: u8) -> Generated {
            self.$method(lane $(, $argument)*)
        }
    )*};
}

impl Generator<'_> {
    each! {
        visit_i8x16_splat: splat(1);
        visit_i16x8_splat: splat(2);
        visit_i32x4_splat: splat(4);
        visit_i64x2_splat: splat(8);
        visit_f32x4_splat: splat(4);
        visit_f64x2_splat: splat(8);
    }

    extract! {
        visit_i8x16_extract_lane_s: I32, 1, LOAD8_SIGN, EXTRACT8;
        visit_i8x16_extract_lane_u: I32, 1, LOAD8_ZERO, EXTRACT8;
        visit_i16x8_extract_lane_s: I32, 2, LOAD16_SIGN, EXTRACT16;
        visit_i16x8_extract_lane_u: I32, 2, LOAD16_ZERO, EXTRACT16;
        visit_i32x4_extract_lane: I32, 4, LOAD, EXTRACT;
        visit_i64x2_extract_lane: I64, 8, LOAD, EXTRACT;
    }

    with_lane! {
        visit_f32x4_extract_lane: extract_float(ValType::F32);
        visit_f64x2_extract_lane: extract_float(ValType::F64);
        visit_i8x16_replace_lane: replace_lane(1, vector::INSERT8);
        visit_i16x8_replace_lane: replace_lane(2, vector::INSERT16);
        visit_i32x4_replace_lane: replace_lane(4, vector::INSERT);
        visit_i64x2_replace_lane: replace_lane(8, vector::INSERT);
    }

    fn splat(&mut self, size: u8) -> Generated {
        let (ty, value) = self.pop_value()?;
        if let Value::Constant(bits) = value {
            let constant = self.constant(match size {
                1 => lanes8(bits as u8),
                2 => lanes16(bits as u16),
                4 => lanes32(bits as u32),
                _ => lanes64(bits),
            });
            self.push(ValType::V128, Place::Vector(constant));
            return Ok(());
        }
        let target = if uses_xmm(ty) {
            self.own_xmm(ty, value)
        } else {
            let target = self.new_xmm();
            let operand = self.integer_operand(ty, value);
            self.asm.operate(Operation::TO_VECTOR, width(ty), target, operand);
            self.free(value);
            target
        };
        self.spread(target, size);
        self.push_vector(target);
        Ok(())
    }

    /// Copies the lowest lane to all others. Uses xmm15.
    pub(super) fn spread(&mut self, target: Xmm, size: u8) {
        match size {
            1 => {
                self.clear(SCRATCH_XMM);
                self.apply(vector::SHUFFLE8, target, SCRATCH_XMM);
            }
            2 => {
                self.apply_byte((vector::ORDER16_LOW, 0), target, target);
                self.apply_byte((vector::ORDER32, 0), target, target);
            }
            4 => self.apply_byte((vector::ORDER32, 0), target, target),
            _ => self.apply(vector::INTERLEAVE64_LOW, target, target),
        }
    }

    fn extract_lane(&mut self, it: Extraction, lane: u8) -> Generated {
        self.check_lane(lane, it.size)?;
        let (_, value) = self.pop_value()?;
        let width = width(it.ty);
        if let Value::Memory(address) = value {
            let target = self.new_gpr();
            let address = address.plus((lane * it.size).into());
            self.asm.operate(it.load, width, target, address);
            self.push_gpr(it.ty, target);
            return Ok(());
        }
        let source = self.readable_xmm(ValType::V128, value);
        let target = self.new_gpr();
        match (lane, it.size) {
            (0, 4 | 8) => self.asm.operate(Operation::FROM_VECTOR, width, source, target),
            _ => self.asm.operate_byte((it.extract, lane), width, source, target),
        }
        if it.extends() {
            self.asm.operate(it.load, width, target, target);
        }
        self.registers.free_xmm(source);
        self.push_gpr(it.ty, target);
        Ok(())
    }

    /// What lies above the lane in its register does not matter.
    fn extract_float(&mut self, lane: u8, ty: ValType) -> Generated {
        let size = if ty == ValType::F32 { 4 } else { 8 };
        self.check_lane(lane, size)?;
        let (_, value) = self.pop_value()?;
        let target = match value {
            Value::Memory(address) => {
                let address = address.plus((lane * size).into());
                self.own_xmm(ty, Value::Memory(address))
            }
            _ => self.own_xmm(ValType::V128, value),
        };
        if lane != 0 && !matches!(value, Value::Memory(_)) {
            // Lane 1 of 64 bits begins with lane 2 of 32.
            let order = if size == 4 { lane } else { 0xee };
            self.apply_byte((vector::ORDER32, order), target, target);
        }
        self.push_xmm(ty, target);
        Ok(())
    }

    fn replace_lane(&mut self, lane: u8, size: u8, insert: Operation) -> Generated {
        self.check_lane(lane, size)?;
        let (ty, value) = self.pop_value()?;
        let target = self.pop_vector()?;
        let operand = self.integer_operand(ty, value);
        self.asm.operate_byte((insert, lane), width(ty), target, operand);
        self.free(value);
        self.push_vector(target);
        Ok(())
    }

    pub(crate) fn visit_f32x4_replace_lane(&mut self, lane: u8) -> Generated {
        self.check_lane(lane, 4)?;
        let (ty, value) = self.pop_value()?;
        let target = self.pop_vector()?;
        let (operand, value) = self.float_operand(ty, value);
        self.apply_byte((vector::INSERT_FLOAT32, lane << 4), target, operand);
        self.free(value);
        self.push_vector(target);
        Ok(())
    }

    pub(crate) fn visit_f64x2_replace_lane(&mut self, lane: u8) -> Generated {
        self.check_lane(lane, 8)?;
        let source = self.pop_xmm()?;
        let target = self.pop_vector()?;
        match lane {
            // From a register it leaves the upper lane alone.
            0 => self.asm.operate(Operation::LOAD_FLOAT64, Width::W32, target, source),
            _ => self.apply(vector::INTERLEAVE64_LOW, target, source),
        }
        self.registers.free_xmm(source);
        self.push_vector(target);
        Ok(())
    }

    /// A lane of that number must exist.
    pub(super) fn check_lane(&self, lane: u8, size: u8) -> Generated {
        if lane < 16 / size {
            return Ok(());
        }
        Err(self.invalid("an unknown lane"))
    }
}
