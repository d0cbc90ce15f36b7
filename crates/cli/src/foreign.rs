//! Text from modules, which may be anybody's, for people's terminals.
#![forbid(unsafe_code)]

/// Text from a module, which may be anything, without what a terminal obeys or a reader cannot
/// see.
pub(crate) fn foreign(text: &str) -> String {
    let is_plain = |char: &char| !char.is_control() && !is_invisible(*char);
    text.chars()
        .map(|char| match is_plain(&char) {
            true => char.to_string(),
            false => char.escape_unicode().to_string(),
        })
        .collect()
}

/// Marks that change the order of what stands around them, or have no width.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_command_the_terminal() {
        assert_eq!(foreign("a\u{1b}[31m\n\u{202e}\u{e9}"), r"a\u{1b}[31m\u{a}\u{202e}é");
    }
}
