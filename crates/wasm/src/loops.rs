//! Which loops of a function enclose which.
#![forbid(unsafe_code)]

use wasmparser::{Operator, OperatorsReader};

use crate::{DefinedFunc, Module, read_locals};

impl Module {
    /// Positions in the module's bytes of the loops around the operator at `position`, innermost
    /// first. Reads the body up to there; what is malformed ends it.
    pub fn loops_around(&self, function: DefinedFunc, position: u32) -> Vec<u32> {
        let mut reader = self.body_reader(function);
        if read_locals(&mut reader).is_err() {
            return Vec::new();
        }
        // Constructs that are open, and which of them are loops.
        let mut open = Vec::new();
        let mut operators = OperatorsReader::new(reader);
        while !operators.eof()
            && let Ok((operator, offset)) = operators.read_with_offset()
            && offset < u64::from(position)
        {
            match operator {
                Operator::Loop { .. } => open.push(Some(offset as u32)),
                Operator::Block { .. } | Operator::If { .. } => open.push(None),
                Operator::End => drop(open.pop()),
                _ => {}
            }
        }
        open.into_iter().rev().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bytes;

    #[test]
    fn loops_around_a_loop_are_found() {
        let text = "(module (func (local i32)
            (loop (block (loop (nop)) (if (i32.const 1) (then (loop (nop)) (loop (nop))))))
            (loop (nop))))";
        let module = Module::decode(Bytes::from(wat::parse_str(text).unwrap())).unwrap();
        let mut reader = module.body_reader(DefinedFunc(0));
        read_locals(&mut reader).unwrap();
        let operators = OperatorsReader::new(reader).into_iter_with_offsets();
        let loops: Vec<_> = operators
            .map(Result::unwrap)
            .filter(|(operator, _)| matches!(operator, Operator::Loop { .. }))
            .map(|(_, offset)| offset as u32)
            .collect();
        let around = |index: usize| module.loops_around(DefinedFunc(0), loops[index]);
        assert_eq!((around(0), around(1)), (vec![], vec![loops[0]]));
        assert_eq!((around(2), around(3)), (vec![loops[0]], vec![loops[0]]));
        assert_eq!(around(4), []);
    }
}
