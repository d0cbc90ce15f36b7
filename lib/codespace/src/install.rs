//! Which code callers reach: a pure rule, apart from the act.
#![forbid(unsafe_code)]

use crate::draft::{Flavor, Tier};

/// What a unit is being used for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Mode {
    /// Running at full speed.
    #[default]
    Running,
    /// A debugger is attached: only code made for it is installed.
    Debugging,
}

/// Whether published code became what callers reach.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Installed {
    /// The function's cell leads to it.
    Yes,
    /// It serves only whoever holds a reference.
    No(Reason),
}

/// Why code was not installed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// It is not the code of a function.
    NotAFunction,
    /// Code for stepping serves one frame only.
    Stepping,
    /// The unit is being debugged, and this is not debug code.
    NotForDebugging,
    /// The present code is of a higher debugging level.
    LessDebugging,
    /// The present code is of a higher tier.
    LowerTier,
    /// What the compiler relied on has changed.
    Outdated,
}

/// What the rule looks at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Version {
    pub(crate) tier: Tier,
    pub(crate) flavor: Flavor,
}

/// Shall `new` become what callers of a function reach, instead of `present`?
pub(crate) fn decide(mode: Mode, present: Option<Version>, new: Version) -> Installed {
    match (mode, new.flavor) {
        (_, Flavor::Stepping) => Installed::No(Reason::Stepping),
        (Mode::Debugging, Flavor::Normal) => Installed::No(Reason::NotForDebugging),
        (Mode::Debugging, _) => match present {
            Some(present) if new.flavor < present.flavor => Installed::No(Reason::LessDebugging),
            _ => Installed::Yes,
        },
        (Mode::Running, _) => match present {
            Some(present) if present.flavor == Flavor::Normal && new.tier < present.tier => {
                Installed::No(Reason::LowerTier)
            }
            _ => Installed::Yes,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAVORS: [Flavor; 4] =
        [Flavor::Normal, Flavor::Debug, Flavor::Breakpoints, Flavor::Stepping];
    const TIERS: [Tier; 2] = [Tier::Baseline, Tier::Optimized];

    /// Present code down (none, then each tier in each flavour), new code across (each tier in
    /// each flavour). `y` installs; otherwise the reason: `s`tepping, `n`ot for debugging, `l`ess
    /// debugging, lower `t`ier.
    const RUNNING: [(&str, &str); 9] = [
        ("none                 ", "yyys yyys"),
        ("baseline normal      ", "yyys yyys"),
        ("baseline debug       ", "yyys yyys"),
        ("baseline breakpoints ", "yyys yyys"),
        ("baseline stepping    ", "yyys yyys"),
        ("optimized normal     ", "ttts yyys"),
        ("optimized debug      ", "yyys yyys"),
        ("optimized breakpoints", "yyys yyys"),
        ("optimized stepping   ", "yyys yyys"),
    ];
    const DEBUGGING: [(&str, &str); 9] = [
        ("none                 ", "nyys nyys"),
        ("baseline normal      ", "nyys nyys"),
        ("baseline debug       ", "nyys nyys"),
        ("baseline breakpoints ", "nlys nlys"),
        ("baseline stepping    ", "nlls nlls"),
        ("optimized normal     ", "nyys nyys"),
        ("optimized debug      ", "nyys nyys"),
        ("optimized breakpoints", "nlys nlys"),
        ("optimized stepping   ", "nlls nlls"),
    ];

    fn versions() -> Vec<Version> {
        let all = TIERS.iter().flat_map(|&tier| FLAVORS.map(|flavor| Version { tier, flavor }));
        all.collect()
    }

    fn letter(installed: Installed) -> char {
        match installed {
            Installed::Yes => 'y',
            Installed::No(Reason::Stepping) => 's',
            Installed::No(Reason::NotForDebugging) => 'n',
            Installed::No(Reason::LessDebugging) => 'l',
            Installed::No(Reason::LowerTier) => 't',
            Installed::No(other) => panic!("the rule does not say {other:?}"),
        }
    }

    #[test]
    fn every_combination() {
        for (mode, table) in [(Mode::Running, RUNNING), (Mode::Debugging, DEBUGGING)] {
            let present = std::iter::once(None).chain(versions().into_iter().map(Some));
            for (present, (name, expected)) in present.zip(table) {
                let row = versions().into_iter().map(|new| letter(decide(mode, present, new)));
                let row: String = row.collect();
                assert_eq!(row, expected.replace(' ', ""), "{mode:?}, present: {name}");
            }
        }
    }

    #[test]
    fn a_late_baseline_result_never_replaces_optimized_code() {
        let version = |tier| Version { tier, flavor: Flavor::Normal };
        let decision =
            decide(Mode::Running, Some(version(Tier::Optimized)), version(Tier::Baseline));
        assert_eq!(decision, Installed::No(Reason::LowerTier));
    }
}
