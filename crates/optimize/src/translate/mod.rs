//! From a function body to Cranelift IR, in one pass over its operators.
//!
//! ```text
//!  entry:  parameters, locals, stack check ──► (cold: poll) ──► body
//!  body:   operators; each loop header polls
//!  exit:   results to registers and the result area
//! ```
//!
//! The body is valid, so operands are never checked for sense, but nothing relies on it: wrong
//! counts and types give an error, not a panic. Operands are IR values on `stack`; locals are
//! variables of the function builder, which makes the phis. Values of type `v128` travel with
//! any lane type while they are operands, and as `i8x16` wherever control flow joins.
//!
//! Nothing recurses, so nesting is bounded by memory only.

mod value;
mod budget;
mod fuel;
mod environment;
mod entry;
mod replacement;
mod poll;
mod operators;
mod operands;
mod control;
mod branch;
mod variable;
mod numeric;
mod convert;
mod address;
mod memory;
mod table;
mod call;
mod call_type;
mod callee;
mod builtin;
mod vector;

use cranelift_codegen::{
    ir::{BlockArg, Inst, StackSlot, Value},
    isa::TargetIsa,
};
use cranelift_frontend::FunctionBuilder;
use tierup_compile::{CompileError, CompileErrorKind, Entry, FuelPlan, Request};

use self::{
    call_type::CallTypes, callee::Callees, control::Control, environment::Environment,
    replacement::Takeover, variable::Locals,
};
use crate::{
    allowance::Allowance,
    arms,
    compiler::{internal, refused},
    phis,
    workspace::Workspace,
};

/// The result of translating one operator.
pub(crate) type Translated<T = ()> = Result<T, CompileError>;

/// Leaves the IR of the requested function in the workspace.
pub(crate) fn function(
    isa: &dyn TargetIsa,
    request: &Request<'_>,
    workspace: &mut Workspace,
    allowance: &Allowance,
) -> Translated {
    let entry = request.entry;
    let builder = FunctionBuilder::new(&mut workspace.context.func, &mut workspace.builder);
    let mut body = operators::Body::new(request)?;
    let mut translator = Translator::enter(builder, request, &mut body)?;
    body.translate(&mut translator, allowance)?;
    let loops = translator.leave(isa)?;
    if entry != Entry::Call {
        // The start, which nobody enters.
        workspace.context.compute_cfg();
        workspace.context.compute_domtree();
        workspace.context.eliminate_unreachable_code(isa).map_err(refused)?;
    }
    if loops {
        phis::remove_constant(&mut workspace.context.func);
        arms::leave_loops_first(&mut workspace.context.func);
    }
    Ok(())
}

/// State of the translation of one function.
pub(crate) struct Translator<'a> {
    /// Where instructions go.
    builder: FunctionBuilder<'a>,
    /// What surrounds the function.
    environment: Environment<'a>,
    /// Operands, innermost last.
    stack: Vec<Value>,
    /// Blocks that are open.
    control: Control<'a>,
    /// The function's locals.
    locals: Locals,
    /// Signatures that are in use.
    call_types: CallTypes<'a>,
    /// Functions and builtins that are in use.
    callees: Callees,
    /// The branch of the stack check, and where it leads if there is enough.
    stack_check: Option<poll::StackCheck>,
    /// It calls something, can run for long, or may have a large frame.
    needs_stack_check: bool,
    /// How many loops it has.
    loops: usize,
    /// Where callees leave results that do not fit in registers.
    result_slot: Option<StackSlot>,
    /// The way in for frames that run other code.
    takeover: Takeover,
    /// Where fuel is taken.
    fuel: FuelPlan,
    /// What the function has cost so far.
    budget: budget::Budget,
    /// Lent to branches for their arguments.
    branch_args: Vec<BlockArg>,
    /// Position of the current operator in the module's bytes.
    offset: usize,
}

impl Translator<'_> {
    /// Finishes the function: settles what could be decided only now. Says whether it has loops.
    fn leave(mut self, isa: &dyn TargetIsa) -> Translated<bool> {
        if self.takeover.is_waiting() {
            return Err(internal("no loop begins at the other entry"));
        }
        self.settle_stack_check();
        self.builder.finalize(isa.frontend_config());
        Ok(self.loops > 0)
    }

    /// The only result of an instruction.
    fn result(&self, inst: Inst) -> Translated<Value> {
        match self.builder.inst_results(inst) {
            [value] => Ok(*value),
            _ => Err(internal("an instruction without its one result")),
        }
    }

    /// The body is not valid at the current operator.
    #[cold]
    fn invalid(&self, message: impl Into<String>) -> CompileError {
        CompileErrorKind::Invalid { message: message.into(), offset: self.offset }.into()
    }

    /// The current operator is not one of ours.
    #[cold]
    fn unsupported(&self, what: &str) -> CompileError {
        CompileErrorKind::Unsupported { what: what.into(), offset: self.offset }.into()
    }
}
