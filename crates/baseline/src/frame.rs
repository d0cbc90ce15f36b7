//! Start and end of a function.

use tierup_abi::{Gpr, InstanceHead, InstanceMemory, MemoryMode, Place, StoreBlock};
use tierup_asm::{
    Address, Condition, Operation, R10, R11, R12, R13, R15, RAX, RBP, RBX, RCX, RDI, RSI, RSP,
    Width,
};
use tierup_compile::{CompileError, CompileErrorKind, FuelPlan, Request};
use tierup_wasm::{MemoryIndex, ValType};

use crate::{
    compiler::Features,
    control::Signature,
    finish::Cold,
    generator::{
        Environment, FrameState, Generated, Generator, INSTANCE, Local, LocalPlace, OwnType,
    },
    operators::Body,
    registers::LOCAL_XMMS,
    replacement::Loops,
    scan::Uses,
    stack::{frame_bytes, next_end, store_operation, uses_xmm, width},
    workspace::{self, Workspace},
};

/// Registers that keep locals.
const LOCAL_GPRS: [Gpr; 3] = [RBX, R12, R13];

/// Holds the base of memory 0 where it never moves.
pub(crate) const MEMORY_BASE: Gpr = R15;

/// More locals than this are set to 0 by one instruction that repeats.
const FEW_LOCALS: usize = 12;

/// A frame of at most one page cannot skip the page that guards the stack.
const PAGE: u32 = 4096;

/// Distances from `rbp` are 32 bits with a sign. No valid function comes near: its body has less
/// than 8 MB, and what one operator pushes at once counts as moved.
const LARGEST_FRAME: u32 = 1 << 30;

impl<'a> Generator<'a> {
    /// Starts the compilation of a function, up to its first operator.
    pub(crate) fn enter(
        features: Features,
        request: &Request<'a>,
        body: &mut Body<'_>,
    ) -> Result<Self, CompileError> {
        let index = request.module.functions[request.module.function(request.function).index()];
        let ty = &request.module.types[index.index()];
        let own = OwnType { ty, layout: request.layout.call(index) };
        let Workspace { mut asm, stack, locals, control, cold, tables, relocations, moves } =
            workspace::take();
        let exit = asm.label();
        let mut this = Self {
            asm,
            environment: Environment {
                module: request.module,
                bytes: &request.module.bytes,
                layout: request.layout,
                function: request.function,
                memory_mode: request.settings.memory_mode,
                features,
            },
            own,
            locals,
            reference_locals: Vec::new(),
            stack,
            references: Vec::new(),
            floor: 0,
            registers: Default::default(),
            control: control.begin(Signature::Function(index), exit),
            frame: FrameState::default(),
            cold,
            constants: Default::default(),
            jump_tables: Vec::new(),
            tables,
            relocations,
            fuel: FuelPlan::new(request),
            loops: Loops::default(),
            moves,
            moved: 0,
            offset: body.offset(),
        };
        let runs = body.read_locals()?;
        this.place_locals(&runs, body);
        this.prologue(&runs);
        Ok(this)
    }

    /// Whether `MEMORY_BASE` is in use.
    pub(crate) fn has_memory_base(&self) -> bool {
        self.environment.memory_mode == MemoryMode::Guard
            && !self.environment.module.memories.is_empty()
    }

    fn place_locals(&mut self, runs: &[(u32, ValType)], body: &Body<'_>) {
        let params = self.own.ty.params.iter().copied();
        let rest = runs.iter().flat_map(|&(count, ty)| std::iter::repeat_n(ty, count as usize));
        for (index, ty) in params.chain(rest).enumerate() {
            let place = match self.own.layout.params.get(index) {
                Some(Place::Memory(offset)) => LocalPlace::Frame(16 + *offset as i32),
                _ => LocalPlace::Frame(0),
            };
            if ty.is_reference() {
                self.reference_locals.push(index as u32);
            }
            self.locals.push(Local { ty, place });
        }
        self.frame.saved.push(INSTANCE);
        if self.has_memory_base() {
            self.frame.saved.push(MEMORY_BASE);
        }
        self.choose_registers(body);
        let mut bytes = 8 * self.frame.saved.len() as u32;
        if self.own.layout.result_area_bytes != 0 {
            bytes += 8;
            self.frame.result_area = Some(-(bytes as i32));
        }
        for local in &mut self.locals {
            let (LocalPlace::Frame(home) | LocalPlace::Xmm { home, .. }) = &mut local.place else {
                continue;
            };
            if *home == 0 {
                bytes = next_end(bytes, local.ty);
                *home = -(bytes as i32);
            }
            if let LocalPlace::Xmm { register, home } = local.place {
                self.frame.float_locals.push((local.ty, register, home));
            }
        }
        self.frame.fixed_bytes = bytes.next_multiple_of(16) as i32;
    }

    /// Gives registers to locals that did not come in memory: to the first integers, or to those
    /// that are worth it where there are floats or vectors.
    fn choose_registers(&mut self, body: &Body<'_>) {
        if self.locals.iter().any(|local| uses_xmm(local.ty)) {
            return self.choose_by_uses(body);
        }
        let waiting = self.locals.iter_mut().filter(|local| is_integer(local.ty));
        let waiting = waiting.filter(|local| local.place == LocalPlace::Frame(0));
        for (local, register) in waiting.zip(LOCAL_GPRS) {
            local.place = LocalPlace::Register(register);
            self.frame.saved.push(register);
        }
    }

    fn choose_by_uses(&mut self, body: &Body<'_>) {
        let locals = &self.locals;
        let of_type = |wanted: fn(ValType) -> bool| {
            let all = (0..).zip(locals).filter(move |(_, local)| wanted(local.ty));
            all.filter(|(_, local)| local.place == LocalPlace::Frame(0)).map(|(index, _)| index)
        };
        let uses = Uses::scan(body.reader.clone(), locals.len());
        let floats = uses.best_floats(of_type(uses_xmm));
        let integers = uses.best_integers(of_type(is_integer));
        for (&index, register) in integers.iter().zip(LOCAL_GPRS) {
            self.locals[index as usize].place = LocalPlace::Register(register);
            self.frame.saved.push(register);
        }
        for (&index, register) in floats.iter().zip(LOCAL_XMMS) {
            let place = &mut self.locals[index as usize].place;
            if let LocalPlace::Frame(home) = *place {
                *place = LocalPlace::Xmm { register, home };
                self.registers.give_to_local(register);
            }
        }
    }

    fn prologue(&mut self, runs: &[(u32, ValType)]) {
        self.note_position();
        self.asm.push(RBP);
        self.asm.move_register(RBP, RSP);
        self.frame.size_field = self.asm.take_stack_later();
        for (index, &register) in self.frame.saved.iter().enumerate() {
            self.asm.store(Width::W64, Address::new(RBP, -8 * (index as i32 + 1)), register);
        }
        self.asm.move_register(INSTANCE, RDI);
        if let Some(offset) = self.frame.result_area {
            self.asm.store(Width::W64, Address::new(RBP, offset), RSI);
        }
        self.save_params();
        self.clear_locals(runs);
        self.asm.load(Width::W64, R11, Address::new(INSTANCE, InstanceHead::STORE_BLOCK));
        let limit = Address::new(R11, StoreBlock::LIMIT);
        self.asm.operate(Operation::COMPARE, Width::W64, RSP, limit);
        self.poll_if(Condition::Below);
        if self.has_memory_base() {
            let memory = self.environment.layout.memory(MemoryIndex(0)) + InstanceMemory::BASE;
            self.asm.load(Width::W64, MEMORY_BASE, Address::new(INSTANCE, memory));
        }
    }

    fn save_params(&mut self) {
        let layout = self.own.layout;
        for (local, &place) in self.locals.iter().zip(&layout.params) {
            let width = width(local.ty);
            match (place, local.place) {
                (Place::Gpr(source), LocalPlace::Register(target)) => {
                    // [BA-ZERO]
                    self.asm.operate(Operation::LOAD, width, target, source);
                }
                (Place::Gpr(source), LocalPlace::Frame(offset)) => {
                    self.asm.store(width, Address::new(RBP, offset), source);
                }
                (Place::Xmm(source), LocalPlace::Frame(offset)) => {
                    let target = Address::new(RBP, offset);
                    self.asm.operate(store_operation(local.ty), Width::W32, source, target);
                }
                (Place::Xmm(source), LocalPlace::Xmm { register, .. }) => {
                    self.asm.operate(Operation::MOVE_VECTOR, Width::W32, register, source);
                }
                _ => {}
            }
        }
    }

    fn clear_locals(&mut self, runs: &[(u32, ValType)]) {
        let params = self.own.ty.params.len();
        if runs.is_empty() {
            return;
        }
        let few = self.locals.len() - params <= FEW_LOCALS;
        let mut in_frame = 0..0;
        for local in &self.locals[params..] {
            match local.place {
                LocalPlace::Register(register) => {
                    self.asm.operate(Operation::XOR, Width::W32, register, register);
                }
                LocalPlace::Xmm { register, .. } => {
                    self.asm.operate(Operation::XOR_VECTOR, Width::W32, register, register);
                }
                LocalPlace::Frame(offset) => {
                    let bytes = frame_bytes(local.ty) as i32;
                    let end = if in_frame.is_empty() { offset + bytes } else { in_frame.end };
                    in_frame = offset..end;
                    for part in (0..bytes).step_by(8).take_while(|_| few) {
                        self.asm.store_immediate(Address::new(RBP, offset + part), 0);
                    }
                }
            }
        }
        // They lie side by side, the last at the lowest address.
        if !few && !in_frame.is_empty() {
            self.asm.load_address(RDI, Address::new(RBP, in_frame.start));
            self.asm.operate(Operation::XOR, Width::W32, RAX, RAX);
            self.asm.move_immediate(Width::W32, RCX, in_frame.len() as u64 / 8);
            self.asm.repeat_store();
        }
    }

    /// Calls the poll builtin, out of line, if the condition holds.
    fn poll_if(&mut self, condition: Condition) {
        let label = self.asm.label();
        self.asm.jump_if(condition, label);
        let back = self.asm.label();
        self.asm.bind(back);
        let slots = self.live_references(self.stack.len());
        let position = self.offset as u32;
        self.cold.push(Cold::Poll { label, back, position, slots });
    }

    /// Where results of the function that are not in registers go. Uses r10.
    pub(crate) fn load_result_area(&mut self) {
        if let Some(offset) = self.frame.result_area {
            self.asm.load(Width::W64, R10, Address::new(RBP, offset));
        }
    }

    /// Takes the frame down, but for the return address.
    pub(crate) fn restore_registers(&mut self) {
        for (index, &register) in self.frame.saved.iter().enumerate() {
            self.asm.load(Width::W64, register, Address::new(RBP, -8 * (index as i32 + 1)));
        }
    }

    /// Returns; the results are where they belong.
    pub(crate) fn epilogue(&mut self) {
        self.spend_at_return();
        self.restore_registers();
        self.asm.leave();
        self.asm.ret(self.own.layout.stack_bytes as u16);
    }

    /// Fills in the size of the frame, now that it is known.
    pub(crate) fn settle_frame(&mut self) -> Generated<u32> {
        let operands = u64::from(self.frame.operand_bytes);
        let size = self.frame.fixed_bytes as u64 + operands + u64::from(self.frame.outgoing_bytes);
        let size = size.next_multiple_of(16);
        if size > u64::from(LARGEST_FRAME) {
            return Err(CompileErrorKind::TooLarge { limit: "a frame of 1 GiB" }.into());
        }
        let size = size as u32;
        let field = self.frame.size_field;
        if size <= PAGE {
            self.asm.patch(field, &size.to_le_bytes());
            return Ok(size);
        }
        // `jmp` to code that touches every page, and two bytes that are never reached.
        let start = field - 3;
        let distance = self.asm.offset() - (start + 5);
        let [a, b, c, d] = distance.to_le_bytes();
        self.asm.patch(start, &[0xe9, a, b, c, d, 0xcc, 0xcc]);
        self.take_pages(size);
        let back = (start + 7).wrapping_sub(self.asm.offset() + 5);
        self.asm.jump_back(back);
        Ok(size)
    }

    /// Takes `size` bytes of stack and touches every page on the way down.
    fn take_pages(&mut self, size: u32) {
        self.offset = 0;
        self.asm.move_immediate(Width::W32, RAX, u64::from(size / PAGE));
        let again = self.asm.label();
        self.asm.bind(again);
        self.asm.take_stack(PAGE);
        self.asm.store_constant(4, Address::new(RSP, 0), 0);
        self.asm.operate_immediate(tierup_asm::Immediate::Subtract, Width::W32, RAX, 1);
        self.asm.jump_if(Condition::NotEqual, again);
        self.asm.take_stack(size % PAGE);
    }
}

fn is_integer(ty: ValType) -> bool {
    matches!(ty, ValType::I32 | ValType::I64)
}
