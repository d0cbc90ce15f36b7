//! Why code stops: one table for numbers, names and messages.
#![forbid(unsafe_code)]

macro_rules! trap_kinds {
    ($($(#[$meta:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Why Wasm code stopped.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum TrapKind { $($(#[$meta])* $name = $number,)* }

        impl TrapKind {
            /// All kinds, by number.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The message, in the words of the specification's tests where they have any.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The kind of that number.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($number => Some(Self::$name),)* _ => None }
            }
        }
    };
}

trap_kinds! {
    /// The `unreachable` instruction.
    Unreachable = 1, "unreachable";
    /// A memory access outside the memory.
    MemoryOutOfBounds = 2, "out of bounds memory access";
    /// A table access outside the table.
    TableOutOfBounds = 3, "out of bounds table access";
    /// An indirect call with an index outside the table.
    UndefinedElement = 4, "undefined element";
    /// An indirect call of a null element.
    UninitializedElement = 5, "uninitialized element";
    /// An indirect call of a function of another type.
    IndirectCallTypeMismatch = 6, "indirect call type mismatch";
    /// Integer division by zero.
    IntegerDivideByZero = 7, "integer divide by zero";
    /// The result of an integer operation does not fit.
    IntegerOverflow = 8, "integer overflow";
    /// A float without integer value was converted.
    InvalidConversion = 9, "invalid conversion to integer";
    /// The stack is used up.
    StackOverflow = 10, "call stack exhausted";
    /// Another thread or a deadline asked the code to stop.
    Interrupted = 11, "interrupted";
    /// A function could not be compiled when it was called.
    CompileFailed = 12, "function could not be compiled";
    /// No memory for something that the code needed.
    OutOfMemory = 13, "out of memory";
    /// An atomic access whose address is not a multiple of its size.
    UnalignedAtomic = 14, "unaligned atomic";
    /// A null reference was used.
    NullReference = 15, "null reference";
    /// The store has no fuel for what comes next.
    OutOfFuel = 16, "out of fuel";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_to_kinds() {
        for &kind in TrapKind::ALL {
            assert_eq!(TrapKind::from_code(kind as u8), Some(kind));
        }
        assert_eq!(TrapKind::from_code(0), None);
    }
}
