//! Branches and returns.

use tierup_abi::TrapKind;
use tierup_asm::{Address, Condition, Immediate, Label, Operand, Operation, R10, R11, Width};
use wasmparser::BrTable;

use crate::{
    control::Frame,
    finish::Cold,
    generator::{Generated, Generator},
};

impl<'a> Generator<'a> {
    pub(crate) fn visit_unreachable(&mut self) -> Generated {
        self.note_trap(TrapKind::Unreachable);
        self.asm.halt();
        self.set_unreachable();
        Ok(())
    }

    pub(crate) fn visit_br(&mut self, depth: u32) -> Generated {
        let frame = self.target(depth)?;
        self.move_to(&frame)?;
        self.asm.jump(frame.label);
        self.set_unreachable();
        Ok(())
    }

    pub(crate) fn visit_return(&mut self) -> Generated {
        self.visit_br(self.control.outermost())
    }

    pub(crate) fn visit_br_if(&mut self, depth: u32) -> Generated {
        let condition = self.pop_condition()?;
        let frame = self.target(depth)?;
        let moves = self.moves_to(&frame)?;
        if moves.is_empty() {
            self.moves = moves;
            self.asm.jump_if(condition, frame.label);
            return Ok(());
        }
        self.moves = moves;
        let next = self.asm.label();
        self.asm.jump_if(condition.inverse(), next);
        self.move_to(&frame)?;
        self.asm.jump(frame.label);
        self.asm.bind(next);
        Ok(())
    }

    pub(crate) fn visit_br_table(&mut self, targets: BrTable<'_>) -> Generated {
        let (ty, index) = self.pop_value()?;
        self.load(ty, R10, index);
        self.free(index);
        let table = self.asm.label();
        let mut stubs = Vec::new();
        let mut entries = Vec::with_capacity(targets.len() as usize);
        for depth in targets.targets() {
            let depth = depth.map_err(|_| self.invalid("a malformed branch table"))?;
            entries.push(self.table_target(depth, &mut stubs)?);
        }
        let default = self.table_target(targets.default(), &mut stubs)?;
        let count = entries.len() as i32;
        self.asm.operate_immediate(Immediate::Compare, Width::W32, R10, count);
        self.asm.jump_if(Condition::AboveEqual, default);
        self.asm.load_label(R11, table);
        let entry = Operand::Memory { base: R11, index: Some((R10, 2)), offset: 0 };
        self.asm.operate(Operation::LOAD32_SIGN, Width::W64, R10, entry);
        self.asm.operate(Operation::ADD, Width::W64, R10, R11);
        self.asm.jump_register(R10);
        self.jump_tables.push((table, entries));
        for (label, frame) in stubs {
            self.asm.bind(label);
            self.move_to(&frame)?;
            self.asm.jump(frame.label);
        }
        self.set_unreachable();
        Ok(())
    }

    /// Where an entry of the current branch table leads: to its target, or to code on the way,
    /// one for each depth, that moves values.
    fn table_target(&mut self, depth: u32, stubs: &mut Vec<(Label, Frame)>) -> Generated<Label> {
        let frame = self.target(depth)?;
        let offset = self.offset;
        if let Some((at, stub)) = frame.stub
            && at == offset
        {
            return Ok(stub);
        }
        let moves = self.moves_to(&frame)?;
        let label = if moves.is_empty() { frame.label } else { self.asm.label() };
        if !moves.is_empty() {
            stubs.push((label, frame));
        }
        self.moves = moves;
        if let Some(frame) = self.control.frame_mut(depth) {
            frame.stub = Some((offset, label));
        }
        Ok(label)
    }

    /// The construct at that depth, now with a branch to it.
    fn target(&mut self, depth: u32) -> Generated<Frame> {
        let frame = self.control.frame_mut(depth).map(|frame| {
            frame.used = true;
            *frame
        });
        frame.ok_or_else(|| self.invalid("a branch leaves the function"))
    }

    /// Code behind the function's end.
    pub(crate) fn emit_cold(&mut self) -> Generated {
        let mut cold = std::mem::take(&mut self.cold);
        for it in cold.drain(..) {
            match it {
                Cold::Trap { label, kind, position } => {
                    self.offset = position as usize;
                    self.asm.bind(label);
                    self.note_position();
                    self.note_trap(kind);
                    self.asm.halt();
                }
                Cold::Poll { label, back, position, slots } => {
                    self.offset = position as usize;
                    self.asm.bind(label);
                    self.note_position();
                    self.emit_poll(back, slots);
                }
                Cold::Budget { label, back, position, slots, spent } => {
                    self.offset = position as usize;
                    self.asm.bind(label);
                    self.note_position();
                    self.emit_budget_spent(back, slots, spent);
                }
                Cold::TypeMismatch { label, position } => {
                    self.offset = position as usize;
                    self.asm.bind(label);
                    self.note_position();
                    self.emit_type_mismatch();
                }
            }
        }
        self.cold = cold;
        Ok(())
    }

    fn emit_type_mismatch(&mut self) {
        let id = Address::new(R10, tierup_abi::TableEntry::TYPE_ID);
        self.asm.operate_immediate(Immediate::Compare, Width::W32, id, 0);
        let null = self.asm.label();
        self.asm.jump_if(Condition::Equal, null);
        self.note_trap(TrapKind::IndirectCallTypeMismatch);
        self.asm.halt();
        self.asm.bind(null);
        self.note_trap(TrapKind::UninitializedElement);
        self.asm.halt();
    }
}

const _: () = assert!(tierup_abi::NULL_TYPE_ID == 0);
