//! Which bodies of a module are known to be valid.
//!
//! Bodies never change, so what is known stays true. All compilers of a module share the
//! knowledge: a body is validated once, however often it is compiled.
#![forbid(unsafe_code)]

use sync::atomic::{AtomicU64, Ordering};
use tierup_wasm::DefinedFunc;

/// Whether bodies are known to be valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Validation {
    /// All of them were validated.
    Done,
    /// Each is validated when it is first compiled.
    AtCompile,
}

/// Which bodies of a module are known to be valid.
#[derive(Debug)]
pub struct Validity {
    /// A bit for each defined function; none if all are valid.
    known: Option<Box<[AtomicU64]>>,
}

impl Validity {
    /// What is known of a module of `functions` functions.
    pub fn new(validation: Validation, functions: u32) -> Self {
        let words = functions.div_ceil(u64::BITS);
        let unknown = || (0..words).map(|_| AtomicU64::new(0)).collect();
        Self { known: (validation == Validation::AtCompile).then(unknown) }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.known.as_deref().map_or(0, size_of_val)
    }

    /// Whether the body of a function is known to be valid.
    pub(crate) fn knows(&self, function: DefinedFunc) -> bool {
        let (word, bit) = place(function);
        // Relaxed: who does not see the bit validates once more.
        self.known.as_ref().is_none_or(|known| known[word].load(Ordering::Relaxed) & bit != 0)
    }

    /// The body of a function is valid.
    pub(crate) fn learn(&self, function: DefinedFunc) {
        let (word, bit) = place(function);
        if let Some(known) = &self.known {
            known[word].fetch_or(bit, Ordering::Relaxed);
        }
    }
}

/// The word and the bit of a function.
fn place(function: DefinedFunc) -> (usize, u64) {
    let index = function.index();
    (index / u64::BITS as usize, 1 << (index % u64::BITS as usize))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_body_is_known_for_itself() {
        let validity = Validity::new(Validation::AtCompile, 65);
        validity.learn(DefinedFunc(64));
        let known: Vec<_> = (0..65).filter(|&it| validity.knows(DefinedFunc(it))).collect();
        assert_eq!(known, [64]);
        assert!(Validity::new(Validation::Done, 65).knows(DefinedFunc(3)));
    }
}
