//! One type for each index space of a module.
#![forbid(unsafe_code)]

macro_rules! index_types {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as a number of elements, for slices.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index_types! {
    /// Among the types of a module.
    TypeIndex;
    /// Among all functions of a module, imports first.
    FuncIndex;
    /// Among the functions that a module defines; the number of its cell.
    DefinedFunc;
    /// Among all tables of a module, imports first.
    TableIndex;
    /// Among all memories of a module, imports first.
    MemoryIndex;
    /// Among all globals of a module, imports first.
    GlobalIndex;
    /// Among the element segments of a module.
    ElementIndex;
    /// Among the data segments of a module.
    DataIndex;
}
