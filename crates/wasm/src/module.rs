//! A decoded module: everything but the function bodies' meaning.
//!
//! Bodies stay where they are, in the module's bytes; a [`Module`] records their ranges. Nothing
//! here changes after decoding, so a `Module` is shared freely between threads.
//!
//! Not here: how the bytes become a `Module` (`decode`), what bodies contain (`validate`), names
//! (`names`).
#![forbid(unsafe_code)]

use std::ops::Range;

use wasmparser::ValidatorResources;

use crate::{
    Bytes, DataIndex, DefinedFunc, ElementIndex, ExternType, FuncIndex, FuncType, GlobalIndex,
    GlobalType, MemoryIndex, MemoryType, TableIndex, TableType, TypeIndex, ValType,
};

/// A decoded module.
#[derive(Debug)]
pub struct Module {
    /// The whole binary.
    pub bytes: Bytes,
    /// Function types.
    pub types: Vec<FuncType>,
    /// Imports, in order.
    pub imports: Vec<Import>,
    /// Type of every function, imports first.
    pub functions: Vec<TypeIndex>,
    /// Type of every table, imports first.
    pub tables: Vec<TableType>,
    /// Type of every memory, imports first.
    pub memories: Vec<MemoryType>,
    /// Type of every global, imports first.
    pub globals: Vec<GlobalType>,
    /// How many of `functions` are imported.
    pub imported_functions: u32,
    /// How many of `tables` are imported.
    pub imported_tables: u32,
    /// How many of `memories` are imported.
    pub imported_memories: u32,
    /// How many of `globals` are imported.
    pub imported_globals: u32,
    /// Initial values of the defined globals.
    pub global_inits: Vec<ConstExpr>,
    /// Initial values of the elements of the defined tables; `None` is null.
    pub table_inits: Vec<Option<ConstExpr>>,
    /// Exports, in order.
    pub exports: Vec<Export>,
    /// The start function.
    pub start: Option<FuncIndex>,
    /// Element segments.
    pub elements: Vec<ElementSegment>,
    /// Data segments.
    pub data: Vec<DataSegment>,
    /// How many data segments there are, if that is said before the code.
    pub data_count: Option<u32>,
    /// Where each defined function's body lies in `bytes` (after its size, locals included).
    pub bodies: Vec<Range<usize>>,
    /// Where the contents of the code section lie in `bytes`; empty if there is none.
    pub code_section: Range<usize>,
    /// Where the contents of the name section lie in `bytes`.
    pub name_section: Option<Range<usize>>,
    /// All custom sections: name, and where the contents lie in `bytes`.
    pub custom_sections: Vec<(String, Range<usize>)>,
    /// What validation of a body has to know of the module; `None` if there are no bodies.
    pub(crate) resources: Option<ValidatorResources>,
}

impl Module {
    /// A module with nothing in it, not even its bytes.
    pub(crate) fn empty() -> Self {
        Self {
            bytes: Vec::new().into(),
            types: Vec::new(),
            imports: Vec::new(),
            functions: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            imported_functions: 0,
            imported_tables: 0,
            imported_memories: 0,
            imported_globals: 0,
            global_inits: Vec::new(),
            table_inits: Vec::new(),
            exports: Vec::new(),
            start: None,
            elements: Vec::new(),
            data: Vec::new(),
            data_count: None,
            bodies: Vec::new(),
            code_section: 0..0,
            name_section: None,
            custom_sections: Vec::new(),
            resources: None,
        }
    }

    /// The type of a function.
    pub fn function_type(&self, function: FuncIndex) -> &FuncType {
        &self.types[self.functions[function.index()].index()]
    }

    /// Number of functions that the module defines, which is its number of cells.
    pub fn defined_functions(&self) -> u32 {
        self.functions.len() as u32 - self.imported_functions
    }

    /// Whether code may name a data segment, which may not have arrived.
    pub fn has_data_segment(&self, segment: DataIndex) -> bool {
        let count = self.data_count.map_or(self.data.len(), |count| count as usize);
        segment.index() < count
    }

    /// `None` for an import.
    pub fn defined(&self, function: FuncIndex) -> Option<DefinedFunc> {
        function.0.checked_sub(self.imported_functions).map(DefinedFunc)
    }

    /// The other direction of [`Module::defined`].
    pub fn function(&self, defined: DefinedFunc) -> FuncIndex {
        FuncIndex(defined.0 + self.imported_functions)
    }

    /// The bytes of a function's body, locals included.
    pub fn body(&self, defined: DefinedFunc) -> &[u8] {
        &self.bytes[self.bodies[defined.index()].clone()]
    }

    /// The type of an entity.
    pub fn entity_type(&self, entity: Entity) -> ExternType {
        match entity {
            Entity::Func(index) => ExternType::Func(self.function_type(index).clone()),
            Entity::Table(index) => ExternType::Table(self.tables[index.index()]),
            Entity::Memory(index) => ExternType::Memory(self.memories[index.index()]),
            Entity::Global(index) => ExternType::Global(self.globals[index.index()]),
        }
    }
}

/// Something that can be imported and exported, by its index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Entity {
    /// A function.
    Func(FuncIndex),
    /// A table.
    Table(TableIndex),
    /// A memory.
    Memory(MemoryIndex),
    /// A global.
    Global(GlobalIndex),
}

/// One import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// First name.
    pub module: String,
    /// Second name.
    pub name: String,
    /// What is imported, in the module's own index spaces.
    pub entity: Entity,
}

/// One export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// Its name, unique in the module.
    pub name: String,
    /// What is exported.
    pub entity: Entity,
}

/// A constant expression.
///
/// Some modules have a hundred thousand of them, nearly all of one operator, which takes no
/// memory beside the expression.
#[derive(Clone, PartialEq, Debug)]
pub struct ConstExpr(Operators);

#[derive(Clone, PartialEq, Debug)]
enum Operators {
    One(ConstOp),
    Many(Box<[ConstOp]>),
}

impl ConstExpr {
    /// Its operators, in the order of evaluation.
    pub fn operators(&self) -> &[ConstOp] {
        match &self.0 {
            Operators::One(operator) => std::slice::from_ref(operator),
            Operators::Many(operators) => operators,
        }
    }
}

impl From<ConstOp> for ConstExpr {
    fn from(operator: ConstOp) -> Self {
        Self(Operators::One(operator))
    }
}

impl FromIterator<ConstOp> for ConstExpr {
    fn from_iter<I: IntoIterator<Item = ConstOp>>(operators: I) -> Self {
        let operators: Vec<_> = operators.into_iter().collect();
        Self(match *operators {
            [operator] => Operators::One(operator),
            _ => Operators::Many(operators.into()),
        })
    }
}

/// One operator of a constant expression. Floats are bits, so that a NaN stays what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConstOp {
    /// `i32.const`
    I32(i32),
    /// `i64.const`
    I64(i64),
    /// `f32.const`, as bits.
    F32(u32),
    /// `f64.const`, as bits.
    F64(u64),
    /// `v128.const`, as bytes, which need no alignment.
    V128([u8; 16]),
    /// `global.get`
    GlobalGet(GlobalIndex),
    /// `ref.null`
    RefNull(ValType),
    /// `ref.func`
    RefFunc(FuncIndex),
    /// `i32.add`
    I32Add,
    /// `i32.sub`
    I32Sub,
    /// `i32.mul`
    I32Mul,
    /// `i64.add`
    I64Add,
    /// `i64.sub`
    I64Sub,
    /// `i64.mul`
    I64Mul,
}

/// An element segment.
#[derive(Clone, PartialEq, Debug)]
pub struct ElementSegment {
    /// What happens with it.
    pub mode: ElementMode,
    /// Type of its elements.
    pub ty: ValType,
    /// The elements.
    pub items: ElementItems,
}

/// The elements of a segment: indices where the binary has them, since most segments do.
#[derive(Clone, PartialEq, Debug)]
pub enum ElementItems {
    /// References to these functions.
    Functions(Box<[FuncIndex]>),
    /// Any constant expressions.
    Expressions(Box<[ConstExpr]>),
}

impl ElementItems {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Functions(items) => items.len(),
            Self::Expressions(items) => items.len(),
        }
    }

    /// True if there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What happens with an element segment.
#[derive(Clone, PartialEq, Debug)]
pub enum ElementMode {
    /// Copied to a table when the module is instantiated.
    Active {
        /// Target.
        table: TableIndex,
        /// Offset in the target.
        offset: ConstExpr,
    },
    /// Copied by `table.init`.
    Passive,
    /// Only declares functions for `ref.func`.
    Declared,
}

/// A data segment.
#[derive(Clone, PartialEq, Debug)]
pub struct DataSegment {
    /// What happens with it.
    pub mode: DataMode,
    /// Where its contents lie in the module's bytes.
    pub bytes: Range<usize>,
}

/// What happens with a data segment.
#[derive(Clone, PartialEq, Debug)]
pub enum DataMode {
    /// Copied to a memory when the module is instantiated.
    Active {
        /// Target.
        memory: MemoryIndex,
        /// Offset in the target.
        offset: ConstExpr,
    },
    /// Copied by `memory.init`.
    Passive,
}

impl Module {
    /// The element segment of that index.
    pub fn element(&self, index: ElementIndex) -> &ElementSegment {
        &self.elements[index.index()]
    }

    /// The contents of the data segment of that index.
    pub fn data(&self, index: DataIndex) -> &[u8] {
        &self.bytes[self.data[index.index()].bytes.clone()]
    }
}
