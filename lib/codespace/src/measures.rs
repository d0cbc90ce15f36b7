//! Distributions: how large and how slow.
//!
//! Of the whole manager only: they are large. Recording takes some additions, see `histogram`.
#![forbid(unsafe_code)]

use histogram::{Histogram, Levels, Summary};

/// Distributions of a manager. Times are in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Distributions {
    /// Code memory of the units with functions that are there now.
    pub unit_code_bytes: Summary,
    /// Records and side tables of the same.
    pub unit_metadata_bytes: Summary,
    /// Times of [`Unit::publish`](crate::Unit::publish), each for a batch.
    pub publish_nanoseconds: Summary,
    /// Times from when code was retired to when its memory could be handed out again.
    pub retire_to_free_nanoseconds: Summary,
    /// Times of collections that came to an end.
    pub collection_nanoseconds: Summary,
    /// Bytes of code that each of them freed.
    pub collection_freed_bytes: Summary,
}

/// What is behind [`Distributions`].
#[derive(Debug, Default)]
pub(crate) struct Measures {
    pub(crate) unit_code: Levels,
    pub(crate) unit_metadata: Levels,
    pub(crate) publish: Histogram,
    pub(crate) retire_to_free: Histogram,
    pub(crate) collection: Histogram,
    pub(crate) collection_freed: Histogram,
}

impl Measures {
    pub(crate) fn read(&self) -> Distributions {
        Distributions {
            unit_code_bytes: self.unit_code.summary(),
            unit_metadata_bytes: self.unit_metadata.summary(),
            publish_nanoseconds: self.publish.summary(),
            retire_to_free_nanoseconds: self.retire_to_free.summary(),
            collection_nanoseconds: self.collection.summary(),
            collection_freed_bytes: self.collection_freed.summary(),
        }
    }
}
