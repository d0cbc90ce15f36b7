//! Names as they were written in the source.
//!
//! ```text
//!   _ZN4core3fmt5write17h0123456789abcdefE   ──►   core::fmt::write
//!   _RNvCs1234_7mycrate3foo                  ──►   mycrate::foo
//!   _ZN3geo5Shape4areaEi                     ──►   geo::Shape::area(int)
//! ```
//!
//! Names come from modules, which may be anybody's. A few bytes of a mangled name can stand for
//! very many, since parts of it can refer to others, and the parser for names of C++ tries several ways
//! at each level of one that is none; so there are limits, and what is over one is shown as it is.
#![forbid(unsafe_code)]

use std::{borrow::Cow, fmt};

use cpp_demangle::{DemangleOptions, ParseOptions, Symbol};

/// Longer names are not looked at. Those of template libraries have a few thousand bytes.
const MOST_MANGLED: usize = 16 << 10;

/// What would become longer stays as it is.
const MOST_DEMANGLED: usize = 16 << 10;

/// Levels of parts in parts, of names of C++. Of 103,034 names of a system's libraries 81 have more.
/// Each few levels double what a wrong name takes: with 48 it is 1 ms, with 64 0.1 s, with 96 more than 1 s.
const MOST_NESTED: u32 = 48;

/// What a function was called in Rust or C++, if `name` is what their compilers make of it;
/// otherwise `name`. Hashes that Rust's compiler adds are left away.
pub fn demangle(name: &str) -> Cow<'_, str> {
    // Also after the additional underscores that some linkers put in front.
    let is_mangled = name.starts_with("_R") || name.trim_start_matches('_').starts_with('Z');
    if !is_mangled || !name.starts_with('_') || MOST_MANGLED < name.len() {
        return Cow::Borrowed(name);
    }
    match rust(name).or_else(|| cpp(name)) {
        Some(demangled) if !demangled.is_empty() => Cow::Owned(demangled),
        _ => Cow::Borrowed(name),
    }
}

fn rust(name: &str) -> Option<String> {
    let symbol = rustc_demangle::try_demangle(name).ok()?;
    let mut text = Bounded::default();
    // The other form is without hashes.
    fmt::write(&mut text, format_args!("{symbol:#}")).ok()?;
    Some(text.0)
}

fn cpp(name: &str) -> Option<String> {
    let limit = ParseOptions::default().recursion_limit(MOST_NESTED);
    let symbol = Symbol::new_with_options(name, &limit).ok()?;
    let mut text = Bounded::default();
    let limit = DemangleOptions::new().recursion_limit(2 * MOST_NESTED);
    symbol.structured_demangle(&mut text, &limit).ok()?;
    Some(text.0)
}

/// Text that does not grow beyond [`MOST_DEMANGLED`].
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if MOST_DEMANGLED - self.0.len() < text.len() {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rust_and_cpp_are_as_they_were_written() {
        let rows = [
            ("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"),
            (
                "_ZN37_$LT$std..io..Write$u20$for$u20$X$GT$5write17h0123456789abcdefE",
                "<std::io::Write for X>::write",
            ),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>"),
            ("_ZN3geo5Shape4areaEi", "geo::Shape::area(int)"),
            (
                "_ZNSt3__26vectorIiNS_9allocatorIiEEE9push_backEOi",
                "std::__2::vector<int, std::__2::allocator<int> >::push_back(int&&)",
            ),
            ("__ZN3geo5Shape4areaEi", "geo::Shape::area(int)"),
            ("_Z3addii", "add(int, int)"),
        ];
        for (name, expected) in rows {
            assert_eq!(demangle(name), expected, "{name}");
        }
    }

    #[test]
    fn other_names_stay() {
        let names = [
            "",
            "_",
            "main",
            "_start",
            "__wasm_call_ctors",
            "_Z",
            "_ZN",
            "_R",
            "_RNv",
            "Rename",
            "RNvC1a1b",
            "ZN1a1bE",
            "_ZN3fooE trailing",
            "geo::Shape::area(int)",
            "_Zé",
            "memory.copy",
        ];
        for name in names {
            assert_eq!(demangle(name), name);
            assert!(matches!(demangle(name), Cow::Borrowed(_)), "{name}");
        }
    }

    /// Each parameter is a pair of the one before, so that 30 of them would fill gigabytes.
    #[test]
    fn names_that_would_become_huge_stay() {
        let pairs: String = (0..60)
            .map(|number| {
                // `P` is one each time, too.
                let last = substitution(2 * number + 1);
                format!("1PI{last}{last}E")
            })
            .collect();
        let name = format!("_Z1f1PIiiE{pairs}");
        assert_eq!(demangle(&name), name);
        let long = format!("_Z1f{}", "i".repeat(MOST_MANGLED));
        assert_eq!(demangle(&long), long);
    }

    /// The name of something that stood in the symbol before.
    fn substitution(number: usize) -> String {
        let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        match number.checked_sub(1) {
            None => "S_".to_owned(),
            Some(rest) if rest < 36 => format!("S{}_", digits[rest] as char),
            Some(rest) => {
                format!("S{}{}_", digits[rest / 36] as char, digits[rest % 36] as char)
            }
        }
    }
}
