//! A value of any type, as 16 bytes that machine code reads and writes.
#![forbid(unsafe_code)]

/// A value of a type that the reader knows. Narrow values lie in the lowest bytes; what lies
/// above them is undefined.
///
/// References are raw: a `funcref` is the address of a record. Where the runtime takes a value as
/// a reference, it must have come from the same store, which the public API checks when it makes
/// values from handles.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Value(u128);

const _: () = assert!(size_of::<Value>() == tierup_abi::VALUE_SIZE);

impl Value {
    /// An `i32`, the bits of an `f32`, or the handle of an `externref`.
    pub fn from_u32(bits: u32) -> Self {
        Self(bits.into())
    }

    /// An `i64`, the bits of an `f64`, or the address of a `funcref`.
    pub fn from_u64(bits: u64) -> Self {
        Self(bits.into())
    }

    /// A `v128`.
    pub fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The lowest 32 bits.
    pub fn to_u32(self) -> u32 {
        self.0 as u32
    }

    /// The lowest 64 bits.
    pub fn to_u64(self) -> u64 {
        self.0 as u64
    }

    /// All bits.
    pub fn to_u128(self) -> u128 {
        self.0
    }
}
