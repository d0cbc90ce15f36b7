//! From bytes to operators: one visitor that only dispatches.
//!
//! The visitor's methods come from the decoder's own list of operators. Each one of the proposals
//! that we have forwards to the method of the same name of [`Translator`], so a missing one does
//! not compile; all others are refused. Operators that open and close blocks are always seen;
//! all others only where code is reachable.

use cranelift_codegen::ir::{Function, SourceLoc};
use tierup_compile::{CompileError, CompileErrorKind, Request};
use tierup_wasm::ValType;
use wasmparser::{
    BinaryReader, FrameKind, FrameStack, Operator, OperatorsReader, VisitOperator,
    VisitSimdOperator,
};

use crate::allowance::Allowance;

use super::{Translated, Translator, variable::VARIABLE_BUDGET};

/// Most locals of a valid function.
const MAX_LOCALS: u64 = 50_000;

/// A function body that is being read.
pub(super) struct Body<'a> {
    reader: BinaryReader<'a>,
}

impl<'a> Body<'a> {
    /// The body of the requested function.
    pub(super) fn new(request: &Request<'a>) -> Result<Self, CompileError> {
        if u32::try_from(request.module.bytes.len()).is_err() {
            return Err(CompileErrorKind::TooLarge { limit: "4 GiB of module bytes" }.into());
        }
        Ok(Self { reader: request.module.body_reader(request.function) })
    }

    /// Position of the next byte in the module's bytes.
    pub(super) fn offset(&self) -> usize {
        self.reader.original_position() as usize
    }

    /// The same for the IR.
    pub(super) fn source_location(&self) -> SourceLoc {
        SourceLoc::new(self.reader.original_position() as u32)
    }

    /// Reads the declarations of locals: runs of one type.
    pub(super) fn read_locals(&mut self) -> Translated<Vec<(u32, ValType)>> {
        let offset = self.offset();
        let runs = tierup_wasm::read_locals(&mut self.reader).map_err(|error| {
            let message = error.message().into();
            CompileError::from(CompileErrorKind::Invalid { message, offset: error.offset() })
        })?;
        let total: u64 = runs.iter().map(|&(count, _)| u64::from(count)).sum();
        if total > MAX_LOCALS {
            let message = "too many locals".into();
            return Err(CompileErrorKind::Invalid { message, offset }.into());
        }
        Ok(runs)
    }

    /// About how many IR blocks the operators will make, for a function with that many locals.
    ///
    /// No operator makes more blocks than it has bytes. That is exact enough unless both numbers
    /// are large; then the operators are counted.
    pub(super) fn count_blocks(&self, locals: usize) -> usize {
        let most = self.reader.bytes_remaining();
        if most.saturating_mul(locals) <= VARIABLE_BUDGET {
            return most;
        }
        blocks_of(OperatorsReader::new(self.reader.clone()))
    }

    /// Translates all operators.
    pub(super) fn translate(
        &mut self,
        translator: &mut Translator<'_>,
        allowance: &Allowance,
    ) -> Translated {
        let mut loop_start = None;
        while !self.reader.eof() {
            allowance.at_operator(translator.ir())?;
            if translator.takeover.waits_for(self.offset()) {
                loop_start = Some(self.reader.clone());
            }
            translator.begin_operator(self.offset());
            translator.take_fuel();
            self.reader.visit_operator(&mut Visitor(translator)).map_err(decoding)??;
            if translator.takeover.takes_again()
                && let Some(start) = loop_start.take()
            {
                self.reader = start;
            }
        }
        if translator.current_kind().is_some() {
            return Err(translator.invalid("the body ends too early"));
        }
        Ok(())
    }
}

/// How many IR blocks the operators make, up to the first malformed one.
fn blocks_of(operators: OperatorsReader<'_>) -> usize {
    let blocks = |operator: &Operator<'_>| match operator {
        Operator::Loop { .. } | Operator::If { .. } => 3,
        Operator::CallIndirect { .. } | Operator::ReturnCallIndirect { .. } => 2,
        Operator::Block { .. } | Operator::BrIf { .. } => 1,
        Operator::BrTable { targets } => targets.len() as usize + 1,
        _ => 0,
    };
    operators.into_iter().map_while(Result::ok).map(|operator| blocks(&operator)).sum()
}

/// An error of the decoder as ours.
#[cold]
fn decoding(error: wasmparser::Error) -> CompileError {
    let offset = error.offset() as usize;
    CompileErrorKind::Invalid { message: error.message().into(), offset }.into()
}

impl Translator<'_> {
    /// The IR so far.
    fn ir(&self) -> &Function {
        self.builder.func
    }

    /// All instructions from here on come from the operator at `offset`.
    fn begin_operator(&mut self, offset: usize) {
        self.offset = offset;
        self.builder.set_srcloc(SourceLoc::new(offset as u32));
    }
}

/// What the decoder calls for each operator.
struct Visitor<'t, 'a>(&'t mut Translator<'a>);

impl FrameStack for Visitor<'_, '_> {
    fn current_frame(&self) -> Option<FrameKind> {
        self.0.current_kind()
    }
}

macro_rules! dispatch {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(dispatch!(@$proposal $op $visit ($($($arg: $ty),*)?));)*
    };

    (@mvp Block $visit:ident $args:tt) => { dispatch!(always $visit $args); };
    (@mvp Loop $visit:ident $args:tt) => { dispatch!(always $visit $args); };
    (@mvp If $visit:ident $args:tt) => { dispatch!(always $visit $args); };
    (@mvp Else $visit:ident $args:tt) => { dispatch!(always $visit $args); };
    (@mvp End $visit:ident $args:tt) => { dispatch!(always $visit $args); };

    (@mvp $op:ident $visit:ident $args:tt) => { dispatch!(reachable $visit $args); };
    (@sign_extension $op:ident $visit:ident $args:tt) => { dispatch!(reachable $visit $args); };
    (@saturating_float_to_int $op:ident $visit:ident $args:tt) => {
        dispatch!(reachable $visit $args);
    };
    (@bulk_memory $op:ident $visit:ident $args:tt) => { dispatch!(reachable $visit $args); };
    (@reference_types TypedSelectMulti $visit:ident $args:tt) => {
        dispatch!(refused TypedSelectMulti $visit $args);
    };
    (@reference_types $op:ident $visit:ident $args:tt) => { dispatch!(reachable $visit $args); };
    (@tail_call $op:ident $visit:ident $args:tt) => { dispatch!(reachable $visit $args); };
    (@simd $op:ident $visit:ident $args:tt) => { dispatch!(reachable $visit $args); };
    (@$proposal:ident $op:ident $visit:ident $args:tt) => { dispatch!(refused $op $visit $args); };

    (always $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $($arg: $ty),*) -> Translated {
            self.0.$visit($($arg),*)
        }
    };
    (reachable $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $($arg: $ty),*) -> Translated {
            if self.0.is_reachable() { self.0.$visit($($arg),*) } else { Ok(()) }
        }
    };
    (refused $op:ident $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $(_: $ty),*) -> Translated {
            Err(self.0.unsupported(concat!("operator ", stringify!($op))))
        }
    };
}

impl<'a> VisitOperator<'a> for Visitor<'_, '_> {
    type Output = Translated;

    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Self::Output>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(dispatch);
}

impl<'a> VisitSimdOperator<'a> for Visitor<'_, '_> {
    wasmparser::for_each_visit_simd_operator!(dispatch);
}
