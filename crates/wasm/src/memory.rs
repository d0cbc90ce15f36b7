//! What a decoded module takes on the heap.
//!
//! Everything of ours is counted as it is. What the validator keeps is its own; a table says what
//! its entries take.
#![forbid(unsafe_code)]

use crate::{ConstExpr, DataMode, ElementItems, ElementMode, FuncType, Module, Names};

/// What the validator (wasmparser 0.263) keeps for each item until the module goes, in bytes:
/// the sizes of its types, and measured where they are in tables of several parts.
mod validator {
    /// A function: the number of its type, in a list that has grown by doubling.
    pub(super) const FUNCTION: usize = 6;
    /// A type: its parts in lists of types, their numbers and what is found by them.
    pub(super) const TYPE: usize = 200;
    /// A parameter or result of a type.
    pub(super) const VALUE: usize = 8;
    /// An export, beside its name.
    pub(super) const EXPORT: usize = 130;
    /// An import, beside its names: a map of names to lists.
    pub(super) const IMPORT: usize = 210;
    /// What every module has.
    pub(super) const MODULE: usize = 2050;
}

impl Module {
    /// Bytes on the heap, those of the binary among them, but for what is shared with others.
    pub fn heap_bytes(&self) -> usize {
        let lists = [
            list(&self.types),
            list(&self.imports),
            list(&self.functions),
            list(&self.tables),
            list(&self.memories),
            list(&self.globals),
            list(&self.global_inits),
            list(&self.table_inits),
            list(&self.exports),
            list(&self.elements),
            list(&self.data),
            list(&self.bodies),
            list(&self.custom_sections),
        ];
        self.bytes.len() + lists.iter().sum::<usize>() + self.parts() + self.validator()
    }

    /// What elements of lists have on the heap.
    fn parts(&self) -> usize {
        let expressions = |all: &mut dyn Iterator<Item = &ConstExpr>| -> usize {
            all.map(ConstExpr::heap_bytes).sum()
        };
        let elements = self.elements.iter().map(|segment| {
            let offset = match &segment.mode {
                ElementMode::Active { offset, .. } => offset.heap_bytes(),
                ElementMode::Passive | ElementMode::Declared => 0,
            };
            offset
                + match &segment.items {
                    ElementItems::Functions(items) => size_of_val(&**items),
                    ElementItems::Expressions(items) => {
                        size_of_val(&**items) + expressions(&mut items.iter())
                    }
                }
        });
        let data = self.data.iter().map(|segment| match &segment.mode {
            DataMode::Active { offset, .. } => offset.heap_bytes(),
            DataMode::Passive => 0,
        });
        let imports = self.imports.iter().map(|it| it.module.capacity() + it.name.capacity());
        self.types.iter().map(FuncType::heap_bytes).sum::<usize>()
            + imports.sum::<usize>()
            + self.exports.iter().map(|export| export.name.capacity()).sum::<usize>()
            + self.custom_sections.iter().map(|(name, _)| name.capacity()).sum::<usize>()
            + expressions(&mut self.global_inits.iter())
            + expressions(&mut self.table_inits.iter().flatten())
            + elements.sum::<usize>()
            + data.sum::<usize>()
    }

    fn validator(&self) -> usize {
        if self.resources.is_none() {
            return 0;
        }
        let values = self.types.iter().map(|ty| ty.params.len() + ty.results.len());
        let names = self.imports.iter().map(|it| it.module.len() + it.name.len());
        let names = names.chain(self.exports.iter().map(|export| export.name.len()));
        validator::MODULE
            + self.functions.len() * validator::FUNCTION
            + self.types.len() * validator::TYPE
            + values.sum::<usize>() * validator::VALUE
            + self.exports.len() * validator::EXPORT
            + self.imports.len() * validator::IMPORT
            + names.sum::<usize>()
    }
}

impl Names {
    /// Bytes on the heap; not the module's.
    pub fn heap_bytes(&self) -> usize {
        self.lists().iter().map(|list| size_of_val(*list)).sum()
    }
}

impl FuncType {
    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.params) + size_of_val(&*self.results)
    }
}

impl ConstExpr {
    fn heap_bytes(&self) -> usize {
        match self.operators() {
            [_] => 0,
            operators => size_of_val(operators),
        }
    }
}

fn list<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}
