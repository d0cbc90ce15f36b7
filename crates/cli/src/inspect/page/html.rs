//! Text as HTML.
#![forbid(unsafe_code)]

/// Text that is shown as it is, in elements and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// JSON that can stand in a script element: nothing in it ends the element, or begins a comment.
pub(super) fn escape_json(json: &str) -> String {
    // Outside of strings JSON has none of these; in strings this means the same.
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        let escaped = escape("<script>alert('\"&amp;')</script>");
        assert_eq!(escaped, "&lt;script&gt;alert(&#39;&quot;&amp;amp;&#39;)&lt;/script&gt;");
    }

    #[test]
    fn nothing_of_json_ends_its_element() {
        let json = serde_json::json!({ "a": "</script><!--&" }).to_string();
        let escaped = escape_json(&json);
        assert!(!escaped.contains(['<', '>', '&']), "{escaped}");
        let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read["a"], "</script><!--&");
    }
}
