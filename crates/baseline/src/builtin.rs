//! Calls of runtime functions through the table in the instance.

use codespace::Slot;
use tierup_abi::{Builtin, Gpr, InstanceHead, MachineType};
use tierup_asm::{Address, Label, R8, R9, R10, R11, RAX, RCX, RDI, RDX, RSI, Width};
use tierup_wasm::ValType;

use crate::{
    generator::{Generated, Generator, INSTANCE},
    stack::Value,
    transfer::{Move, Target},
};

/// Registers for arguments after the instance.
const ARGUMENTS: [Gpr; 5] = [RSI, RDX, RCX, R8, R9];

/// An argument: a popped operand or a number.
pub(crate) type Argument = (ValType, Value);

/// An index as an argument.
pub(crate) fn number(index: u32) -> Argument {
    (ValType::I32, Value::Constant(index.into()))
}

impl Generator<'_> {
    /// Calls a builtin with popped operands. Its result, of type `ty`, is pushed.
    pub(crate) fn call_builtin(
        &mut self,
        builtin: Builtin,
        arguments: &[Argument],
        ty: Option<ValType>,
    ) -> Generated {
        if arguments.len() != builtin.params().len() || ty.is_some() != builtin.result().is_some() {
            return Err(self.invalid(format!("wrong arguments for {builtin:?}")));
        }
        self.spill_registers(self.stack.len());
        let mut moves = self.take_moves();
        for (&(ty, source), register) in arguments.iter().zip(ARGUMENTS) {
            moves.push(Move { ty, source, target: Target::Gpr(register) });
        }
        self.transfer(moves);
        self.asm.move_register(RDI, INSTANCE);
        self.asm.load(Width::W64, RAX, Address::new(INSTANCE, InstanceHead::BUILTINS));
        self.store_float_locals();
        self.asm.call_memory(Address::new(RAX, builtin.offset()));
        self.drop_to(self.stack.len());
        let slots = self.live_references(self.stack.len());
        self.note_safepoint(slots);
        self.load_float_locals();
        if let Some(ty) = ty {
            self.registers.take_gpr(RAX);
            if builtin.result() == Some(MachineType::I32) {
                self.clear_upper_half(ValType::I32, RAX);
            }
            self.push_gpr(ty, RAX);
        }
        self.spend(0)
    }

    /// Calls a builtin that copies from one thing to another: pops length, source offset and
    /// target offset.
    pub(crate) fn copying_builtin(
        &mut self,
        builtin: Builtin,
        target: u32,
        source: u32,
    ) -> Generated {
        let length = self.pop_value()?;
        let source_offset = self.pop_value()?;
        let target_offset = self.pop_value()?;
        let arguments = [number(target), number(source), target_offset, source_offset, length];
        self.call_builtin(builtin, &arguments, None)
    }

    /// The slow path of a poll, which keeps every register but r10 and r11.
    pub(crate) fn emit_poll(&mut self, back: Label, slots: Vec<Slot>) {
        self.asm.move_register(R10, RDI);
        self.asm.move_register(RDI, INSTANCE);
        self.asm.load(Width::W64, R11, Address::new(INSTANCE, InstanceHead::BUILTINS));
        self.asm.call_memory(Address::new(R11, Builtin::Poll.offset()));
        self.note_safepoint(slots);
        self.asm.move_register(RDI, R10);
        self.asm.jump(back);
    }
}
