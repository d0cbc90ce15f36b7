//! Fuel: `sub qword [fuel], amount; jb trap` where the plan says.

use tierup_abi::{InstanceHead, StoreBlock, TrapKind};
use tierup_asm::{Address, Condition, Immediate, R11, Width};

use crate::generator::{Generator, INSTANCE};

impl Generator<'_> {
    /// Takes what is due before the current operator, if it can be reached.
    #[inline(always)]
    pub(crate) fn take_fuel(&mut self) {
        let amount = self.fuel.due(self.offset);
        if amount != 0 && self.is_reachable() {
            self.emit_fuel(amount);
        }
    }

    fn emit_fuel(&mut self, amount: u32) {
        // [BA-FLAGS]
        self.settle_flags();
        self.asm.load(Width::W64, R11, Address::new(INSTANCE, InstanceHead::STORE_BLOCK));
        let fuel = Address::new(R11, StoreBlock::FUEL);
        self.asm.operate_immediate(Immediate::Subtract, Width::W64, fuel, amount as i32);
        self.trap_if(Condition::Below, TrapKind::OutOfFuel);
    }
}
