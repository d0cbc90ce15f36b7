//! Cranelift's phases one by one, with a look at the allowance between them.
//!
//! They are those of Cranelift's own `Context::compile`, in the same order, with two passes of ours
//! between its optimizer and its backend.

use cranelift_codegen::{CompiledCode, control::ControlPlane, isa::TargetIsa, settings::OptLevel};
use tierup_compile::CompileError;

use crate::{allowance::Allowance, compiler::refused, constants, nests, workspace::Workspace};

/// Compiles the function in the workspace.
pub(crate) fn run(
    isa: &dyn TargetIsa,
    workspace: &mut Workspace,
    allowance: &Allowance,
) -> Result<CompiledCode, CompileError> {
    let Workspace { context, allocator, .. } = workspace;
    let mut control = ControlPlane::default();
    allowance.check("control flow", &context.func)?;
    context.verify_if(isa).map_err(refused)?;
    context.compute_cfg();
    context.compute_domtree();
    context.eliminate_unreachable_code(isa).map_err(refused)?;
    context.remove_constant_phis(isa).map_err(refused)?;
    context.func.dfg.resolve_all_aliases();
    allowance.check("optimization", &context.func)?;
    Allowance::check_parameters(&context.func)?;
    if isa.flags().opt_level() != OptLevel::None {
        context.egraph_pass(isa, &mut control).map_err(refused)?;
    }
    constants::keep_close(&mut context.func);
    nests::reload_store_block(context);
    context.verify_if(isa).map_err(refused)?;
    allowance.check("code generation", &context.func)?;
    allowance.check_last("code generation")?;
    let (func, domtree) = (&context.func, &context.domtree);
    let stencil = isa.compile_function(func, domtree, allocator, false, &mut control);
    Ok(stencil.map_err(refused)?.apply_params(&context.func.params))
}
