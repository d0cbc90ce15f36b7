//! Blocks, loops, ifs, and what is known about reachability.
//!
//! | branch to | values go to |
//! |---|---|
//! | function | the places of its results |
//! | loop, or several results | their slots |
//! | anything else with one result | rax or xmm0 |
//!
//! Operands below a construct are settled when it opens, so they are the same wherever its joins
//! are reached from: [BA-BELOW].

use tierup_abi::{Gpr, Place as AbiPlace, Xmm};
use tierup_asm::{Address, Condition, Label, Operation, R10, RAX};
use tierup_wasm::{Module, TypeIndex, ValType};
use wasmparser::{BlockType, FrameKind};

use crate::{
    generator::{Generated, Generator},
    stack::{Place, Value, next_end, uses_xmm, width},
    transfer::{Move, Target},
};

/// Open constructs, innermost last.
#[derive(Debug, Default)]
pub(crate) struct Control {
    frames: Vec<Frame>,
    /// The current code cannot be reached.
    unreachable: bool,
    /// Constructs that were opened in unreachable code.
    skipped: Vec<FrameKind>,
}

/// An open construct.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Operands below it.
    pub(crate) height: usize,
    pub(crate) signature: Signature,
    pub(crate) kind: Kind,
    /// Where branches to it lead.
    pub(crate) label: Label,
    /// A branch leads there.
    pub(crate) used: bool,
    /// The way there for the branch table of that position.
    pub(crate) stub: Option<(usize, Label)>,
    /// Of a loop: where its header's work is to be filled in.
    pub(crate) budget: u32,
}

/// What a construct takes and leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signature {
    /// The parameters are locals, so they are not on the operand stack.
    Function(TypeIndex),
    Empty,
    Result(ValType),
    Type(TypeIndex),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Function,
    Block,
    Loop,
    If { otherwise: Label },
    Else,
}

impl Control {
    /// A function whose body is about to begin, with the memory of one that is done.
    pub(crate) fn begin(mut self, signature: Signature, exit: Label) -> Self {
        let function = Frame {
            height: 0,
            signature,
            kind: Kind::Function,
            label: exit,
            used: false,
            stub: None,
            budget: 0,
        };
        self.frames.clear();
        self.skipped.clear();
        self.frames.push(function);
        Self { unreachable: false, ..self }
    }

    /// Operands below the innermost construct, which it cannot reach.
    pub(crate) fn floor(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.height)
    }

    /// Depth of the function's own construct.
    pub(crate) fn outermost(&self) -> u32 {
        self.frames.len() as u32 - 1
    }

    /// The construct at that depth.
    pub(crate) fn frame_mut(&mut self, depth: u32) -> Option<&mut Frame> {
        let index = self.frames.len().checked_sub(depth as usize + 1)?;
        self.frames.get_mut(index)
    }
}

impl Signature {
    /// The operands that a construct takes.
    fn params(self, module: &Module) -> &[ValType] {
        match self {
            Self::Type(ty) => &module.types[ty.index()].params,
            _ => &[],
        }
    }

    /// The operands that it leaves.
    fn results(self, module: &Module) -> &[ValType] {
        match self {
            Self::Empty => &[],
            Self::Result(ty) => ty.as_list(),
            Self::Type(ty) | Self::Function(ty) => &module.types[ty.index()].results,
        }
    }
}

impl<'a> Generator<'a> {
    /// Whether the current code can be reached.
    pub(crate) fn is_reachable(&self) -> bool {
        !self.control.unreachable
    }

    /// The code from here on cannot be reached.
    pub(crate) fn set_unreachable(&mut self) {
        self.control.unreachable = true;
        self.reset(self.control.floor());
    }

    /// What a construct takes.
    fn params(&self, frame: &Frame) -> &'a [ValType] {
        frame.signature.params(self.environment.module)
    }

    /// What a construct leaves.
    fn results(&self, frame: &Frame) -> &'a [ValType] {
        frame.signature.results(self.environment.module)
    }

    /// Kind of the innermost construct.
    pub(crate) fn current_kind(&self) -> Option<FrameKind> {
        if let Some(kind) = self.control.skipped.last() {
            return Some(*kind);
        }
        Some(match self.control.frames.last()?.kind {
            Kind::Function | Kind::Block => FrameKind::Block,
            Kind::Loop => FrameKind::Loop,
            Kind::If { .. } => FrameKind::If,
            Kind::Else => FrameKind::Else,
        })
    }

    pub(crate) fn visit_block(&mut self, ty: BlockType) -> Generated {
        if self.skip(FrameKind::Block) {
            return Ok(());
        }
        self.open(ty, Kind::Block)
    }

    pub(crate) fn visit_loop(&mut self, ty: BlockType) -> Generated {
        if self.skip(FrameKind::Loop) {
            return Ok(());
        }
        self.open(ty, Kind::Loop)?;
        let frame = self.innermost()?;
        self.materialize(self.params(&frame).len())?;
        self.asm.bind(frame.label);
        let field = self.spend_in_loop();
        if let Some(frame) = self.control.frames.last_mut() {
            frame.budget = field;
        }
        Ok(())
    }

    pub(crate) fn visit_if(&mut self, ty: BlockType) -> Generated {
        if self.skip(FrameKind::If) {
            return Ok(());
        }
        let condition = self.pop_condition()?;
        let otherwise = self.asm.label();
        // Spilling keeps the flags.
        self.open(ty, Kind::If { otherwise })?;
        let frame = self.innermost()?;
        self.materialize(self.params(&frame).len())?;
        self.asm.jump_if(condition.inverse(), otherwise);
        Ok(())
    }

    pub(crate) fn visit_else(&mut self) -> Generated {
        if let Some(kind) = self.control.skipped.last_mut() {
            *kind = FrameKind::Else;
            return Ok(());
        }
        let frame = self.innermost()?;
        let Kind::If { otherwise } = frame.kind else {
            return Err(self.invalid("an else without if"));
        };
        if self.is_reachable() {
            self.check_height(&frame)?;
            self.move_to(&frame)?;
            self.asm.jump(frame.label);
            self.mark_used(0);
        }
        self.asm.bind(otherwise);
        self.reset(frame.height);
        self.push_slots(self.params(&frame));
        self.control.unreachable = false;
        if let Some(frame) = self.control.frames.last_mut() {
            frame.kind = Kind::Else;
        }
        Ok(())
    }

    pub(crate) fn visit_end(&mut self) -> Generated {
        if self.control.skipped.pop().is_some() {
            return Ok(());
        }
        let mut frame = self.innermost()?;
        if self.is_reachable() {
            self.check_height(&frame)?;
        }
        match frame.kind {
            Kind::Loop => self.settle_loop(frame.budget),
            Kind::If { otherwise } => {
                if self.is_reachable() {
                    self.move_to(&frame)?;
                    self.asm.jump(frame.label);
                }
                self.asm.bind(otherwise);
                self.reset(frame.height);
                self.push_slots(self.params(&frame));
                self.control.unreachable = false;
                frame.used = true;
                self.join(&frame)?;
            }
            Kind::Block | Kind::Else => self.join(&frame)?,
            Kind::Function => {
                frame.used |= self.is_reachable();
                self.join(&frame)?;
                if frame.used {
                    self.epilogue();
                }
                self.set_unreachable();
            }
        }
        self.control.frames.pop();
        Ok(())
    }

    /// Goes on behind a construct. If nothing branches there, the operands stay where they are.
    fn join(&mut self, frame: &Frame) -> Generated {
        if !frame.used {
            return Ok(());
        }
        if self.is_reachable() {
            self.move_to(frame)?;
        }
        self.asm.bind(frame.label);
        self.reset(frame.height);
        self.control.unreachable = false;
        match self.results(frame) {
            _ if frame.kind == Kind::Function => {}
            [ty] if uses_xmm(*ty) => {
                self.registers.take_xmm(Xmm(0));
                self.push(*ty, Place::Xmm(Xmm(0)));
            }
            [ty] => {
                self.registers.take_gpr(RAX);
                self.push(*ty, Place::Gpr(RAX));
            }
            results => self.push_slots(results),
        }
        Ok(())
    }

    /// Notes a construct that opens in unreachable code, and says whether this is one.
    fn skip(&mut self, kind: FrameKind) -> bool {
        if self.control.unreachable {
            self.control.skipped.push(kind);
        }
        self.control.unreachable
    }

    fn innermost(&self) -> Generated<Frame> {
        let frame = self.control.frames.last().copied();
        frame.ok_or_else(|| self.invalid("an end too many"))
    }

    fn open(&mut self, ty: BlockType, kind: Kind) -> Generated {
        let signature = self.signature(ty)?;
        let params = signature.params(self.environment.module).len();
        let height = self.stack.len().checked_sub(params);
        let height = height.ok_or_else(|| self.invalid("an operand is missing"))?;
        self.spill_all(self.stack.len());
        let label = self.asm.label();
        let frame = Frame { height, signature, kind, label, used: false, stub: None, budget: 0 };
        self.control.frames.push(frame);
        Ok(())
    }

    fn signature(&self, ty: BlockType) -> Generated<Signature> {
        match ty {
            BlockType::Empty => Ok(Signature::Empty),
            BlockType::Type(ty) => {
                let ty = ValType::from_parser(ty);
                let ty = ty.ok_or_else(|| self.unsupported("the result type of a block"))?;
                Ok(Signature::Result(ty))
            }
            BlockType::FuncType(index) => {
                let known = TypeIndex(index).index() < self.environment.module.types.len();
                let ty = known.then_some(Signature::Type(TypeIndex(index)));
                ty.ok_or_else(|| self.invalid("a block of unknown type"))
            }
        }
    }

    /// Moves the `count` topmost operands to their slots, constants too. Keeps the flags.
    fn materialize(&mut self, count: usize) -> Generated {
        self.spend(count)?;
        for index in self.stack.len() - count..self.stack.len() {
            let entry = self.stack[index];
            if matches!(entry.place, Place::Constant(_) | Place::Vector(_)) {
                self.store(entry.ty, self.slot(entry.end).into(), self.value(entry));
                self.stack[index].place = Place::Slot;
            }
        }
        Ok(())
    }

    fn push_slots(&mut self, types: &[ValType]) {
        for &ty in types {
            self.push(ty, Place::Slot);
        }
    }

    /// A construct must leave its results and nothing else.
    fn check_height(&self, frame: &Frame) -> Generated {
        if self.stack.len() == frame.height + self.results(frame).len() {
            return Ok(());
        }
        Err(self.invalid("a block leaves another number of operands"))
    }

    pub(crate) fn mark_used(&mut self, depth: u32) {
        if let Some(frame) = self.control.frame_mut(depth) {
            frame.used = true;
        }
    }

    /// Moves the topmost operands to where branches to `frame` leave them. They stay operands.
    pub(crate) fn move_to(&mut self, frame: &Frame) -> Generated {
        let moves = self.moves_to(frame)?;
        if frame.kind == Kind::Function {
            self.load_result_area();
        }
        self.transfer(moves);
        Ok(())
    }

    /// The moves that a branch to `frame` needs.
    pub(crate) fn moves_to(&mut self, frame: &Frame) -> Generated<Vec<Move>> {
        let types = if frame.kind == Kind::Loop { self.params(frame) } else { self.results(frame) };
        self.spend(types.len())?;
        let first = self.stack.len().checked_sub(types.len());
        let first = first.filter(|&first| first >= frame.height);
        let first = first.ok_or_else(|| self.invalid("an operand is missing"))?;
        let mut moves = self.take_moves();
        let mut end = self.end(frame.height);
        for (index, &ty) in types.iter().enumerate() {
            end = next_end(end, ty);
            let source = self.value(self.stack[first + index]);
            let target = self.branch_target(frame, (index, ty), end);
            moves.push(Move { ty, source, target });
        }
        moves.retain(|it| !it.is_done());
        Ok(moves)
    }

    /// Where a value of a branch goes. If that is its slot, it ends at `end`.
    fn branch_target(&self, frame: &Frame, (index, ty): (usize, ValType), end: u32) -> Target {
        match frame.kind {
            Kind::Function => match self.own.layout.results[index] {
                AbiPlace::Gpr(register) => Target::Gpr(register),
                AbiPlace::Xmm(register) => Target::Xmm(register),
                AbiPlace::Memory(offset) => Target::Memory(Address::new(R10, offset as i32)),
            },
            Kind::Loop => Target::Memory(self.slot(end)),
            _ if self.results(frame).len() > 1 => Target::Memory(self.slot(end)),
            _ if uses_xmm(ty) => Target::Xmm(Xmm(0)),
            _ => Target::Gpr(RAX),
        }
    }

    /// Pops a condition into the flags.
    pub(crate) fn pop_condition(&mut self) -> Generated<Condition> {
        let (ty, value) = self.pop_value()?;
        if let Value::Flags(condition) = value {
            return Ok(condition);
        }
        match value {
            Value::Memory(address) => {
                let zero = tierup_asm::Immediate::Compare;
                self.asm.operate_immediate(zero, width(ty), address, 0);
            }
            _ => {
                let register: Gpr = self.readable_gpr(ty, value);
                self.asm.operate(Operation::TEST, width(ty), register, register);
                self.registers.free_gpr(register);
            }
        }
        Ok(Condition::NotEqual)
    }
}
