//! Where the sections of a binary lie, for people who look.
//!
//! ```text
//!   00 61 73 6d 01 00 00 00 │ id size contents │ id size contents │ …
//!   preamble                 ◄──── a section ──►
//! ```
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::Module;

/// Bytes before the first section.
const PREAMBLE: usize = 8;

/// Names of the sections by their ids. A custom section has one of its own.
const NAMES: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];

/// One section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// What kind it is.
    pub id: u8,
    /// What a custom section calls itself.
    pub custom_name: Option<String>,
    /// Where it lies in the module's bytes, id and size included.
    pub range: Range<usize>,
}

impl Section {
    /// What kind it is.
    pub fn kind(&self) -> &'static str {
        NAMES.get(usize::from(self.id)).copied().unwrap_or("unknown")
    }
}

impl Module {
    /// Its sections, in order.
    pub fn sections(&self) -> Vec<Section> {
        let mut custom = self.custom_sections.iter();
        let mut sections = Vec::new();
        let mut start = PREAMBLE;
        while let Some((id, range)) = section(&self.bytes, start) {
            start = range.end;
            let custom_name = (id == 0).then(|| custom.next().map(|(name, _)| name.clone()));
            sections.push(Section { id, custom_name: custom_name.flatten(), range });
        }
        sections
    }
}

/// Id and range of the section that begins there.
fn section(bytes: &[u8], start: usize) -> Option<(u8, Range<usize>)> {
    let (&id, rest) = bytes.get(start..)?.split_first()?;
    let (mut size, mut shift) = (0, 0);
    // A size has five digits at most, since the module was decoded.
    for (place, &digit) in rest.iter().take(5).enumerate() {
        size |= usize::from(digit & 0x7f) << shift;
        shift += 7;
        if digit < 0x80 {
            let end = (start + 2 + place).checked_add(size)?;
            return (end <= bytes.len()).then_some((id, start..end));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_cover_the_module() {
        // So long that the size of its section has two digits.
        let data = "x".repeat(200);
        let text = format!(
            r#"(module
                (@custom "first" (before first) "contents")
                (import "a" "b" (func))
                (memory 1)
                (func (export "f"))
                (data (i32.const 0) "{data}")
                (@custom "last" (after last) ""))"#
        );
        let module = Module::decode(wat::parse_str(&text).unwrap().into()).unwrap();
        let sections = module.sections();
        let kinds: Vec<_> = sections.iter().map(Section::kind).collect();
        let expected =
            ["custom", "type", "import", "function", "memory", "export", "code", "data", "custom"];
        assert_eq!(kinds, expected);
        assert_eq!(sections[0].custom_name.as_deref(), Some("first"));
        assert_eq!(sections[8].custom_name.as_deref(), Some("last"));
        assert_eq!(sections[0].range.start, PREAMBLE);
        assert!(sections.windows(2).all(|pair| pair[0].range.end == pair[1].range.start));
        assert_eq!(sections[8].range.end, module.bytes.len());
        let code = &sections[6].range;
        assert_eq!(code.end, module.code_section.end);
    }

    #[test]
    fn an_empty_module_has_none() {
        let module = Module::decode(b"\0asm\x01\0\0\0".to_vec().into()).unwrap();
        assert_eq!(module.sections(), []);
    }
}
