//! Blocks, loops, ifs, and what is known about reachability.
//!
//! | construct | IR blocks | parameters |
//! |---|---|---|
//! | block, function | end | results |
//! | loop | header | parameters |
//! | if, else | else, end | results |
//!
//! Where a construct's parameters need no phi they just stay on the operand stack. Code after an
//! unconditional branch is skipped: only the kinds of the constructs that open there are kept,
//! because they must be closed again. It ends at the `end` or `else` of the innermost construct
//! that was opened in reachable code.

use cranelift_codegen::ir::{Block, InstBuilder, Value};
use tierup_wasm::{TypeIndex, ValType};
use wasmparser::{BlockType, FrameKind};

use super::{Translated, Translator, value};

/// Open constructs, innermost last.
#[derive(Default)]
pub(super) struct Control<'a> {
    frames: Vec<Frame<'a>>,
    /// The current code cannot be reached.
    unreachable: bool,
    /// Constructs that were opened in unreachable code.
    skipped: Vec<FrameKind>,
}

/// An open construct.
pub(super) struct Frame<'a> {
    /// Operands below it.
    height: usize,
    params: &'a [ValType],
    results: &'a [ValType],
    kind: Kind,
}

enum Kind {
    /// A block, the function, or an if whose then-part is over.
    Forward(Join),
    Loop {
        header: Block,
    },
    If {
        join: Join,
        otherwise: Block,
        /// The parameters, which the else-part has too.
        params: Box<[Value]>,
    },
    Else(Join),
}

/// Where forward branches lead.
#[derive(Clone, Copy)]
struct Join {
    block: Block,
    reached: bool,
}

impl<'a> Control<'a> {
    /// Where a branch to the construct at `depth` leads, and what it takes there.
    pub(super) fn target(&mut self, depth: u32) -> Option<(Block, &'a [ValType])> {
        let index = self.frames.len().checked_sub(depth as usize + 1)?;
        let frame = &mut self.frames[index];
        match &mut frame.kind {
            Kind::Loop { header } => Some((*header, frame.params)),
            Kind::Forward(join) | Kind::Else(join) | Kind::If { join, .. } => {
                join.reached = true;
                Some((join.block, frame.results))
            }
        }
    }

    /// Operands below the innermost construct, which it cannot reach.
    pub(super) fn floor(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.height)
    }

    /// Is a loop open?
    pub(super) fn is_in_loop(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame.kind, Kind::Loop { .. }))
    }

    /// The code from here on can be reached.
    pub(super) fn set_reachable(&mut self) {
        self.unreachable = false;
    }

    /// How many constructs are open.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// What a `return` takes.
    pub(super) fn function_results(&self) -> &'a [ValType] {
        self.frames.first().map_or(&[], |frame| frame.results)
    }
}

impl<'a> Translator<'a> {
    /// Whether the current code can be reached.
    pub(super) fn is_reachable(&self) -> bool {
        !self.control.unreachable
    }

    /// The code from here on cannot be reached.
    pub(super) fn set_unreachable(&mut self) {
        self.control.unreachable = true;
    }

    /// Kind of the innermost construct.
    pub(super) fn current_kind(&self) -> Option<FrameKind> {
        if let Some(kind) = self.control.skipped.last() {
            return Some(*kind);
        }
        Some(match self.control.frames.last()?.kind {
            Kind::Forward(_) => FrameKind::Block,
            Kind::Loop { .. } => FrameKind::Loop,
            Kind::If { .. } => FrameKind::If,
            Kind::Else(_) => FrameKind::Else,
        })
    }

    /// Opens the construct that is the whole function.
    pub(super) fn open_function(&mut self, results: &'a [ValType]) -> Translated {
        let join = self.join(results)?;
        self.control.frames.push(Frame {
            height: 0,
            params: &[],
            results,
            kind: Kind::Forward(join),
        });
        Ok(())
    }

    pub(super) fn visit_block(&mut self, ty: BlockType) -> Translated {
        if self.skip(FrameKind::Block) {
            return Ok(());
        }
        let (params, results) = self.block_type(ty)?;
        let height = self.height_below(params.len())?;
        self.bind_operands(height)?;
        let join = self.join(results)?;
        self.control.frames.push(Frame { height, params, results, kind: Kind::Forward(join) });
        Ok(())
    }

    pub(super) fn visit_loop(&mut self, ty: BlockType) -> Translated {
        if self.skip(FrameKind::Loop) {
            return Ok(());
        }
        let (params, results) = self.block_type(ty)?;
        let height = self.height_below(params.len())?;
        self.bind_operands(height)?;
        if self.takeover.waits_for(self.offset) && self.control.is_in_loop() {
            return self.open_copy(height, (params, results));
        }
        let args = self.peek_args(params)?;
        let header = self.block_with_params(params)?;
        self.builder.ins().jump(header, &args);
        self.reuse_args(args);
        self.truncate(height);
        self.builder.switch_to_block(header);
        if self.takeover.waits_for(self.offset) {
            self.take_over(header, params)?;
        }
        self.open_loop(header, height, (params, results));
        Ok(())
    }

    /// Opens a loop in its header, which is empty.
    pub(super) fn open_loop(
        &mut self,
        header: Block,
        height: usize,
        (params, results): (&'a [ValType], &'a [ValType]),
    ) {
        self.push_block_params(header, params);
        self.control.frames.push(Frame { height, params, results, kind: Kind::Loop { header } });
        self.loops += 1;
        self.poll();
    }

    pub(super) fn visit_if(&mut self, ty: BlockType) -> Translated {
        if self.skip(FrameKind::If) {
            return Ok(());
        }
        let condition = self.pop_i32()?;
        let (params, results) = self.block_type(ty)?;
        let height = self.height_below(params.len())?;
        self.bind_operands(height)?;
        let then = self.builder.create_block();
        let otherwise = self.builder.create_block();
        let join = self.join(results)?;
        self.builder.ins().brif(condition, then, &[], otherwise, &[]);
        self.builder.seal_block(then);
        self.builder.seal_block(otherwise);
        self.builder.switch_to_block(then);
        let kind = Kind::If { join, otherwise, params: self.stack[height..].into() };
        self.control.frames.push(Frame { height, params, results, kind });
        Ok(())
    }

    pub(super) fn visit_else(&mut self) -> Translated {
        if let Some(kind) = self.control.skipped.last_mut() {
            *kind = FrameKind::Else;
            return Ok(());
        }
        let frame = self.pop_frame()?;
        let Frame { height, params, results, kind } = frame;
        let Kind::If { join, otherwise, params: values } = kind else {
            return Err(self.invalid("an else without if"));
        };
        let join = self.fall_into(join, height, results)?;
        self.truncate(height);
        self.stack.extend(values);
        self.builder.switch_to_block(otherwise);
        self.control.unreachable = false;
        self.control.frames.push(Frame { height, params, results, kind: Kind::Else(join) });
        Ok(())
    }

    pub(super) fn visit_end(&mut self) -> Translated {
        if self.control.skipped.pop().is_some() {
            return Ok(());
        }
        let frame = self.pop_frame()?;
        match frame.kind {
            Kind::Loop { header } => {
                self.builder.seal_block(header);
                if self.is_reachable() {
                    self.check_height(frame.height, frame.results)?;
                }
                self.close_copy(frame.height, frame.results)?;
            }
            Kind::Forward(join) | Kind::Else(join) => {
                let join = self.fall_into(join, frame.height, frame.results)?;
                self.continue_at(join, frame.height, frame.results);
            }
            Kind::If { join, otherwise, params } => {
                let join = self.fall_into(join, frame.height, frame.results)?;
                self.truncate(frame.height);
                self.stack.extend(params);
                self.builder.switch_to_block(otherwise);
                self.control.unreachable = false;
                let join = self.fall_into(join, frame.height, frame.results)?;
                self.continue_at(join, frame.height, frame.results);
            }
        }
        self.leave_construct(frame.height);
        if self.control.frames.is_empty() && self.is_reachable() {
            self.emit_return(frame.results)?;
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

    fn pop_frame(&mut self) -> Translated<Frame<'a>> {
        self.control.frames.pop().ok_or_else(|| self.invalid("an end too many"))
    }

    /// Parameters and results of a construct.
    fn block_type(&self, ty: BlockType) -> Translated<(&'a [ValType], &'a [ValType])> {
        match ty {
            BlockType::Empty => Ok((&[], &[])),
            BlockType::Type(ty) => {
                let ty = ValType::from_parser(ty);
                let ty = ty.ok_or_else(|| self.unsupported("the result type of a block"))?;
                Ok((&[], ty.as_list()))
            }
            BlockType::FuncType(index) => {
                let ty = self.environment.module.types.get(TypeIndex(index).index());
                let ty = ty.ok_or_else(|| self.invalid("a block of unknown type"))?;
                Ok((&ty.params, &ty.results))
            }
        }
    }

    /// A block that takes `results`.
    fn join(&mut self, results: &[ValType]) -> Translated<Join> {
        Ok(Join { block: self.block_with_params(results)?, reached: false })
    }

    /// A new block with parameters of these types.
    pub(super) fn block_with_params(&mut self, params: &[ValType]) -> Translated<Block> {
        self.spend(params.len())?;
        self.spend_for_block()?;
        let block = self.builder.create_block();
        for &ty in params {
            self.builder.append_block_param(block, value::ir_type(ty));
        }
        Ok(block)
    }

    /// Pushes the parameters of a block. The function builder may have added more behind them.
    pub(super) fn push_block_params(&mut self, block: Block, params: &[ValType]) {
        for (index, &ty) in params.iter().enumerate() {
            let param = self.builder.block_params(block)[index];
            self.push_new(ty, param);
        }
    }

    /// Falls into a join from above, if that can happen.
    fn fall_into(&mut self, join: Join, height: usize, results: &[ValType]) -> Translated<Join> {
        if !self.is_reachable() {
            return Ok(join);
        }
        self.check_height(height, results)?;
        let args = self.peek_args(results)?;
        self.builder.ins().jump(join.block, &args);
        self.reuse_args(args);
        Ok(Join { reached: true, ..join })
    }

    /// A construct must leave its results and nothing else.
    fn check_height(&self, height: usize, results: &[ValType]) -> Translated {
        if self.stack.len() == height + results.len() {
            return Ok(());
        }
        Err(self.invalid("a block leaves another number of operands"))
    }

    /// Goes on behind a construct: at its join, or nowhere.
    fn continue_at(&mut self, join: Join, height: usize, results: &[ValType]) {
        self.truncate(height);
        self.control.unreachable = !join.reached;
        if !join.reached {
            return;
        }
        self.builder.seal_block(join.block);
        self.builder.switch_to_block(join.block);
        self.push_block_params(join.block, results);
    }
}
