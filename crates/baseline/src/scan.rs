//! Which locals are worth a register: a look ahead, for functions with float or vector locals only.
//!
//! All vector registers belong to whoever is called, so a local that lives in one is stored before
//! each call and loaded behind it. Whether that pays depends on what follows:
//!
//! ```text
//!   gain  = uses of the local, each worth 8 times as much for every loop around it
//!   price = calls, each twice as much as a use, weighted likewise
//! ```
//!
//! Integer locals have registers that calls keep, and nothing to lose; so most functions are not
//! read twice.

use wasmparser::{BinaryReader, FrameKind, FrameStack, VisitOperator, VisitSimdOperator};

/// log2 of what a loop makes a use worth.
const LOOP_SHIFT: u32 = 3;

/// Loops inside of more loops than this count like these.
const DEEPEST: usize = 6;

/// Moving a local to a register is worth as many uses.
const LEAST_GAIN: u64 = 3;

/// What a function does with its locals.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Weighted uses of each local.
    locals: Vec<u64>,
    /// Weighted calls.
    calls: u64,
    frames: Vec<FrameKind>,
    loops: usize,
}

impl Uses {
    /// Reads operators up to the end, or to what is malformed, which others report.
    pub(crate) fn scan(mut reader: BinaryReader<'_>, locals: usize) -> Self {
        let mut this =
            Self { locals: vec![0; locals], frames: vec![FrameKind::Block], ..Self::default() };
        while !reader.eof() && matches!(reader.visit_operator(&mut this), Ok(())) {}
        this
    }

    /// Those of the integer locals `candidates` that are used, best first.
    pub(crate) fn best_integers(&self, candidates: impl Iterator<Item = u32>) -> Vec<u32> {
        self.best(candidates, 0)
    }

    /// Those of the float and vector locals `candidates` that are worth a register, best first.
    pub(crate) fn best_floats(&self, candidates: impl Iterator<Item = u32>) -> Vec<u32> {
        self.best(candidates, self.calls.saturating_mul(2).max(LEAST_GAIN))
    }

    fn best(&self, candidates: impl Iterator<Item = u32>, price: u64) -> Vec<u32> {
        let gain = |&local: &u32| self.locals[local as usize];
        let mut best: Vec<_> = candidates.filter(|local| price < gain(local)).collect();
        best.sort_by_key(|local| std::cmp::Reverse(gain(local)));
        best
    }

    fn weight(&self) -> u64 {
        1 << (LOOP_SHIFT as usize * self.loops.min(DEEPEST))
    }

    fn note_use(&mut self, local: u32) {
        let weight = self.weight();
        if let Some(uses) = self.locals.get_mut(local as usize) {
            *uses = uses.saturating_add(weight);
        }
    }

    fn note_call(&mut self) {
        self.calls = self.calls.saturating_add(self.weight());
    }

    fn open(&mut self, kind: FrameKind) {
        self.loops += usize::from(kind == FrameKind::Loop);
        self.frames.push(kind);
    }

    fn close(&mut self) {
        self.loops -= usize::from(self.frames.pop() == Some(FrameKind::Loop));
    }
}

impl FrameStack for Uses {
    fn current_frame(&self) -> Option<FrameKind> {
        self.frames.last().copied()
    }
}

macro_rules! notice {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(notice!($op $visit ($($($arg: $ty),*)?));)*
    };

    (LocalGet $visit:ident ($local:ident: $ty:ty)) => {
        fn $visit(&mut self, $local: $ty) { self.note_use($local); }
    };
    (LocalSet $visit:ident ($local:ident: $ty:ty)) => {
        fn $visit(&mut self, $local: $ty) { self.note_use($local); }
    };
    (LocalTee $visit:ident ($local:ident: $ty:ty)) => {
        fn $visit(&mut self, $local: $ty) { self.note_use($local); }
    };
    (Call $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $(_: $ty),*) { self.note_call(); }
    };
    (CallIndirect $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $(_: $ty),*) { self.note_call(); }
    };
    (Block $visit:ident ($arg:ident: $ty:ty)) => {
        fn $visit(&mut self, _: $ty) { self.open(FrameKind::Block); }
    };
    (Loop $visit:ident ($arg:ident: $ty:ty)) => {
        fn $visit(&mut self, _: $ty) { self.open(FrameKind::Loop); }
    };
    (If $visit:ident ($arg:ident: $ty:ty)) => {
        fn $visit(&mut self, _: $ty) { self.open(FrameKind::If); }
    };
    (Else $visit:ident ()) => {
        fn $visit(&mut self) {
            self.close();
            self.open(FrameKind::Else);
        }
    };
    (End $visit:ident ()) => {
        fn $visit(&mut self) { self.close(); }
    };
    ($op:ident $visit:ident ($($arg:ident: $ty:ty),*)) => {
        fn $visit(&mut self, $(_: $ty),*) {}
    };
}

impl<'a> VisitOperator<'a> for Uses {
    type Output = ();

    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = ()>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(notice);
}

impl<'a> VisitSimdOperator<'a> for Uses {
    wasmparser::for_each_visit_simd_operator!(notice);
}

#[cfg(test)]
mod tests {
    use tierup_wasm::{Bytes, DefinedFunc, Module};

    use super::*;

    fn best_floats(body: &str) -> Vec<u32> {
        let text = format!(
            "(module (func $f (param f64 f64 f64 i32)
               (local.set 0 (local.get 0)) (local.set 0 (local.get 0)) {body}))"
        );
        let module = Module::decode(Bytes::from(wat::parse_str(text).unwrap())).unwrap();
        let mut reader = module.body_reader(DefinedFunc(0));
        tierup_wasm::read_locals(&mut reader).unwrap();
        Uses::scan(reader, 4).best_floats(0..3)
    }

    const USE: &str = "(local.set 1 (local.get 1))";
    const CALL: &str = "(call $f (f64.const 0) (f64.const 0) (f64.const 0) (i32.const 0))";

    #[test]
    fn uses_in_loops_come_first() {
        assert_eq!(best_floats(""), [0]);
        assert_eq!(best_floats(USE), [0]);
        assert_eq!(best_floats(&format!("(loop {USE})")), [1, 0]);
        // The loop is over.
        assert_eq!(best_floats(&format!("(loop (if (i32.const 0) (then) (else))) {USE}")), [0]);
    }

    #[test]
    fn calls_have_a_price_where_they_are() {
        assert_eq!(best_floats(&format!("(loop {USE}) {CALL}")), [1, 0]);
        assert_eq!(best_floats(&format!("(loop {USE}) {CALL} {CALL}")), [1]);
        assert!(best_floats(&format!("(loop {USE} {CALL})")).is_empty());
        assert_eq!(best_floats(&format!("(loop (loop {USE}) {CALL})")), [1]);
    }
}
