//! The start of a function: signature, parameters, locals.
//!
//! The entry block ends with the stack check, before any local has a value. Where another entry
//! takes over a running frame, the entry block leads there, and nobody to the start of the body:
//! see `replacement`.

use cranelift_codegen::ir::{InstBuilder, UserFuncName, Value};
use cranelift_frontend::FunctionBuilder;
use tierup_compile::{CompileError, Entry, FuelPlan, Request};
use tierup_wasm::ValType;

use super::{
    Translated, Translator,
    budget::Budget,
    call_type::{CallType, CallTypes},
    callee::Callees,
    control::Control,
    environment::{Environment, Region},
    operators::Body,
    replacement::Takeover,
    variable::Locals,
};
use crate::compiler::internal;

/// Locals beyond this number may make a frame large.
const FEW_LOCALS: usize = 32;
/// Bodies above this size may make a frame large.
const SMALL_BODY_BYTES: usize = 256;

impl<'a> Translator<'a> {
    /// Starts the translation of a function.
    pub(super) fn enter(
        mut builder: FunctionBuilder<'a>,
        request: &Request<'a>,
        body: &mut Body<'_>,
    ) -> Result<Self, CompileError> {
        let module = request.module;
        let type_index = module.functions[module.function(request.function).index()];
        let mut call_types = CallTypes::default();
        let own = call_types.own(module, type_index);
        builder.func.name = UserFuncName::user(0, request.function.0);
        builder.func.signature = own.signature();
        builder.set_srcloc(body.source_location());
        Region::declare_all(builder.func);

        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        builder.seal_block(entry);
        let params = builder.block_params(entry).to_vec();
        let split = own.hidden_params();
        let (hidden, params) = params.split_at_checked(split).ok_or_else(missing_params)?;
        let instance = *hidden.first().ok_or_else(missing_params)?;
        let runs = body.read_locals()?;
        let locals = params.len() + runs.iter().map(|&(count, _)| count as usize).sum::<usize>();
        let environment = Environment::new(request, instance, hidden.get(1).copied());
        let mut translator = Self {
            builder,
            environment,
            stack: Vec::new(),
            control: Control::default(),
            locals: Locals::new(body.count_blocks(locals)),
            call_types,
            callees: Callees::default(),
            stack_check: None,
            needs_stack_check: false,
            loops: 0,
            result_slot: None,
            takeover: Takeover::default(),
            fuel: FuelPlan::new(request),
            budget: Budget::default(),
            branch_args: Vec::new(),
            offset: body.offset(),
        };
        translator.needs_stack_check =
            locals > FEW_LOCALS || module.body(request.function).len() > SMALL_BODY_BYTES;
        translator.begin(request.entry);
        translator.define_locals(&own, params, &runs)?;
        translator.open_function(&own.ty.results)?;
        Ok(translator)
    }

    /// Goes on where the body starts.
    fn begin(&mut self, entry: Entry) {
        if entry == Entry::Call {
            return self.check_stack();
        }
        let (takeover, start) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().jump(takeover, &[]);
        self.builder.seal_block(takeover);
        self.builder.seal_block(start);
        self.builder.switch_to_block(start);
        self.takeover = Takeover::new(entry, takeover);
    }

    fn define_locals(
        &mut self,
        own: &CallType<'a>,
        params: &[Value],
        runs: &[(u32, ValType)],
    ) -> Translated {
        for (&ty, &value) in own.ty.params.iter().zip(params) {
            self.define_local(ty, value)?;
        }
        for &(count, ty) in runs {
            let zero = self.zero(ty);
            for _ in 0..count {
                self.define_local(ty, zero)?;
            }
        }
        Ok(())
    }
}

#[cold]
fn missing_params() -> CompileError {
    internal("the entry block lacks parameters")
}
