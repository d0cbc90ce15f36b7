//! The machine that code is made for: this one, with the extensions that it has.
//!
//! A feature list is data: what a Cranelift setting is called, and whether it is on. Tests hand
//! in the smallest list that is allowed.

use std::{fmt, sync::Arc};

use cranelift_codegen::{
    isa::{self, OwnedTargetIsa},
    settings::{self, Configurable, Flags},
};
use target_lexicon::{Architecture, Triple};

/// Why no code can be made for this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HostError {
    /// The processor's architecture is not one that Tierup makes code for.
    Architecture {
        /// Its name.
        name: String,
    },
    /// The processor lacks something that all code relies on.
    MissingFeature {
        /// What it lacks.
        name: &'static str,
    },
    /// Cranelift did not accept its settings.
    Settings {
        /// What it said.
        message: String,
    },
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Architecture { name } => {
                write!(f, "the optimizing compiler makes code for x86-64 only, not for {name}")
            }
            Self::MissingFeature { name } => {
                write!(f, "the optimizing compiler needs a processor with {name}")
            }
            Self::Settings { message } => write!(f, "Cranelift refused its settings: {message}"),
        }
    }
}

impl std::error::Error for HostError {}

/// A setting of Cranelift's x86-64 target, and whether the processor has what it stands for.
pub(crate) type Feature = (&'static str, bool);

/// What code relies on without asking: rounding, lane access and byte shuffles have no short
/// replacement below SSE4.1.
const REQUIRED: [(&str, &str); 3] =
    [("has_sse3", "SSE3"), ("has_ssse3", "SSSE3"), ("has_sse41", "SSE4.1")];

/// What code must have, and nothing else.
pub(crate) const BASELINE: [Feature; 3] =
    [("has_sse3", true), ("has_ssse3", true), ("has_sse41", true)];

/// The extensions of this machine's processor that Cranelift can use.
#[cfg(target_arch = "x86_64")]
pub(crate) fn detected_features() -> Vec<Feature> {
    macro_rules! detect {
        ($($setting:literal = $feature:tt;)*) => {
            vec![$(($setting, std::arch::is_x86_feature_detected!($feature))),*]
        };
    }
    detect! {
        "has_sse3" = "sse3";
        "has_ssse3" = "ssse3";
        "has_sse41" = "sse4.1";
        "has_sse42" = "sse4.2";
        "has_cmpxchg16b" = "cmpxchg16b";
        "has_popcnt" = "popcnt";
        "has_lzcnt" = "lzcnt";
        "has_bmi1" = "bmi1";
        "has_bmi2" = "bmi2";
        "has_avx" = "avx";
        "has_avx2" = "avx2";
        "has_fma" = "fma";
        "has_avx_vnni" = "avxvnni";
        "has_avx512f" = "avx512f";
        "has_avx512vl" = "avx512vl";
        "has_avx512dq" = "avx512dq";
        "has_avx512bitalg" = "avx512bitalg";
        "has_avx512vbmi" = "avx512vbmi";
        "has_avx512vnni" = "avx512vnni";
    }
}

/// Other machines are refused before their features matter.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn detected_features() -> Vec<Feature> {
    Vec::new()
}

/// Cranelift's target for this machine with `features`.
pub(crate) fn target(features: &[Feature]) -> Result<OwnedTargetIsa, HostError> {
    let triple = Triple::host();
    if triple.architecture != Architecture::X86_64 {
        return Err(HostError::Architecture { name: triple.architecture.to_string() });
    }
    for (setting, name) in REQUIRED {
        if !features.contains(&(setting, true)) {
            return Err(HostError::MissingFeature { name });
        }
    }
    let mut builder = isa::lookup(triple).map_err(settings_error)?;
    for &(setting, present) in features {
        if present {
            builder.enable(setting).map_err(settings_error)?;
        }
    }
    let isa = builder.finish(shared_flags()?).map_err(settings_error)?;
    Ok(Arc::clone(&isa))
}

/// Settings that hold for every machine.
fn shared_flags() -> Result<Flags, HostError> {
    let verify = if cfg!(debug_assertions) { "true" } else { "false" };
    let mut builder = settings::builder();
    for (name, value) in [
        ("opt_level", "speed"),
        ("enable_verifier", verify),
        // Frames are walked by their frame pointers, so nobody reads unwind tables.
        ("preserve_frame_pointers", "true"),
        ("unwind_info", "false"),
        // A frame of many pages must not skip the guard page below the stack.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
        // Calls of other functions become loads of their cells: see `finish`.
        ("is_pic", "true"),
    ] {
        builder.set(name, value).map_err(settings_error)?;
    }
    Ok(Flags::new(builder))
}

fn settings_error(error: impl fmt::Display) -> HostError {
    HostError::Settings { message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_without_sse41_is_refused_by_name() {
        let old = [("has_sse3", true), ("has_ssse3", true), ("has_sse41", false)];
        let error = target(&old).err().expect("must be refused");
        assert_eq!(error, HostError::MissingFeature { name: "SSE4.1" });
        assert!(error.to_string().contains("SSE4.1"));
    }

    #[test]
    fn the_smallest_processor_is_enough() {
        assert!(target(&BASELINE).is_ok());
    }
}
