//! The report as a page for browsers: one file, which loads nothing.
//!
//! ```text
//!   head: style │ key figures │ map (SVG) │ timeline (SVG) │ functions (table) │ module │ data, script
//! ```
//!
//! All that comes from the module is foreign: names may contain anything. In HTML it passes
//! [`html::escape`], in the data for the script no `<` is left, and the script makes text of it and
//! never markup. The page forbids itself all requests.
#![forbid(unsafe_code)]

mod html;
mod figures;
mod map;
mod timeline;
mod module;
mod data;

use super::{Report, format};
use crate::foreign::foreign;
use html::escape;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Nothing is loaded from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
    base-uri 'none'; form-action 'none'";

/// All of it.
pub(super) fn of(report: &Report) -> String {
    let title = escape(&foreign(&report.contents.file));
    let sections = [
        header(report),
        figures::of(report),
        report.ran.as_ref().map(map::of).unwrap_or_default(),
        report.ran.as_ref().map(timeline::of).unwrap_or_default(),
        functions(report),
        module::of(report),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} - tierup inspect</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main>\n{}\n</main>\n\
         <script type=\"application/json\" id=\"data\">{}</script>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        sections.concat(),
        data::of(report),
    )
}

fn header(report: &Report) -> String {
    let contents = &report.contents;
    let file = std::path::Path::new(&contents.file);
    let name =
        file.file_name().map_or_else(|| contents.file.clone(), |name| name.display().to_string());
    let mut facts = vec![
        format::bytes(contents.bytes),
        format::counted(contents.functions.len(), "function"),
        format::counted(contents.imports.len(), "import"),
        format::counted(contents.exports.len(), "export"),
    ];
    facts.push(match &report.ran {
        Some(ran) => format!(
            "{} after {}",
            escape(&foreign(&ran.outcome)),
            format::time(ran.events.duration)
        ),
        None => "not run".to_owned(),
    });
    let facts: String = facts.iter().map(|fact| format!("<li>{fact}</li>")).collect();
    format!(
        "<header><p class=\"eyebrow\">tierup inspect</p><h1>{}</h1><ul class=\"facts\">{facts}</ul></header>\n",
        escape(&foreign(&name)),
    )
}

/// The table of functions, which the script fills.
fn functions(report: &Report) -> String {
    let columns = [
        ("index", "Index", "number"),
        ("name", "Name", "text"),
        ("tier", "Tier", "text"),
        ("code", "Code", "number"),
        ("body", "Body", "number"),
        ("time", "Compile", "number"),
    ];
    let heads: String = columns
        .iter()
        .map(|(key, title, class)| {
            format!(
                "<th scope=\"col\" class=\"{class}\"><button type=\"button\" data-key=\"{key}\">{title}</button></th>"
            )
        })
        .collect();
    let note = match data::omitted(report) {
        0 => String::new(),
        omitted => format!(
            "<p class=\"note\">{} more functions without code are smaller, and not listed.</p>",
            format::count(omitted)
        ),
    };
    format!(
        "<section aria-labelledby=\"functions-title\"><h2 id=\"functions-title\">Functions</h2>\
         <form class=\"tools\" role=\"search\">\
         <label>Search <input type=\"search\" id=\"search\" autocomplete=\"off\" placeholder=\"name or index\"></label>\
         <label>Tier <select id=\"tier\"><option value=\"\">all</option><option>optimized</option>\
         <option>baseline</option><option>none</option></select></label>\
         <output id=\"count\" aria-live=\"polite\"></output></form>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"functions-title\">\
         <table id=\"functions\"><thead><tr>{heads}</tr></thead><tbody></tbody></table></div>\
         <p><button type=\"button\" id=\"more\" class=\"more\" hidden>Show more</button></p>{note}\
         <noscript><p class=\"note\">The table needs JavaScript.</p></noscript></section>\n"
    )
}
