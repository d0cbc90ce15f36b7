//! Turns what the parser reports, one section at a time, into a [`Module`].
//!
//! Each section is validated first, as a whole, so that whatever is read from it afterwards has
//! been found well-formed and within the limits. Counts can be trusted then, and allocating for
//! them costs no more than a fixed multiple of the bytes that arrived.
//!
//! Not here: where the bytes come from (`decode`), validation of bodies (`validate`).
#![forbid(unsafe_code)]

use std::{fmt, ops::Range};

use wasmparser::{
    BinaryReader, ExternalKind, FunctionBody, Parser, Payload, SectionLimited, TypeRef,
    ValidPayload, Validator,
};

use crate::{
    Bytes, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment, Entity, Error, Export,
    FEATURES, FuncIndex, GlobalIndex, Import, MemoryIndex, Module, TableIndex, TypeIndex, ValType,
    convert::{const_expr, func_type, global_type, memory_type, table_type, unsupported, val_type},
};

/// A module of which a part has been read.
pub(crate) struct Builder {
    module: Module,
    validator: Validator,
    state: State,
}

/// How far reading has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Sections before the code.
    BeforeCode,
    /// The header of the code section has been read, so all that bodies can refer to is known
    /// (but the contents of data segments).
    Code,
    /// All of the module.
    Complete,
}

/// The parser for a module of ours.
pub(crate) fn parser() -> Parser {
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    parser
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            module: Module::empty(),
            validator: Validator::new_with_features(FEATURES),
            state: State::BeforeCode,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// What has been read so far. Its bytes are still missing.
    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    /// Gives the module bytes, or takes them away.
    pub(crate) fn set_bytes(&mut self, bytes: Bytes) {
        self.module.bytes = bytes;
    }

    /// The module, which was read from `bytes`.
    pub(crate) fn finish(self, bytes: Bytes) -> Module {
        Module { bytes, ..self.module }
    }

    /// Takes what the parser read next.
    pub(crate) fn payload(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        if let ValidPayload::Func(function, body) = self.validator.payload(&payload)? {
            self.module.bodies.push(range(body.range()));
            self.module.resources.get_or_insert(function.resources);
            return Ok(());
        }
        match payload {
            Payload::TypeSection(section) => self.types(section),
            Payload::ImportSection(section) => self.imports(section),
            Payload::FunctionSection(section) => self.functions(section),
            Payload::TableSection(section) => self.tables(section),
            Payload::MemorySection(section) => self.memories(section),
            Payload::GlobalSection(section) => self.globals(section),
            Payload::ExportSection(section) => self.exports(section),
            Payload::ElementSection(section) => self.elements(section),
            Payload::DataSection(section) => self.data(section),
            Payload::StartSection { func, .. } => {
                self.module.start = Some(FuncIndex(func));
                Ok(())
            }
            Payload::DataCountSection { count, .. } => {
                self.module.data_count = Some(count);
                Ok(())
            }
            Payload::CodeSectionStart { count, unchecked_range, .. } => {
                self.module.code_section = range(unchecked_range);
                // Each body has its size in front, so the count is bounded by the limit on
                // functions, which the function section was held to.
                self.module.bodies.reserve_exact(count as usize);
                self.state = State::Code;
                Ok(())
            }
            Payload::CustomSection(section) => {
                self.custom(section.name(), range(section.data_range()));
                Ok(())
            }
            Payload::End(_) => {
                self.state = State::Complete;
                Ok(())
            }
            // The version says nothing new after validation; all others were refused by it.
            _ => Ok(()),
        }
    }

    /// Takes all bodies of the code section at once, instead of one by one from the parser.
    pub(crate) fn bodies(&mut self, bodies: Vec<Range<usize>>, bytes: &[u8]) -> Result<(), Error> {
        if let Some(first) = bodies.first() {
            let reader =
                BinaryReader::new_features(&bytes[first.clone()], first.start as u64, FEATURES);
            let function = self.validator.code_section_entry(&FunctionBody::new(reader))?;
            self.module.resources = Some(function.resources);
        }
        self.module.bodies = bodies;
        Ok(())
    }

    fn types(&mut self, section: wasmparser::TypeSectionReader<'_>) -> Result<(), Error> {
        let offset = section.original_position() as usize;
        self.module.types.reserve_exact(section.count() as usize);
        for ty in section.into_iter_err_on_gc_types() {
            self.module.types.push(func_type(&ty?, offset)?);
        }
        Ok(())
    }

    fn imports(&mut self, section: wasmparser::ImportSectionReader<'_>) -> Result<(), Error> {
        self.module.imports.reserve_exact(section.count() as usize);
        for import in section.into_imports_with_offsets() {
            let (offset, import) = import?;
            let import = Import {
                module: import.module.to_owned(),
                name: import.name.to_owned(),
                entity: self.import_entity(import.ty, offset as usize)?,
            };
            self.module.imports.push(import);
        }
        Ok(())
    }

    /// Adds what is imported to its index space.
    fn import_entity(&mut self, ty: TypeRef, offset: usize) -> Result<Entity, Error> {
        let module = &mut self.module;
        Ok(match ty {
            TypeRef::Func(ty) => {
                module.functions.push(TypeIndex(ty));
                Entity::Func(FuncIndex(next(&mut module.imported_functions)))
            }
            TypeRef::Table(ty) => {
                module.tables.push(table_type(&ty, offset)?);
                Entity::Table(TableIndex(next(&mut module.imported_tables)))
            }
            TypeRef::Memory(ty) => {
                module.memories.push(memory_type(&ty, offset)?);
                Entity::Memory(MemoryIndex(next(&mut module.imported_memories)))
            }
            TypeRef::Global(ty) => {
                module.globals.push(global_type(&ty, offset)?);
                Entity::Global(GlobalIndex(next(&mut module.imported_globals)))
            }
            TypeRef::Tag(_) | TypeRef::FuncExact(_) => {
                return Err(unsupported("import", ty, offset));
            }
        })
    }

    fn functions(&mut self, section: wasmparser::FunctionSectionReader<'_>) -> Result<(), Error> {
        self.module.functions.reserve_exact(section.count() as usize);
        for ty in section {
            self.module.functions.push(TypeIndex(ty?));
        }
        Ok(())
    }

    fn tables(&mut self, section: wasmparser::TableSectionReader<'_>) -> Result<(), Error> {
        for table in section.into_iter_with_offsets() {
            let (offset, table) = table?;
            self.module.tables.push(table_type(&table.ty, offset as usize)?);
            self.module.table_inits.push(match &table.init {
                wasmparser::TableInit::RefNull => None,
                wasmparser::TableInit::Expr(expr) => Some(const_expr(expr)?),
            });
        }
        Ok(())
    }

    fn memories(&mut self, section: wasmparser::MemorySectionReader<'_>) -> Result<(), Error> {
        for memory in section.into_iter_with_offsets() {
            let (offset, memory) = memory?;
            self.module.memories.push(memory_type(&memory, offset as usize)?);
        }
        Ok(())
    }

    fn globals(&mut self, section: wasmparser::GlobalSectionReader<'_>) -> Result<(), Error> {
        self.module.globals.reserve_exact(section.count() as usize);
        self.module.global_inits.reserve_exact(section.count() as usize);
        for global in section.into_iter_with_offsets() {
            let (offset, global) = global?;
            self.module.globals.push(global_type(&global.ty, offset as usize)?);
            self.module.global_inits.push(const_expr(&global.init_expr)?);
        }
        Ok(())
    }

    fn exports(&mut self, section: wasmparser::ExportSectionReader<'_>) -> Result<(), Error> {
        self.module.exports.reserve_exact(section.count() as usize);
        for export in section.into_iter_with_offsets() {
            let (offset, export) = export?;
            let entity = match export.kind {
                ExternalKind::Func => Entity::Func(FuncIndex(export.index)),
                ExternalKind::Table => Entity::Table(TableIndex(export.index)),
                ExternalKind::Memory => Entity::Memory(MemoryIndex(export.index)),
                ExternalKind::Global => Entity::Global(GlobalIndex(export.index)),
                ExternalKind::Tag | ExternalKind::FuncExact => {
                    return Err(unsupported("export", export.kind, offset as usize));
                }
            };
            self.module.exports.push(Export { name: export.name.to_owned(), entity });
        }
        Ok(())
    }

    fn elements(&mut self, section: wasmparser::ElementSectionReader<'_>) -> Result<(), Error> {
        self.module.elements.reserve_exact(section.count() as usize);
        for element in section {
            let element = element?;
            let offset = element.range.start as usize;
            let (ty, items) = match element.items {
                wasmparser::ElementItems::Functions(items) => (
                    ValType::FuncRef,
                    ElementItems::Functions(collect(items, |index| Ok(FuncIndex(index)))?),
                ),
                wasmparser::ElementItems::Expressions(ty, items) => (
                    val_type(ty.into(), offset)?,
                    ElementItems::Expressions(collect(items, |expr| const_expr(&expr))?),
                ),
            };
            let mode = element_mode(&element.kind)?;
            self.module.elements.push(ElementSegment { mode, ty, items });
        }
        Ok(())
    }

    fn data(&mut self, section: wasmparser::DataSectionReader<'_>) -> Result<(), Error> {
        self.module.data.reserve_exact(section.count() as usize);
        for data in section {
            let data = data?;
            let mode = match data.kind {
                wasmparser::DataKind::Passive => DataMode::Passive,
                wasmparser::DataKind::Active { memory_index, offset_expr } => DataMode::Active {
                    memory: MemoryIndex(memory_index),
                    offset: const_expr(&offset_expr)?,
                },
            };
            let end = data.range.end as usize;
            self.module.data.push(DataSegment { mode, bytes: end - data.data.len()..end });
        }
        Ok(())
    }

    fn custom(&mut self, name: &str, contents: Range<usize>) {
        if name == "name" && self.module.name_section.is_none() {
            self.module.name_section = Some(contents.clone());
        }
        self.module.custom_sections.push((name.to_owned(), contents));
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("module", &self.module)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn element_mode(kind: &wasmparser::ElementKind<'_>) -> Result<ElementMode, Error> {
    Ok(match kind {
        wasmparser::ElementKind::Passive => ElementMode::Passive,
        wasmparser::ElementKind::Declared => ElementMode::Declared,
        wasmparser::ElementKind::Active { table_index, offset_expr } => ElementMode::Active {
            table: TableIndex(table_index.unwrap_or(0)),
            offset: const_expr(offset_expr)?,
        },
    })
}

fn collect<'a, T: wasmparser::FromReader<'a>, U>(
    items: SectionLimited<'a, T>,
    convert: impl Fn(T) -> Result<U, Error>,
) -> Result<Box<[U]>, Error> {
    let mut all = Vec::with_capacity(items.count() as usize);
    for item in items {
        all.push(convert(item?)?);
    }
    Ok(all.into())
}

fn next(count: &mut u32) -> u32 {
    let index = *count;
    *count += 1;
    index
}

fn range(range: Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}
