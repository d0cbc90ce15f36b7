//! Loads and stores of vectors' parts. Whole vectors are loaded and stored like floats.

use tierup_asm::{Operation, R11, Width, vector};
use wasmparser::MemArg;

use crate::generator::{Generated, Generator};

macro_rules! access {
    ($($visit:ident: $method:ident($($argument:expr),*);)*) => {$(
        pub(crate) fn $visit(&mut self, access: MemArg) -> Generated {
            self.$method(&access $(, $argument)*)
        }
    )*};
}

/// An operation on a lane, its width, and the lane's size in bytes.
type LaneAccess = (Operation, Width, u8);

macro_rules! lane_access {
    ($($visit:ident: $method:ident, $operation:ident, $width:ident, $size:literal;)*) => {$(
        pub(crate) fn $visit(&mut self, access: MemArg, lane: u8) -> Generated {
            self.$method(&access, lane, (vector::$operation, Width::$width, $size))
        }
    )*};
}

impl Generator<'_> {
    access! {
        visit_v128_load8x8_s: load_part(vector::EXTEND8_SIGNED, 8);
        visit_v128_load8x8_u: load_part(vector::EXTEND8_UNSIGNED, 8);
        visit_v128_load16x4_s: load_part(vector::EXTEND16_SIGNED, 8);
        visit_v128_load16x4_u: load_part(vector::EXTEND16_UNSIGNED, 8);
        visit_v128_load32x2_s: load_part(vector::EXTEND32_SIGNED, 8);
        visit_v128_load32x2_u: load_part(vector::EXTEND32_UNSIGNED, 8);
        visit_v128_load32_zero: load_part(Operation::LOAD_FLOAT32, 4);
        visit_v128_load64_zero: load_part(Operation::LOAD_FLOAT64, 8);
        visit_v128_load8_splat: load_narrow_splat(Operation::LOAD8_ZERO, 1);
        visit_v128_load16_splat: load_narrow_splat(Operation::LOAD16_ZERO, 2);
        visit_v128_load32_splat: load_splat(Operation::LOAD_FLOAT32, 4);
        visit_v128_load64_splat: load_splat(Operation::LOAD_FLOAT64, 8);
    }

    lane_access! {
        visit_v128_load8_lane: load_lane, INSERT8, W32, 1;
        visit_v128_load16_lane: load_lane, INSERT16, W32, 2;
        visit_v128_load32_lane: load_lane, INSERT, W32, 4;
        visit_v128_load64_lane: load_lane, INSERT, W64, 8;
        visit_v128_store8_lane: store_lane, EXTRACT8, W32, 1;
        visit_v128_store16_lane: store_lane, EXTRACT16, W32, 2;
        visit_v128_store32_lane: store_lane, EXTRACT, W32, 4;
        visit_v128_store64_lane: store_lane, EXTRACT, W64, 8;
    }

    /// One instruction makes a vector of `size` bytes.
    fn load_part(&mut self, access: &MemArg, operation: Operation, size: u8) -> Generated {
        let index = self.pop_index(access)?;
        let target = self.new_xmm();
        let operand = self.address(access, index, size.into())?;
        self.apply(operation, target, operand);
        self.free_index(index);
        self.push_vector(target);
        Ok(())
    }

    fn load_splat(&mut self, access: &MemArg, operation: Operation, size: u8) -> Generated {
        self.load_part(access, operation, size)?;
        let target = self.pop_vector()?;
        self.spread(target, size);
        self.push_vector(target);
        Ok(())
    }

    fn load_narrow_splat(&mut self, access: &MemArg, load: Operation, size: u8) -> Generated {
        let index = self.pop_index(access)?;
        let target = self.new_xmm();
        let operand = self.address(access, index, size.into())?;
        self.asm.operate(load, Width::W32, R11, operand);
        self.asm.operate(Operation::TO_VECTOR, Width::W32, target, R11);
        self.spread(target, size);
        self.free_index(index);
        self.push_vector(target);
        Ok(())
    }

    fn load_lane(
        &mut self,
        access: &MemArg,
        lane: u8,
        (insert, width, size): LaneAccess,
    ) -> Generated {
        self.check_lane(lane, size)?;
        let target = self.pop_vector()?;
        let index = self.pop_index(access)?;
        let operand = self.address(access, index, size.into())?;
        self.asm.operate_byte((insert, lane), width, target, operand);
        self.free_index(index);
        self.push_vector(target);
        Ok(())
    }

    fn store_lane(
        &mut self,
        access: &MemArg,
        lane: u8,
        (extract, width, size): LaneAccess,
    ) -> Generated {
        self.check_lane(lane, size)?;
        let source = self.pop_readable_vector()?;
        let index = self.pop_index(access)?;
        let operand = self.address(access, index, size.into())?;
        self.asm.operate_byte((extract, lane), width, source, operand);
        self.registers.free_xmm(source);
        self.free_index(index);
        Ok(())
    }
}
