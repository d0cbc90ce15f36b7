//! From bytes to operators: one visitor that only dispatches.
//!
//! The visitor's methods come from the decoder's own list of operators. Each one of the proposals
//! that we have forwards to the method of the same name of [`Generator`], so a missing one does
//! not compile; all others are refused. Operators that open and close blocks are always seen;
//! all others only where code is reachable.

use tierup_compile::{CompileError, CompileErrorKind, Entry, Request};
use tierup_wasm::ValType;
use wasmparser::{BinaryReader, FrameKind, FrameStack, VisitOperator, VisitSimdOperator};

use crate::generator::{Generated, Generator};

/// Most locals of a valid function.
const MAX_LOCALS: u64 = 50_000;

/// A function body that is being read.
pub(crate) struct Body<'a> {
    pub(crate) reader: BinaryReader<'a>,
}

impl<'a> Body<'a> {
    /// The body of the requested function.
    pub(crate) fn new(request: &Request<'a>) -> Result<Self, CompileError> {
        if u32::try_from(request.module.bytes.len()).is_err() {
            return Err(CompileErrorKind::TooLarge { limit: "4 GiB of module bytes" }.into());
        }
        let reader = request.module.body_reader(request.function);
        if request.entry != Entry::Call {
            let (what, offset) = ("code that begins at a loop".into(), reader.original_position());
            return Err(CompileErrorKind::Unsupported { what, offset: offset as usize }.into());
        }
        Ok(Self { reader })
    }

    /// Position of the next byte in the module's bytes.
    pub(crate) fn offset(&self) -> usize {
        self.reader.original_position() as usize
    }

    /// Reads the declarations of locals: runs of one type.
    pub(crate) fn read_locals(&mut self) -> Generated<Vec<(u32, ValType)>> {
        let offset = self.offset();
        let runs = tierup_wasm::read_locals(&mut self.reader)?;
        let total: u64 = runs.iter().map(|&(count, _)| u64::from(count)).sum();
        if total > MAX_LOCALS {
            let message = "too many locals".into();
            return Err(CompileErrorKind::Invalid { message, offset }.into());
        }
        Ok(runs)
    }

    /// Compiles all operators.
    pub(crate) fn translate(&mut self, generator: &mut Generator<'_>) -> Generated {
        while !self.reader.eof() {
            generator.begin_operator(self.offset());
            self.reader.visit_operator(&mut Visitor(generator)).map_err(decoding)??;
        }
        if generator.current_kind().is_some() {
            return Err(generator.invalid("the body ends too early"));
        }
        Ok(())
    }
}

/// An error of the decoder as ours.
#[cold]
pub(crate) fn decoding(error: wasmparser::Error) -> CompileError {
    let offset = error.offset() as usize;
    CompileErrorKind::Invalid { message: error.message().into(), offset }.into()
}

/// What the decoder calls for each operator.
pub(crate) struct Visitor<'t, 'a>(pub(crate) &'t mut Generator<'a>);

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
    (@mvp Else $visit:ident $args:tt) => { dispatch!(always $visit $args); };
    (@mvp End $visit:ident $args:tt) => { dispatch!(always $visit $args); };

    // These take the flags.
    (@mvp If $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $($arg: $ty),*) -> Generated {
            self.0.$visit($($arg),*)
        }
    };
    (@mvp BrIf $visit:ident $args:tt) => { dispatch!(flags $visit $args); };
    (@mvp Select $visit:ident $args:tt) => { dispatch!(flags $visit $args); };
    (@mvp I32Eqz $visit:ident $args:tt) => { dispatch!(flags $visit $args); };

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
        fn $visit(&mut self, $($arg: $ty),*) -> Generated {
            self.0.settle_flags();
            self.0.$visit($($arg),*)
        }
    };
    (reachable $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $($arg: $ty),*) -> Generated {
            if !self.0.is_reachable() {
                return Ok(());
            }
            self.0.settle_flags();
            self.0.$visit($($arg),*)
        }
    };
    (flags $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $($arg: $ty),*) -> Generated {
            if self.0.is_reachable() { self.0.$visit($($arg),*) } else { Ok(()) }
        }
    };
    (refused $op:ident $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $(_: $ty),*) -> Generated {
            Err(self.0.unsupported(concat!("operator ", stringify!($op))))
        }
    };
}

impl<'a> VisitOperator<'a> for Visitor<'_, '_> {
    type Output = Generated;

    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Self::Output>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(dispatch);
}

impl<'a> VisitSimdOperator<'a> for Visitor<'_, '_> {
    wasmparser::for_each_visit_simd_operator!(dispatch);
}
