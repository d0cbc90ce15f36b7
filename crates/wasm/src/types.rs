//! WebAssembly types as the rest of the engine sees them.
//!
//! They are small, plain and ours, so that no crate above this one has to name `wasmparser`'s.
#![forbid(unsafe_code)]

use std::fmt;

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// Nullable reference to a function.
    FuncRef,
    /// Nullable reference to a value of the host.
    ExternRef,
}

impl ValType {
    /// True for `funcref` and `externref`.
    pub fn is_reference(self) -> bool {
        matches!(self, Self::FuncRef | Self::ExternRef)
    }

    /// A list with just this type, as a block's result is one.
    pub fn as_list(self) -> &'static [Self] {
        match self {
            Self::I32 => &[Self::I32],
            Self::I64 => &[Self::I64],
            Self::F32 => &[Self::F32],
            Self::F64 => &[Self::F64],
            Self::V128 => &[Self::V128],
            Self::FuncRef => &[Self::FuncRef],
            Self::ExternRef => &[Self::ExternRef],
        }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::V128 => "v128",
            Self::FuncRef => "funcref",
            Self::ExternRef => "externref",
        })
    }
}

/// The type of a function.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FuncType {
    /// Parameter types, in order.
    pub params: Box<[ValType]>,
    /// Result types, in order.
    pub results: Box<[ValType]>,
}

impl FuncType {
    /// A type from its parameters and results.
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> Self {
        Self { params: params.into_iter().collect(), results: results.into_iter().collect() }
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.params)?;
        f.write_str(" -> ")?;
        write_list(f, &self.results)
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, types: &[ValType]) -> fmt::Result {
    f.write_str("(")?;
    for (index, ty) in types.iter().enumerate() {
        if index != 0 {
            f.write_str(", ")?;
        }
        write!(f, "{ty}")?;
    }
    f.write_str(")")
}

/// The type of a table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TableType {
    /// [`ValType::FuncRef`] or [`ValType::ExternRef`].
    pub element: ValType,
    /// Elements at creation.
    pub minimum: u32,
    /// Most elements it may grow to.
    pub maximum: Option<u32>,
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} {}", Limits(self.minimum, self.maximum), self.element)
    }
}

/// The type of a memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MemoryType {
    /// Pages of 64 KiB at creation.
    pub minimum: u32,
    /// Most pages it may grow to.
    pub maximum: Option<u32>,
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory {}", Limits(self.minimum, self.maximum))
    }
}

struct Limits(u32, Option<u32>);

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(maximum) => write!(f, "{}..{maximum}", self.0),
            None => write!(f, "{}..", self.0),
        }
    }
}

/// The type of a global.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct GlobalType {
    /// Type of the value.
    pub value: ValType,
    /// Whether `global.set` is allowed.
    pub mutability: Mutability,
}

impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mutability {
            Mutability::Const => write!(f, "global {}", self.value),
            Mutability::Var => write!(f, "global (mut {})", self.value),
        }
    }
}

/// Whether a global may change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mutability {
    /// Set once, when the instance is made.
    Const,
    /// `global.set` is allowed.
    Var,
}

/// The type of an import or export.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Func(ty) => write!(f, "func {ty}"),
            Self::Table(ty) => ty.fmt(f),
            Self::Memory(ty) => ty.fmt(f),
            Self::Global(ty) => ty.fmt(f),
        }
    }
}
