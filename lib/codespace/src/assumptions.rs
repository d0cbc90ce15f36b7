//! What compilers of a unit rely on, as a version number.
//!
//! A compiler notes the version before it looks at anything that can change (which functions are
//! imported, say) and puts it in the draft. If the unit's version is another when the code is
//! published, the code is not installed.
#![forbid(unsafe_code)]

/// The version of one unit.
#[derive(Debug, Default)]
pub(crate) struct Assumptions(u64);

impl Assumptions {
    pub(crate) fn version(&self) -> u64 {
        self.0
    }

    /// Something has changed.
    pub(crate) fn change(&mut self) {
        self.0 += 1;
    }

    /// Does code that relied on that version still hold?
    pub(crate) fn hold(&self, relied_on: Option<u64>) -> bool {
        relied_on.is_none_or(|version| version == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_present_version_holds() {
        let mut assumptions = Assumptions::default();
        let before = assumptions.version();
        assert!(assumptions.hold(Some(before)) && assumptions.hold(None));
        assumptions.change();
        assert!(!assumptions.hold(Some(before)) && assumptions.hold(None));
        assert!(assumptions.hold(Some(assumptions.version())));
    }
}
