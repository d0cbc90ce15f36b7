//! Statistics as a list: a path of names, and a number or a distribution.

use serde_json::{Map, Number as JsonNumber, Value};

/// One figure.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Figure {
    /// Names from the outside in, with dots between.
    pub(super) path: String,
    /// In a list: the name of the element that it is about.
    pub(super) of: Option<String>,
    pub(super) number: Number,
}

/// What a figure says.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Number {
    One(JsonNumber),
    /// A `tierup::Summary`.
    Summary(Vec<(String, JsonNumber)>),
}

/// What makes an object the summary of a distribution.
const SUMMARY: [&str; 5] = ["count", "max", "p50", "p99", "sum"];

/// All figures in an object.
pub(super) fn figures(value: &Value) -> Vec<Figure> {
    let mut found = Vec::new();
    collect(value, (String::new(), None), &mut found);
    found
}

fn collect(value: &Value, (path, of): (String, Option<&str>), found: &mut Vec<Figure>) {
    let owned = || of.map(str::to_owned);
    match value {
        Value::Number(number) => {
            found.push(Figure { path, of: owned(), number: Number::One(number.clone()) });
        }
        Value::Object(members) => match summary(members) {
            Some(summary) => {
                found.push(Figure { path, of: owned(), number: Number::Summary(summary) });
            }
            None => {
                for (name, member) in members {
                    let path =
                        if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    collect(member, (path, of), found);
                }
            }
        },
        Value::Array(elements) => {
            for element in elements {
                let name = element.get("name").and_then(Value::as_str);
                collect(element, (path.clone(), name.or(of)), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn summary(members: &Map<String, Value>) -> Option<Vec<(String, JsonNumber)>> {
    if members.len() != SUMMARY.len() {
        return None;
    }
    let member = |name: &str| match members.get(name) {
        Some(Value::Number(number)) => Some((name.to_owned(), number.clone())),
        _ => None,
    };
    SUMMARY.into_iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_have_the_path_to_them() {
        let value = json!({
            "a": { "b": 1, "c": { "d": 2.5 } },
            "e": [{ "name": "x", "f": 3 }, { "name": "y", "f": 4 }],
            "g": { "count": 0, "max": 0, "p50": 0, "p99": 0, "sum": 0 },
            "h": null,
        });
        let found: Vec<String> = figures(&value)
            .into_iter()
            .map(|figure| {
                let number = match figure.number {
                    Number::One(number) => number.to_string(),
                    Number::Summary(parts) => format!("{} parts", parts.len()),
                };
                format!("{}[{}] {number}", figure.path, figure.of.unwrap_or_default())
            })
            .collect();
        assert_eq!(found, ["a.b[] 1", "a.c.d[] 2.5", "e.f[x] 3", "e.f[y] 4", "g[] 5 parts"]);
    }
}
