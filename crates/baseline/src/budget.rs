//! Budgets: how much a function runs, and the poll of loops.
//!
//! Each loop header and each return subtracts a measure of the work done from the function's
//! budget in the instance: it grows with the bytes of code between. Below zero a builtin counts it, refills the
//! budget in slices, decides whether the function is worth optimizing, and is the poll.
//!
//! A loop's length is known at its end, so the header's number is filled in there.
//!
//! At a loop's header the builtin may go on in optimized code: see `replacement`.

use codespace::Slot;
use tierup_abi::{Builtin, InstanceBudget, InstanceHead, LOOP};
use tierup_asm::{Address, Condition, Immediate, Label, R10, R11, Width};

use crate::{
    finish::Cold,
    generator::{Generator, INSTANCE},
};

/// The code whose work is the number of its bytes; see [`work`].
const USUAL_BYTES: u32 = 64;

/// Where the slow path of a budget was left from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spent {
    /// A loop header: r10 and r11 are free.
    Loop {
        /// Whether the frame can be replaced here.
        replaceable: bool,
    },
    /// A return: r10 may carry a result. Nothing that the slow path does reclaims objects, so
    /// references among the results need no safepoint.
    Return,
}

impl Generator<'_> {
    /// Takes from the budget at a loop header; returns where [`Generator::settle_loop`] fills in
    /// how much.
    pub(crate) fn spend_in_loop(&mut self) -> u32 {
        let slots = self.live_references(self.stack.len());
        let replaceable = self.note_loop();
        self.spend_budget(InstanceBudget::MAX_WORK, Spent::Loop { replaceable }, slots)
    }

    /// Fills in the work of a loop that ends here.
    pub(crate) fn settle_loop(&mut self, field: u32) {
        self.settle(field, self.asm.offset() - field);
    }

    /// Takes from the budget before the frame is taken down.
    pub(crate) fn spend_at_return(&mut self) {
        let field = self.spend_budget(InstanceBudget::MAX_WORK, Spent::Return, Vec::new());
        self.settle(field, self.asm.offset());
    }

    /// Emits `sub dword [budget], work; js slow`. Returns the offset of the number.
    fn spend_budget(&mut self, work: i32, spent: Spent, slots: Vec<Slot>) -> u32 {
        let offset = self.environment.layout.budget(self.environment.function);
        // A number that needs the long form, in which there is room for any other.
        let budget = Address::new(INSTANCE, offset);
        self.asm.operate_immediate(Immediate::Subtract, Width::W32, budget, work);
        let field = self.asm.offset() - 4;
        let (label, back) = (self.asm.label(), self.asm.label());
        self.asm.jump_if(Condition::Sign, label);
        self.asm.bind(back);
        let position = self.offset as u32;
        self.cold.push(Cold::Budget { label, back, position, slots, spent });
        field
    }

    fn settle(&mut self, field: u32, bytes: u32) {
        self.asm.patch(field, &work(bytes).to_le_bytes());
    }

    /// The slow path, which keeps every register but r11 and, in a loop, r10.
    pub(crate) fn emit_budget_spent(&mut self, back: Label, slots: Vec<Slot>, spent: Spent) {
        if spent == Spent::Return {
            // Twice, for the stack's alignment.
            self.asm.push(R10);
            self.asm.push(R10);
        }
        let flag = if spent == (Spent::Loop { replaceable: true }) { LOOP } else { 0 };
        let function = self.environment.function.0 | flag;
        self.asm.move_immediate(Width::W32, R11, u64::from(function));
        self.asm.load(Width::W64, R10, Address::new(INSTANCE, InstanceHead::BUILTINS));
        self.asm.call_memory(Address::new(R10, Builtin::BudgetSpent.offset()));
        self.note_safepoint(slots);
        if spent == Spent::Return {
            self.asm.pop(R10);
            self.asm.pop(R10);
        }
        self.asm.jump(back);
    }
}

/// The work of running once through `bytes` of code, or through a loop of that length.
///
/// It grows with the root, because the longer code is, the less of it runs in one go: other
/// branches, inner loops that count for themselves, cases of a large switch. Over the programs of
/// `bench` the time of such a unit differs by a factor of 1.6 (standard deviation), that of a
/// byte by 1.8; in an interpreter's loop of thousands of bytes a byte took a tenth of the usual.
fn work(bytes: u32) -> u32 {
    let root = (u64::from(bytes) * u64::from(USUAL_BYTES)).isqrt() as u32;
    root.clamp(1, InstanceBudget::MAX_WORK as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_grows_more_slowly_than_code() {
        let works = [0, 1, 64, 256, 6_400, u32::MAX].map(work);
        assert_eq!(works, [1, 8, 64, 128, 640, 524_287]);
        assert!(works.into_iter().all(|work| work <= InstanceBudget::MAX_WORK as u32));
    }
}
