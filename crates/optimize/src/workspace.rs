//! Memory that a thread uses again for its next function.
//!
//! A workspace is taken out of its thread's place while it is in use and put back only after a
//! success: a failure or a panic in between leaves it in no known state, so it is dropped.

use std::cell::Cell;

use cranelift_codegen::Context;
use cranelift_frontend::FunctionBuilderContext;
use tierup_compile::CompileError;

/// Functions with more IR values leave more memory behind than is worth keeping.
const KEPT_VALUES: usize = 1 << 18;

/// Cranelift's reusable state.
pub(crate) struct Workspace {
    /// The function and what passes compute about it.
    pub(crate) context: Context,
    /// State of the function builder.
    pub(crate) builder: FunctionBuilderContext,
    /// State of the register allocator.
    pub(crate) allocator: regalloc2::Ctx,
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            context: Context::new(),
            builder: FunctionBuilderContext::new(),
            allocator: regalloc2::Ctx::default(),
        }
    }
}

thread_local! {
    static WORKSPACE: Cell<Option<Box<Workspace>>> = const { Cell::new(None) };
}

/// Lends the thread's workspace to `work` for one function.
pub(crate) fn with<T>(
    work: impl FnOnce(&mut Workspace) -> Result<T, CompileError>,
) -> Result<T, CompileError> {
    let mut workspace = WORKSPACE.take().unwrap_or_default();
    workspace.context.clear();
    let result = work(&mut workspace)?;
    if workspace.context.func.dfg.num_values() <= KEPT_VALUES {
        WORKSPACE.set(Some(workspace));
    }
    Ok(result)
}
