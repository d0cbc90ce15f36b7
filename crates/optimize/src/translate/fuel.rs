//! Fuel: taken from the store's block where the plan says, or a trap.

use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use tierup_abi::{InstanceHead, StoreBlock, TrapKind};

use super::{Translator, environment::Region};

impl Translator<'_> {
    /// Takes what is due before the current operator, if it can be reached.
    #[inline]
    pub(super) fn take_fuel(&mut self) {
        let amount = self.fuel.due(self.offset);
        if amount != 0 && self.is_reachable() {
            self.emit_fuel(amount);
        }
    }

    fn emit_fuel(&mut self, amount: u32) {
        let block = self.instance_pointer(InstanceHead::STORE_BLOCK);
        let left = self.region_load(types::I64, Region::Fuel, block, StoreBlock::FUEL);
        let amount = self.builder.ins().iconst(types::I64, i64::from(amount));
        let low = self.builder.ins().icmp(IntCC::UnsignedLessThan, left, amount);
        self.trap_if(low, TrapKind::OutOfFuel);
        let rest = self.builder.ins().isub(left, amount);
        self.builder.ins().store(Region::Fuel.flags(), rest, block, StoreBlock::FUEL);
    }
}
