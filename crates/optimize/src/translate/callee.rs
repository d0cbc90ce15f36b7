//! Who is called: a function of the module, an import, an element of a table.
//!
//! Every callee is reached through its cell, read right before the call:
//!
//! ```text
//!  defined   mov r, [rip + cell]; call r          (the function's own cell, by relocation)
//!  import    instance ──► cell address, callee's instance ──► code
//!  indirect  table ──► entry: type id checked, then the same
//! ```

use std::collections::HashMap;

use cranelift_codegen::ir::{
    ExtFuncData, ExternalName, FuncRef, InstBuilder, SigRef, UserExternalName, Value,
    condcodes::IntCC, types,
};
use tierup_abi::{Builtin, ImportedFunc, TableEntry, TrapKind};
use tierup_wasm::{DefinedFunc, FuncIndex, TableIndex, TypeIndex, ValType};

use super::{
    Translated, Translator,
    environment::{Region, trap_code},
};

/// log2 of the size of a [`TableEntry`].
const ENTRY_SHIFT: i64 = 5;
const _: () = assert!(TableEntry::SIZE == 1 << ENTRY_SHIFT);

/// Who is called.
#[derive(Clone, Copy)]
pub(super) struct Callee {
    /// Its code.
    pub(super) code: Code,
    /// Its first argument.
    pub(super) instance: Value,
}

/// How a callee's code is found.
#[derive(Clone, Copy)]
pub(super) enum Code {
    /// Through the cell of a function of this module.
    Cell(FuncRef),
    /// At this address.
    Address(Value),
}

/// What was imported into the function so far.
#[derive(Default)]
pub(super) struct Callees {
    defined: HashMap<DefinedFunc, FuncRef>,
    builtins: [Option<SigRef>; Builtin::ALL.len()],
}

impl Callees {
    /// The signature of a builtin, once it is known.
    pub(super) fn builtin(&self, builtin: Builtin) -> Option<SigRef> {
        self.builtins[builtin as usize]
    }

    /// Notes the signature of a builtin.
    pub(super) fn remember_builtin(&mut self, builtin: Builtin, signature: SigRef) {
        self.builtins[builtin as usize] = Some(signature);
    }
}

impl Translator<'_> {
    /// A function of the module by its index.
    pub(super) fn direct_callee(&mut self, function: FuncIndex, signature: SigRef) -> Callee {
        match self.environment.module.defined(function) {
            Some(defined) => Callee {
                code: Code::Cell(self.defined_function(defined, signature)),
                instance: self.environment.instance,
            },
            None => self.imported_callee(function),
        }
    }

    /// Pops the index of an element, and checks it and its type.
    pub(super) fn indirect_callee(&mut self, table: u32, ty: TypeIndex) -> Translated<Callee> {
        if self.element_type(table)? != ValType::FuncRef {
            return Err(self.invalid("a call through a table without functions"));
        }
        let index = self.pop_i32()?;
        let index = self.extend_index(index);
        let table = TableIndex(table);
        let elements = self.checked_elements(table, index, TrapKind::UndefinedElement);
        let offset = self.builder.ins().ishl_imm_u(index, ENTRY_SHIFT);
        let entry = self.builder.ins().iadd(elements, offset);
        self.check_type(entry, ty);
        let region = Region::Elements;
        let cell = self.region_load(types::I64, region, entry, TableEntry::CELL);
        let instance = self.region_load(types::I64, region, entry, TableEntry::INSTANCE);
        Ok(Callee { code: self.code_in(cell), instance })
    }

    fn imported_callee(&mut self, function: FuncIndex) -> Callee {
        let import = self.environment.layout.import(function);
        let cell = self.instance_pointer(import + ImportedFunc::CELL);
        let instance = self.instance_pointer(import + ImportedFunc::INSTANCE);
        Callee { code: self.code_in(cell), instance }
    }

    /// The code address that a cell holds now. It must be used right away: whatever runs in
    /// between could change the cell and free the code.
    fn code_in(&mut self, cell: Value) -> Code {
        Code::Address(self.region_load(types::I64, Region::Cells, cell, 0))
    }

    fn defined_function(&mut self, function: DefinedFunc, signature: SigRef) -> FuncRef {
        if let Some(&known) = self.callees.defined.get(&function) {
            return known;
        }
        let name = UserExternalName { namespace: 0, index: function.0 };
        let name = self.builder.func.declare_imported_user_function(name);
        let imported = self.builder.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            // Elsewhere, as far as Cranelift knows: this makes it load the address.
            colocated: false,
            patchable: false,
        });
        self.callees.defined.insert(function, imported);
        imported
    }

    /// Traps unless the entry's type is `ty`. The hot path compares once; why it failed is found
    /// out in a cold block.
    fn check_type(&mut self, entry: Value, ty: TypeIndex) {
        let expected = self.environment.layout.type_id(ty);
        let expected = self.constant_load(types::I32, self.environment.instance, expected);
        let actual = self.region_load(types::I32, Region::Elements, entry, TableEntry::TYPE_ID);
        let matches = self.builder.ins().icmp(IntCC::Equal, actual, expected);
        let next = self.builder.create_block();
        let cold = self.builder.create_block();
        self.builder.set_cold_block(cold);
        self.builder.ins().brif(matches, next, &[], cold, &[]);
        self.builder.seal_block(cold);
        self.builder.switch_to_block(cold);
        // The null entry's type id is 0.
        self.builder.ins().trapz(actual, trap_code(TrapKind::UninitializedElement));
        self.builder.ins().trap(trap_code(TrapKind::IndirectCallTypeMismatch));
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }
}

const _: () = assert!(tierup_abi::NULL_TYPE_ID == 0);
