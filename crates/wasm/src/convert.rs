//! From the parser's types to ours.
//!
//! The parser knows more types than we do. The features exclude the others before a conversion
//! sees them; should one come through, it is an error and never a panic.
#![forbid(unsafe_code)]

use wasmparser::{AbstractHeapType, BinaryReader, HeapType, Operator, RefType};

use crate::{
    ConstExpr, ConstOp, Error, FuncIndex, FuncType, GlobalIndex, GlobalType, MemoryType,
    Mutability, TableType, ValType,
};

impl ValType {
    /// Our name for the parser's type; `None` if it is none of ours.
    pub fn from_parser(ty: wasmparser::ValType) -> Option<Self> {
        match ty {
            wasmparser::ValType::I32 => Some(Self::I32),
            wasmparser::ValType::I64 => Some(Self::I64),
            wasmparser::ValType::F32 => Some(Self::F32),
            wasmparser::ValType::F64 => Some(Self::F64),
            wasmparser::ValType::V128 => Some(Self::V128),
            wasmparser::ValType::Ref(ty) => Self::from_reference(ty),
        }
    }

    /// The nullable reference to that heap type, as in `ref.null`.
    pub fn from_heap_type(ty: HeapType) -> Option<Self> {
        match ty {
            HeapType::Abstract { shared: false, ty: AbstractHeapType::Func } => Some(Self::FuncRef),
            HeapType::Abstract { shared: false, ty: AbstractHeapType::Extern } => {
                Some(Self::ExternRef)
            }
            _ => None,
        }
    }

    fn from_reference(ty: RefType) -> Option<Self> {
        if ty.is_nullable() { Self::from_heap_type(ty.heap_type()) } else { None }
    }
}

pub(crate) fn val_type(ty: wasmparser::ValType, offset: usize) -> Result<ValType, Error> {
    ValType::from_parser(ty).ok_or_else(|| unsupported("value type", ty, offset))
}

pub(crate) fn func_type(ty: &wasmparser::FuncType, offset: usize) -> Result<FuncType, Error> {
    let list = |types: &[wasmparser::ValType]| {
        types.iter().map(|&ty| val_type(ty, offset)).collect::<Result<Box<[_]>, _>>()
    };
    Ok(FuncType { params: list(ty.params())?, results: list(ty.results())? })
}

pub(crate) fn table_type(ty: &wasmparser::TableType, offset: usize) -> Result<TableType, Error> {
    if ty.table64 || ty.shared {
        return Err(unsupported("table type", ty, offset));
    }
    Ok(TableType {
        element: val_type(ty.element_type.into(), offset)?,
        minimum: limit(ty.initial, offset)?,
        maximum: ty.maximum.map(|maximum| limit(maximum, offset)).transpose()?,
    })
}

pub(crate) fn memory_type(ty: &wasmparser::MemoryType, offset: usize) -> Result<MemoryType, Error> {
    if ty.memory64 || ty.shared || ty.page_size_log2.is_some() {
        return Err(unsupported("memory type", ty, offset));
    }
    Ok(MemoryType {
        minimum: limit(ty.initial, offset)?,
        maximum: ty.maximum.map(|maximum| limit(maximum, offset)).transpose()?,
    })
}

fn limit(limit: u64, offset: usize) -> Result<u32, Error> {
    u32::try_from(limit).map_err(|_| Error::new(format!("limit {limit} is too large"), offset))
}

pub(crate) fn global_type(ty: &wasmparser::GlobalType, offset: usize) -> Result<GlobalType, Error> {
    if ty.shared {
        return Err(unsupported("global type", ty, offset));
    }
    Ok(GlobalType {
        value: val_type(ty.content_type, offset)?,
        mutability: if ty.mutable { Mutability::Var } else { Mutability::Const },
    })
}

/// The expression without its `end`.
pub(crate) fn const_expr(expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, Error> {
    if let Some(value) = single_i32(expr.get_binary_reader()) {
        return Ok(ConstOp::I32(value).into());
    }
    let mut reader = expr.get_operators_reader();
    let first = next_const_op(&mut reader)?;
    let second = next_const_op(&mut reader)?;
    if let (Some(only), None) = (first, second) {
        return Ok(only.into());
    }
    let mut operators: Vec<_> = first.into_iter().chain(second).collect();
    while let Some(operator) = next_const_op(&mut reader)? {
        operators.push(operator);
    }
    Ok(operators.into_iter().collect())
}

/// The value of an expression that is one `i32.const`, as the offsets of most segments are.
fn single_i32(mut reader: BinaryReader<'_>) -> Option<i32> {
    const I32_CONST: u8 = 0x41;
    const END: u8 = 0x0b;
    let is_const = reader.read_u8().ok()? == I32_CONST;
    let value = if is_const { reader.read_var_i32().ok()? } else { return None };
    (reader.read_u8().ok()? == END && reader.eof()).then_some(value)
}

/// The next operator; none at the end.
fn next_const_op(reader: &mut wasmparser::OperatorsReader<'_>) -> Result<Option<ConstOp>, Error> {
    if reader.eof() {
        return Ok(None);
    }
    let offset = reader.original_position() as usize;
    match reader.read()? {
        Operator::End => Ok(None),
        operator => const_op(&operator, offset).map(Some),
    }
}

fn const_op(operator: &Operator<'_>, offset: usize) -> Result<ConstOp, Error> {
    Ok(match *operator {
        Operator::I32Const { value } => ConstOp::I32(value),
        Operator::I64Const { value } => ConstOp::I64(value),
        Operator::F32Const { value } => ConstOp::F32(value.bits()),
        Operator::F64Const { value } => ConstOp::F64(value.bits()),
        Operator::V128Const { value } => ConstOp::V128(*value.bytes()),
        Operator::GlobalGet { global_index } => ConstOp::GlobalGet(GlobalIndex(global_index)),
        Operator::RefNull { hty } => ConstOp::RefNull(
            ValType::from_heap_type(hty).ok_or_else(|| unsupported("heap type", hty, offset))?,
        ),
        Operator::RefFunc { function_index } => ConstOp::RefFunc(FuncIndex(function_index)),
        Operator::I32Add => ConstOp::I32Add,
        Operator::I32Sub => ConstOp::I32Sub,
        Operator::I32Mul => ConstOp::I32Mul,
        Operator::I64Add => ConstOp::I64Add,
        Operator::I64Sub => ConstOp::I64Sub,
        Operator::I64Mul => ConstOp::I64Mul,
        _ => return Err(unsupported("constant operator", operator, offset)),
    })
}

/// Reads the declarations at the start of a function's body: how many locals of which type, in
/// order. `reader` is at the body's start and ends up at its first operator.
///
/// # Errors
///
/// Declarations that are cut short, name a type that is none of ours, or declare more locals
/// than a valid function has.
pub fn read_locals(reader: &mut BinaryReader<'_>) -> Result<Vec<(u32, ValType)>, Error> {
    let groups = reader.read_var_u32()?;
    let mut locals = Vec::new();
    let mut total = 0_u32;
    for _ in 0..groups {
        let offset = reader.original_position() as usize;
        let count = reader.read_var_u32()?;
        total = total
            .checked_add(count)
            .filter(|&total| total <= MAXIMUM_LOCALS)
            .ok_or_else(|| Error::new("too many locals", offset))?;
        let ty = val_type(reader.read()?, offset)?;
        if count != 0 {
            locals.push((count, ty));
        }
    }
    Ok(locals)
}

/// What validation allows, parameters included.
const MAXIMUM_LOCALS: u32 = 50_000;

#[cold]
pub(crate) fn unsupported(what: &str, item: impl std::fmt::Debug, offset: usize) -> Error {
    Error::new(format!("unsupported {what}: {item:?}"), offset)
}
