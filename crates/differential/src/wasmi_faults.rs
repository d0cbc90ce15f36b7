//! Known faults of wasmi 2.0.0, kept out of its way.
//!
//! ```text
//! i32.const 1   local.get 0   local.get 0   i32.eqz   select       gives 1 for 5
//!
//! block (result v128)
//!   i32.const 5   v128.const ...   local.get 0   br_table 0        gives other bits
//! ```
//!
//! * [WF-SELECT] It drops a comparison with zero that a `select` follows and has `select` look at
//!   the operand instead; but when that is a local, at another register. `wasm-smith` guards
//!   divisions just so: most modules get another operator for `i32.eqz` there.
//! * [WF-TABLE] `br_table` copies vectors from the wrong place.
//!
//! Modules that have one of these do not run in wasmi.
#![forbid(unsafe_code)]

use wasmparser::{BinaryReaderError, BlockType, FunctionBody, Operator, Parser, Payload, ValType};

/// `i32.clz`: like `i32.eqz`, it is true for zero.
const CLZ: u8 = 0x67;

/// The module without `i32.eqz` before `select`. Guards work as before: what `i32.clz` makes
/// false is not zero.
pub(crate) fn without_eqz_select(mut wasm: Vec<u8>) -> Vec<u8> {
    let suspects = Suspects::of(&wasm).expect("generated modules are well-formed");
    for offset in suspects.eqz_selects {
        wasm[offset] = CLZ;
    }
    wasm
}

/// Whether wasmi may run the module wrongly.
pub(crate) fn concern(wasm: &[u8]) -> bool {
    Suspects::of(wasm).is_ok_and(|suspects| suspects.others || !suspects.eqz_selects.is_empty())
}

#[derive(Default)]
struct Suspects {
    /// Where `i32.eqz` stands before `select`.
    eqz_selects: Vec<usize>,
    /// Something else may go wrong.
    others: bool,
    /// For each type its parameters and its results.
    types: Vec<(Carries, Carries)>,
    /// Types of functions whose bodies are still to come, the next one last.
    bodies: Vec<u32>,
}

/// Whether values that a branch carries are vectors.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Carries {
    #[default]
    Scalars,
    Vectors,
}

impl Carries {
    fn of(types: &[ValType]) -> Self {
        if types.contains(&ValType::V128) { Self::Vectors } else { Self::Scalars }
    }
}

impl Suspects {
    fn of(wasm: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut suspects = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(types) => {
                    for ty in types.into_iter_err_on_gc_types() {
                        let ty = ty?;
                        let carries = (Carries::of(ty.params()), Carries::of(ty.results()));
                        suspects.types.push(carries);
                    }
                }
                Payload::FunctionSection(functions) => {
                    suspects.bodies = functions.into_iter().collect::<Result<_, _>>()?;
                    suspects.bodies.reverse();
                }
                Payload::CodeSectionEntry(body) => suspects.scan(&body)?,
                _ => {}
            }
        }
        Ok(suspects)
    }

    fn scan(&mut self, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        let ty = self.bodies.pop().unwrap_or_default();
        let mut labels = vec![self.carries(BlockType::FuncType(ty)).1];
        let mut comparison = None;
        for operator in body.get_operators_reader()?.into_iter_with_offsets() {
            let (operator, offset) = operator?;
            match &operator {
                Operator::Block { blockty } | Operator::If { blockty } => {
                    labels.push(self.carries(*blockty).1);
                }
                Operator::Loop { blockty } => labels.push(self.carries(*blockty).0),
                Operator::End => drop(labels.pop()),
                // [WF-TABLE] The default has the types of all.
                Operator::BrTable { targets } => {
                    let label = labels.iter().rev().nth(targets.default() as usize);
                    self.others |= label != Some(&Carries::Scalars);
                }
                // [WF-SELECT]
                Operator::Select | Operator::TypedSelect { .. } => match comparison {
                    Some((Operator::I32Eqz, offset)) => self.eqz_selects.push(offset as usize),
                    Some((Operator::I32Eq | Operator::I32Ne, _)) => self.others = true,
                    _ => {}
                },
                _ => {}
            }
            if !matches!(operator, Operator::Nop) {
                comparison = Some((operator, offset));
            }
        }
        Ok(())
    }

    /// Of a block's parameters and of its results.
    fn carries(&self, ty: BlockType) -> (Carries, Carries) {
        match ty {
            BlockType::Empty => Default::default(),
            BlockType::Type(ty) => (Carries::Scalars, Carries::of(&[ty])),
            BlockType::FuncType(index) => {
                self.types.get(index as usize).copied().unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest modules that wasmi runs wrongly.
    const FAULTS: [&str; 2] = [
        r#"(module (func (export "f") (param i32) (result i32)
             (select (i32.const 1) (local.get 0) (i32.eqz (local.get 0)))))"#,
        r#"(module (func (export "f") (param v128 i32) (result v128)
             (i32.const 5)
             (block (result v128)
               (br_table 0 (i16x8.neg (local.get 0)) (local.get 1)))
             (return)))"#,
    ];

    #[test]
    fn faults_are_recognised() {
        for text in FAULTS {
            assert!(concern(&wat::parse_str(text).unwrap()), "{text}");
        }
        let scalar = "(module (func (br_table 0 (i32.const 1))))";
        assert!(!concern(&wat::parse_str(scalar).unwrap()));
    }

    #[test]
    fn guards_are_rewritten() {
        let wasm = without_eqz_select(wat::parse_str(FAULTS[0]).unwrap());
        assert!(!concern(&wasm));
        assert!(wasmprinter::print_bytes(wasm).unwrap().contains("i32.clz"));
    }
}
