//! What a head belongs to, as the number that it carries.
#![forbid(unsafe_code)]

/// The object of a store that an `InstanceHead` is the head of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    /// The instance in that slot, or a host context that belongs to it.
    Instance(u32),
    /// The host function in that slot.
    Function(u32),
}

impl Owner {
    /// As a number for `InstanceHead::owner`.
    pub(crate) fn encode(self) -> u64 {
        match self {
            Self::Instance(index) => u64::from(index) << 1,
            Self::Function(index) => (u64::from(index) << 1) | 1,
        }
    }

    /// The other direction of [`Owner::encode`].
    pub(crate) fn decode(number: u64) -> Self {
        let index = (number >> 1) as u32;
        if number & 1 == 0 { Self::Instance(index) } else { Self::Function(index) }
    }
}

#[test]
fn owners_survive_encoding() {
    for owner in [Owner::Instance(0), Owner::Instance(u32::MAX), Owner::Function(7)] {
        assert_eq!(Owner::decode(owner.encode()), owner);
    }
}
