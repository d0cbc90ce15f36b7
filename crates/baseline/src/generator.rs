//! State of the compilation of one function.

use codespace::{Position, Relocation, SideTables, TrapSite};
use tierup_abi::{CallLayout, Gpr, InstanceLayout, MemoryMode, TrapKind, Xmm};
use tierup_asm::{Condition, Emitter, Label, R14};
use tierup_compile::{CompileError, CompileErrorKind, FuelPlan};
use tierup_wasm::{DefinedFunc, FuncType, Module, ValType};

use crate::{
    compiler::Features, constants::Constants, control::Control, finish::Cold, registers::Registers,
    replacement::Loops, stack::Entry, transfer::Move,
};

/// The result of compiling one operator.
pub(crate) type Generated<T = ()> = Result<T, CompileError>;

/// The instance.
pub(crate) const INSTANCE: Gpr = R14;

/// Most values that branches and calls of one function may move, and references that its
/// safepoints may list. Each is an instruction or an entry of a table, and a byte of a body can
/// ask for hundreds, so this is what bounds time and memory. Real functions stay below a
/// hundredth of it.
const MOST_MOVED_VALUES: usize = 1 << 22;

/// State of the compilation of one function.
pub(crate) struct Generator<'a> {
    pub(crate) asm: Emitter,
    pub(crate) environment: Environment<'a>,
    pub(crate) own: OwnType<'a>,
    pub(crate) locals: Vec<Local>,
    /// Locals that hold references.
    pub(crate) reference_locals: Vec<u32>,
    /// Operands, innermost last.
    pub(crate) stack: Vec<Entry>,
    /// Heights of the operands that are references.
    pub(crate) references: Vec<u32>,
    /// [BA-FLOOR]
    pub(crate) floor: usize,
    pub(crate) registers: Registers,
    pub(crate) control: Control,
    pub(crate) frame: FrameState,
    /// Code behind the function's end.
    pub(crate) cold: Vec<Cold>,
    pub(crate) constants: Constants,
    pub(crate) jump_tables: Vec<(Label, Vec<Label>)>,
    pub(crate) tables: SideTables,
    pub(crate) relocations: Vec<Relocation>,
    pub(crate) fuel: FuelPlan,
    pub(crate) loops: Loops,
    /// Lent to transfers.
    pub(crate) moves: Vec<Move>,
    pub(crate) moved: usize,
    /// Position of the current operator in the module's bytes.
    pub(crate) offset: usize,
}

/// What surrounds a function.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'a> {
    pub(crate) module: &'a Module,
    /// Of the module.
    pub(crate) bytes: &'a [u8],
    pub(crate) layout: &'a InstanceLayout,
    pub(crate) function: DefinedFunc,
    pub(crate) memory_mode: MemoryMode,
    pub(crate) features: Features,
}

/// The function's own type.
pub(crate) struct OwnType<'a> {
    pub(crate) ty: &'a FuncType,
    pub(crate) layout: &'a CallLayout,
}

/// A local of the function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local {
    pub(crate) ty: ValType,
    pub(crate) place: LocalPlace,
}

/// Where a local is, in the whole function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LocalPlace {
    Register(Gpr),
    /// In a vector register, but in memory at this distance from `rbp` while others are called.
    Xmm {
        register: Xmm,
        home: i32,
    },
    /// At this distance from `rbp`.
    Frame(i32),
}

/// What is known about the frame.
#[derive(Default)]
pub(crate) struct FrameState {
    /// Callee-saved registers that are used, and where they are kept.
    pub(crate) saved: Vec<Gpr>,
    /// Locals in vector registers: types, registers and homes.
    pub(crate) float_locals: Vec<(ValType, Xmm, i32)>,
    /// Where the result area's address is, if there is one.
    pub(crate) result_area: Option<i32>,
    /// Bytes below `rbp` before the first operand's slot, a multiple of 16.
    pub(crate) fixed_bytes: i32,
    /// Most bytes of operands at once.
    pub(crate) operand_bytes: u32,
    /// Most bytes of outgoing stack arguments.
    pub(crate) outgoing_bytes: u32,
    /// Where the instruction that takes the frame's space begins.
    pub(crate) size_field: u32,
}

impl<'a> Generator<'a> {
    /// All code from here on comes from the operator at `offset`. Takes fuel that is due.
    pub(crate) fn begin_operator(&mut self, offset: usize) {
        self.offset = offset;
        self.note_position();
        self.take_fuel();
    }

    /// Notes that code from here on comes from the current operator.
    pub(crate) fn note_position(&mut self) {
        self.note(self.offset as u32);
    }

    /// Notes that code from here on comes from `position`.
    pub(crate) fn note(&mut self, position: u32) {
        let offset = self.asm.offset();
        match self.tables.positions.last_mut() {
            // The operator before it left no code.
            Some(last) if last.offset == offset => last.position = position,
            _ => self.tables.positions.push(Position { offset, position }),
        }
    }

    /// The next instruction can trap.
    pub(crate) fn note_trap(&mut self, kind: TrapKind) {
        self.tables.traps.push(TrapSite { offset: self.asm.offset(), code: kind as u8 });
    }

    /// Traps if the condition holds.
    pub(crate) fn trap_if(&mut self, condition: Condition, kind: TrapKind) {
        let label = self.cold_trap(kind);
        self.asm.jump_if(condition, label);
    }

    /// A label that leads to a trap.
    pub(crate) fn cold_trap(&mut self, kind: TrapKind) -> Label {
        let position = self.offset as u32;
        for cold in self.cold.iter().rev().take(4) {
            if let Cold::Trap { label, kind: other, position: at } = *cold
                && (other, at) == (kind, position)
            {
                return label;
            }
        }
        let label = self.asm.label();
        self.cold.push(Cold::Trap { label, kind, position });
        label
    }

    /// Counts values that are moved.
    pub(crate) fn spend(&mut self, values: usize) -> Generated {
        self.moved += values;
        if self.moved <= MOST_MOVED_VALUES {
            return Ok(());
        }
        Err(self.unsupported("moving that many values"))
    }

    /// The body is not valid at the current operator.
    #[cold]
    pub(crate) fn invalid(&self, message: impl Into<String>) -> CompileError {
        CompileErrorKind::Invalid { message: message.into(), offset: self.offset }.into()
    }

    /// This compiler cannot do the current operator.
    #[cold]
    pub(crate) fn unsupported(&self, what: &str) -> CompileError {
        CompileErrorKind::Unsupported { what: what.into(), offset: self.offset }.into()
    }
}
