//! Who is called: a function of the module, an import, an element of a table.

use codespace::{Relocation, RelocationKind, Target as CellTarget};
use tierup_abi::{ImportedFunc, TableEntry, TableRecord, TrapKind};
use tierup_asm::{Address, Condition, Operation, R10, R11, RAX, RDI, Shift, Width};
use tierup_wasm::{DefinedFunc, FuncIndex, TableIndex, TypeIndex, ValType};

use crate::{
    finish::Cold,
    generator::{Generated, Generator, INSTANCE},
};

/// log2 of the size of a [`TableEntry`].
const ENTRY_SHIFT: u8 = 5;
const _: () = assert!(TableEntry::SIZE == 1 << ENTRY_SHIFT);

/// Who is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callee {
    /// A function of the module, through its cell.
    Defined(DefinedFunc),
    /// An imported function, at this offset of the instance.
    Imported(i32),
    /// A table's entry, whose address is in r10.
    Entry,
}

impl Generator<'_> {
    /// A function of the module by its index.
    pub(crate) fn direct_callee(&self, function: FuncIndex) -> Callee {
        match self.environment.module.defined(function) {
            Some(defined) => Callee::Defined(defined),
            None => Callee::Imported(self.environment.layout.import(function)),
        }
    }

    /// Pops the index of an element, and checks it and its type.
    pub(crate) fn indirect_callee(&mut self, table: u32, ty: TypeIndex) -> Generated<Callee> {
        if self.element_type(table)? != ValType::FuncRef {
            return Err(self.invalid("a call through a table without functions"));
        }
        let (index_type, index) = self.pop_value()?;
        self.load(index_type, R10, index);
        self.free(index);
        self.check_element(TableIndex(table), TrapKind::UndefinedElement);
        self.asm.shift_immediate(Shift::Left, Width::W64, R10, ENTRY_SHIFT);
        let elements = Address::new(R11, TableRecord::ELEMENTS);
        self.asm.operate(Operation::ADD, Width::W64, R10, elements);
        let expected = self.environment.layout.type_id(ty);
        self.asm.load(Width::W32, R11, Address::new(INSTANCE, expected));
        let actual = Address::new(R10, TableEntry::TYPE_ID);
        self.asm.operate(Operation::COMPARE, Width::W32, R11, actual);
        let label = self.asm.label();
        self.asm.jump_if(Condition::NotEqual, label);
        self.cold.push(Cold::TypeMismatch { label, position: self.offset as u32 });
        Ok(Callee::Entry)
    }

    /// Leaves the address of a table's record in r11, and traps with `kind` unless it has an
    /// element of the index in r10.
    pub(crate) fn check_element(&mut self, table: TableIndex, kind: TrapKind) {
        let record = self.environment.layout.table(table);
        self.asm.load(Width::W64, R11, Address::new(INSTANCE, record));
        let length = Address::new(R11, TableRecord::LENGTH);
        self.asm.operate(Operation::COMPARE, Width::W64, R10, length);
        self.trap_if(Condition::AboveEqual, kind);
    }

    /// Loads the callee's first argument, and what else comes from registers that may change.
    pub(crate) fn load_callee(&mut self, callee: Callee) {
        let (instance, cell) = match callee {
            Callee::Defined(_) => {
                self.asm.move_register(RDI, INSTANCE);
                return;
            }
            Callee::Imported(offset) => (
                Address::new(INSTANCE, offset + ImportedFunc::INSTANCE),
                Address::new(INSTANCE, offset + ImportedFunc::CELL),
            ),
            Callee::Entry => {
                (Address::new(R10, TableEntry::INSTANCE), Address::new(R10, TableEntry::CELL))
            }
        };
        self.asm.load(Width::W64, RDI, instance);
        self.asm.load(Width::W64, RAX, cell);
    }

    /// Calls the callee. Except for functions of the module, rax has the address of its cell.
    pub(crate) fn call_callee(&mut self, callee: Callee) {
        match callee {
            Callee::Defined(function) => {
                let offset = self.asm.call_cell();
                self.note_cell(offset, function);
            }
            _ => self.asm.call_memory(Address::new(RAX, 0)),
        }
    }

    /// Jumps to the callee in the same way.
    pub(crate) fn jump_to_callee(&mut self, callee: Callee) {
        match callee {
            Callee::Defined(function) => {
                let offset = self.asm.jump_cell();
                self.note_cell(offset, function);
            }
            _ => self.asm.jump_memory(Address::new(RAX, 0)),
        }
    }

    fn note_cell(&mut self, offset: u32, function: DefinedFunc) {
        self.relocations.push(Relocation {
            offset,
            kind: RelocationKind::Relative4,
            target: CellTarget::Cell(function.0),
            addend: -4,
        });
    }
}
