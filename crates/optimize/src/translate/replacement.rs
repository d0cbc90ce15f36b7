//! Another entry: code that takes over a frame which runs other code of the function, at a loop.
//!
//! ```text
//!   entry ──► takeover: loads all values from the store's buffer ──┐
//!                                                                   ▼
//!   start (nobody leads here) ──► ... ──► before the loop ──► header of the loop ──► ...
//! ```
//!
//! The body is translated as ever, but its start has no predecessors, so all that only leads to the
//! loop goes before anything is optimized. What the loop repeats, also by way of a loop around it,
//! and what comes behind stays. The loop's header is sealed when its end is known, as ever, so the
//! function builder makes the phis of locals for both ways in.
//!
//! A loop within another is translated twice, once for each way in:
//!
//! ```text
//!   takeover ──► copy of the inner loop ────┬──► behind the inner loop ──► ... outer loop again
//!   outer loop ──► the inner loop ──────────┘
//! ```
//!
//! Entered in its middle, the outer loop would be one loop with the inner one for Cranelift, and nothing
//! could be kept out of the inner one. So the copy is a loop of its own, and the inner loop is as it
//! was.
//!
//! * [TA-BELOW] operands below the loop have two definitions too, so they are variables: each
//!   becomes one when the first construct around the loop opens above it, since every way to
//!   a later use leads through that place, and is read again where a construct ends
//!   that enclosed the loop. Constructs beside the loop change nothing for operands below them.
//! * [TA-FIRST] the takeover loads all values before it does anything else: [RE-QUIET] of
//!   `tierup_abi`. Its stack check comes after them; they are operands of that poll's safepoint.

use std::collections::HashSet;

use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Type, Value, types};
use cranelift_frontend::Variable;
use tierup_abi::{BufferLayout, InstanceHead, StoreBlock};
use tierup_compile::{Entry, FuelPlan};
use tierup_wasm::ValType;

use super::{Translated, Translator, environment::Region, value::ir_type};
use crate::compiler::internal;

/// What is known about the other entry.
#[derive(Default)]
pub(super) struct Takeover {
    /// Position of the loop, until it was met.
    waits_for: Option<usize>,
    /// Where values are loaded.
    block: Option<Block>,
    /// Operands that are references.
    references: HashSet<Value>,
    /// Variables of the lowest operands, as many as there are below the innermost construct; later
    /// those below the loop. [TA-BELOW]
    below: Vec<Variable>,
    /// How many of the open constructs enclose the loop.
    around: usize,
    copy: Option<LoopCopy>,
    /// The copy is done.
    takes_again: bool,
}

/// A loop that is translated twice.
struct LoopCopy {
    /// Before the loop, on the way from above, until that is translated.
    before: Option<Block>,
    /// Behind both loops, with their results.
    behind: Block,
    /// Operands before the loop.
    stack: Vec<Value>,
    fuel: FuelPlan,
    is_reached: bool,
}

impl Takeover {
    /// Will take over in `block`, which is empty.
    pub(super) fn new(entry: Entry, block: Block) -> Self {
        let waits_for = match entry {
            Entry::Call => None,
            Entry::Loop { position } => Some(position as usize),
        };
        Self { waits_for, block: Some(block), ..Self::default() }
    }

    /// Whether the loop begins at the operator at `offset`.
    pub(super) fn waits_for(&self, offset: usize) -> bool {
        self.waits_for == Some(offset)
    }

    /// Whether the loop is to be translated again, from its start. Once.
    pub(super) fn takes_again(&mut self) -> bool {
        std::mem::take(&mut self.takes_again)
    }

    /// Whether the loop has yet to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.waits_for.is_some()
    }

    /// An operand is a reference.
    pub(super) fn note_reference(&mut self, value: Value) {
        if self.is_waiting() {
            self.references.insert(value);
        }
    }
}

impl<'a> Translator<'a> {
    /// Makes all operands below `height` variables. A construct is about to open above them.
    pub(super) fn bind_operands(&mut self, height: usize) -> Translated {
        if !self.takeover.is_waiting() {
            return Ok(());
        }
        // Those above may be others than when a construct opened there.
        self.takeover.below.truncate(self.control.floor());
        let first = self.takeover.below.len();
        self.spend(height.saturating_sub(first))?;
        for index in first..height {
            let operand = self.stack[index];
            let value = self.canonical(operand);
            let variable = self.builder.declare_var(self.builder.func.dfg.value_type(value));
            if self.takeover.references.contains(&operand) {
                self.builder.declare_var_needs_stack_map(variable);
            }
            self.builder.def_var(variable, value);
            self.takeover.below.push(variable);
        }
        Ok(())
    }

    /// Lets the other entry lead to the loop that begins at the current operator. Its header is
    /// empty and current.
    pub(super) fn take_over(&mut self, header: Block, params: &[ValType]) -> Translated {
        self.takeover.waits_for = None;
        self.takeover.around = self.control.depth();
        let block = self.takeover.block.take().ok_or_else(|| internal("two entries"))?;
        self.builder.switch_to_block(block);
        let args = self.load_frame(params);
        self.check_stack();
        self.builder.ins().jump(header, &args);
        self.builder.switch_to_block(header);
        self.read_operands(0, self.takeover.below.len());
        Ok(())
    }

    /// Opens the copy of a loop, to which only the other entry leads.
    pub(super) fn open_copy(
        &mut self,
        height: usize,
        (params, results): (&'a [ValType], &'a [ValType]),
    ) -> Translated {
        let before = self.builder.create_block();
        self.builder.ins().jump(before, &[]);
        self.builder.seal_block(before);
        let behind = self.block_with_params(results)?;
        let (stack, fuel) = (self.stack.clone(), self.fuel.clone());
        let copy = LoopCopy { before: Some(before), behind, stack, fuel, is_reached: false };
        self.takeover.copy = Some(copy);
        let header = self.block_with_params(params)?;
        self.builder.switch_to_block(header);
        self.take_over(header, params)?;
        self.truncate(height);
        self.open_loop(header, height, (params, results));
        Ok(())
    }

    /// Ends a loop that may be one of the two: goes back to before the loop, or on behind both.
    pub(super) fn close_copy(&mut self, height: usize, results: &[ValType]) -> Translated {
        let is_one = self.control.depth() == self.takeover.around;
        let Some(mut copy) = self.takeover.copy.take_if(|_| is_one) else { return Ok(()) };
        if self.is_reachable() {
            let args = self.peek_args(results)?;
            self.builder.ins().jump(copy.behind, &args);
            self.reuse_args(args);
            copy.is_reached = true;
        }
        if let Some(before) = copy.before.take() {
            self.stack.clone_from(&copy.stack);
            self.fuel = copy.fuel.clone();
            self.control.set_reachable();
            self.builder.switch_to_block(before);
            self.takeover.takes_again = true;
            self.takeover.copy = Some(copy);
            return Ok(());
        }
        self.truncate(height);
        if copy.is_reached {
            self.control.set_reachable();
            self.builder.seal_block(copy.behind);
            self.builder.switch_to_block(copy.behind);
            self.push_block_params(copy.behind, results);
            self.read_operands(self.control.floor(), height);
        }
        Ok(())
    }

    /// Reads operands again that have become accessible: a construct has ended whose operands
    /// began at `height`. [TA-BELOW]
    pub(super) fn leave_construct(&mut self, height: usize) {
        if self.control.depth() < self.takeover.around {
            self.takeover.around = self.control.depth();
            if self.is_reachable() {
                self.read_operands(self.control.floor(), height);
            }
        }
    }

    fn read_operands(&mut self, floor: usize, height: usize) {
        for index in floor..height {
            let value = self.builder.use_var(self.takeover.below[index]);
            self.stack[index] = value;
        }
    }

    /// Loads all values of the frame. Returns the loop's parameters.
    fn load_frame(&mut self, params: &[ValType]) -> Vec<BlockArg> {
        let block = self.instance_pointer(InstanceHead::STORE_BLOCK);
        let offset = StoreBlock::REPLACEMENT_BUFFER;
        let buffer = self.region_load(types::I64, Region::Replacements, block, offset);
        let mut layout = BufferLayout::default();
        let types = self.local_types();
        let mut load = |this: &mut Self, ty: Type| {
            let offset = layout.place(ty.bytes().max(8));
            this.region_load(ty, Region::Replacements, buffer, offset as i32)
        };
        let locals: Vec<_> = types.iter().map(|&ty| load(self, ir_type(ty))).collect();
        for index in 0..self.takeover.below.len() {
            let ty = self.builder.func.dfg.value_type(self.stack[index]);
            let ty = if ty.is_vector() { ir_type(ValType::V128) } else { ty };
            let value = load(self, ty);
            self.builder.def_var(self.takeover.below[index], value);
        }
        let args: Vec<_> = params.iter().map(|&ty| (ty, load(self, ir_type(ty)))).collect();
        self.assign_locals(&locals);
        let declared = args.into_iter().map(|(ty, value)| {
            self.declare_reference(ty, value);
            BlockArg::Value(value)
        });
        declared.collect()
    }
}
