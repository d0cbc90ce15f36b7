//! Validation in the same pass: each operator is validated, then compiled.
//!
//! ```text
//!  body ──► decoder ──► Checked ──┬──► validator, which may refuse
//!                                 └──► Visitor ──► Generator
//! ```
//!
//! Reading operators is half of the cost of validating them, so a body that is read once for both
//! costs little more than one that was validated before.
//!
//! * [VA-BEFORE] the generator sees nothing that the validator has not accepted.
//! * [VA-SAME] an error of the pass never decides what is wrong with a body: whoever gets one asks
//!   plain validation (`compiler`).

use std::cell::Cell;

use tierup_compile::Request;
use tierup_wasm::{BodyValidator, BodyValidatorAllocations};
use wasmparser::{FrameKind, FrameStack, VisitOperator, VisitSimdOperator};

use crate::{
    generator::{Generated, Generator},
    operators::{Body, Visitor, decoding},
};

/// Longer bodies leave more memory behind than is worth keeping.
const KEPT_BODY_BYTES: usize = 1 << 20;

thread_local! {
    /// Memory that the thread's next validator uses again.
    static ALLOCATIONS: Cell<Option<BodyValidatorAllocations>> = const { Cell::new(None) };
}

/// Validates a body while somebody else compiles it.
pub(crate) struct Validating {
    validator: BodyValidator,
    body_bytes: usize,
}

impl Validating {
    /// Begins with the locals of the body, which stays where it is.
    pub(crate) fn new(request: &Request<'_>, body: &Body<'_>) -> Generated<Self> {
        let allocations = ALLOCATIONS.take().unwrap_or_default();
        let mut validator = request.module.body_validator(request.function, allocations);
        validator.read_locals(&mut body.reader.clone()).map_err(decoding)?;
        Ok(Self { validator, body_bytes: request.module.bodies[request.function.index()].len() })
    }

    /// Validates and compiles all operators.
    pub(crate) fn translate(
        &mut self,
        body: &mut Body<'_>,
        generator: &mut Generator<'_>,
    ) -> Generated {
        let Body { reader } = body;
        while !reader.eof() {
            let offset = reader.original_position();
            generator.begin_operator(offset as usize);
            let validator = self.validator.simd_visitor(offset);
            let mut checked = Checked { validator, compiler: Visitor(generator) };
            reader.visit_operator(&mut checked).map_err(decoding)??;
        }
        let end = reader.original_position();
        reader.finish_expression(&self.validator.visitor(end)).map_err(decoding)
    }

    /// The body is valid.
    pub(crate) fn finish(self) {
        if self.body_bytes <= KEPT_BODY_BYTES {
            ALLOCATIONS.set(Some(self.validator.into_allocations()));
        }
    }
}

/// What the decoder calls for each operator: both sides, one after the other.
struct Checked<'t, 'a, V> {
    validator: V,
    compiler: Visitor<'t, 'a>,
}

impl<V> FrameStack for Checked<'_, '_, V> {
    fn current_frame(&self) -> Option<FrameKind> {
        self.compiler.current_frame()
    }
}

macro_rules! both {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(
            #[inline(always)]
            fn $visit(&mut self, $($($arg: $ty),*)?) -> Generated {
                // [VA-BEFORE]
                self.validator.$visit($($(Clone::clone(&$arg)),*)?).map_err(decoding)?;
                self.compiler.$visit($($($arg),*)?)
            }
        )*
    };
}

impl<'a, V> VisitOperator<'a> for Checked<'_, '_, V>
where
    V: VisitSimdOperator<'a, Output = wasmparser::Result<()>>,
{
    type Output = Generated;

    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Self::Output>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(both);
}

impl<'a, V> VisitSimdOperator<'a> for Checked<'_, '_, V>
where
    V: VisitSimdOperator<'a, Output = wasmparser::Result<()>>,
{
    wasmparser::for_each_visit_simd_operator!(both);
}
