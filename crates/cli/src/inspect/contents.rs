//! What is in a module, and what it is estimated to take.
#![forbid(unsafe_code)]

use std::path::Path;

use tierup::{Estimate, ExternType, Module, demangle};

use crate::foreign::foreign;

/// What is in a module.
pub(super) struct Contents {
    /// The file's name.
    pub(super) file: String,
    /// The module's own name.
    pub(super) name: Option<String>,
    /// Bytes of the binary form.
    pub(super) bytes: usize,
    pub(super) sections: Vec<Section>,
    pub(super) imports: Vec<Import>,
    pub(super) exports: Vec<Export>,
    /// How many functions are imported.
    pub(super) imported_functions: u32,
    /// Those that the module defines.
    pub(super) functions: Vec<Function>,
    pub(super) estimate: Estimate,
}

pub(super) struct Section {
    pub(super) kind: &'static str,
    pub(super) custom_name: Option<String>,
    pub(super) bytes: usize,
}

pub(super) struct Import {
    pub(super) module: String,
    pub(super) name: String,
    pub(super) ty: ExternType,
}

pub(super) struct Export {
    pub(super) name: String,
    pub(super) ty: ExternType,
}

/// A function that the module defines.
pub(super) struct Function {
    /// Among all functions of the module, imports first.
    pub(super) index: u32,
    /// As it is in the module.
    pub(super) name: Option<String>,
    pub(super) body_bytes: usize,
}

impl Function {
    /// The name for people: as it was written, and without what a terminal obeys.
    pub(super) fn title(&self) -> Option<String> {
        self.name.as_deref().map(|name| foreign(&demangle(name)))
    }
}

impl Contents {
    pub(super) fn of(file: &Path, module: &Module) -> Self {
        let defined = module.imported_function_count()..module.function_count();
        let function = |index| Function {
            index,
            name: module.function_name(index).map(str::to_owned),
            body_bytes: module.function_body_size(index).unwrap_or_default(),
        };
        Self {
            file: file.display().to_string(),
            name: module.name().map(str::to_owned),
            bytes: module.bytes().len(),
            sections: module.sections().into_iter().map(Section::new).collect(),
            imports: module.imports().map(Import::new).collect(),
            exports: module.exports().map(Export::new).collect(),
            imported_functions: module.imported_function_count(),
            functions: defined.map(function).collect(),
            estimate: module.estimate(),
        }
    }

    /// Bytes of all bodies.
    pub(super) fn body_bytes(&self) -> usize {
        self.functions.iter().map(|function| function.body_bytes).sum()
    }

    /// The functions with the most bytes first.
    pub(super) fn largest(&self) -> Vec<&Function> {
        let mut functions: Vec<_> = self.functions.iter().collect();
        functions.sort_by_key(|function| (usize::MAX - function.body_bytes, function.index));
        functions
    }

    /// The function with that index, if the module defines it.
    pub(super) fn function(&self, index: u32) -> Option<&Function> {
        self.functions.get(index.checked_sub(self.imported_functions)? as usize)
    }

    /// Of `part`, how much of the module that is.
    pub(super) fn share(&self, part: usize) -> f64 {
        part as f64 / self.bytes.max(1) as f64
    }
}

impl Section {
    fn new(section: tierup::Section) -> Self {
        let (kind, bytes) = (section.kind(), section.range.len());
        Self { kind, custom_name: section.custom_name, bytes }
    }

    /// What to call it.
    pub(super) fn title(&self) -> String {
        match &self.custom_name {
            Some(name) => format!("custom `{name}`"),
            None => self.kind.to_owned(),
        }
    }
}

impl Import {
    fn new(import: tierup::ImportType<'_>) -> Self {
        Self { module: import.module.to_owned(), name: import.name.to_owned(), ty: import.ty }
    }
}

impl Export {
    fn new(export: tierup::ExportType<'_>) -> Self {
        Self { name: export.name.to_owned(), ty: export.ty }
    }
}
