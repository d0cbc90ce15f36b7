//! What is in the module: sections, estimates, imports and exports.
#![forbid(unsafe_code)]

use tierup::TierEstimate;

use super::html::escape;
use crate::{
    foreign::foreign,
    inspect::{
        Report,
        contents::Contents,
        format::{bytes, counted, percent},
        ran::Class,
    },
};

/// Imports or exports that are listed.
const LISTED: usize = 1000;

/// All of it.
pub(super) fn of(report: &Report) -> String {
    let contents = &report.contents;
    let imports = contents.imports.iter().map(|import| {
        let name = format!("{}.{}", foreign(&import.module), foreign(&import.name));
        (name, import.ty.to_string())
    });
    let exports = contents.exports.iter();
    let exports = exports.map(|export| (foreign(&export.name), export.ty.to_string()));
    format!(
        "<div class=\"columns\">{}{}</div>\n<section aria-label=\"Imports and exports\">{}{}</section>\n",
        sections(contents),
        estimates(report),
        list(&counted(contents.imports.len(), "import"), imports),
        list(&counted(contents.exports.len(), "export"), exports),
    )
}

fn sections(contents: &Contents) -> String {
    let rows: String = contents
        .sections
        .iter()
        .map(|section| {
            let share = contents.share(section.bytes);
            format!(
                "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"share\">\
                 <i style=\"width:{:.2}%\"></i><span>{}</span></td></tr>",
                escape(&foreign(&section.title())),
                bytes(section.bytes),
                share * 100.0,
                percent(share),
            )
        })
        .collect();
    format!(
        "<section aria-labelledby=\"sections-title\"><h2 id=\"sections-title\">Sections</h2>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"sections-title\"><table><thead><tr><th scope=\"col\">Section</th><th scope=\"col\" class=\"number\">Size</th>\
         <th scope=\"col\">Share</th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
}

fn estimates(report: &Report) -> String {
    let estimate = &report.contents.estimate;
    let unit = TierEstimate {
        code_bytes: estimate.unit.lazy_table_bytes,
        metadata_bytes: estimate.unit.cell_bytes + estimate.unit.metadata_bytes,
    };
    let used = |class| match &report.ran {
        Some(ran) => bytes(ran.class(class).1),
        None => String::new(),
    };
    let rows = [
        ("before any function", unit, String::new()),
        ("all baseline", estimate.baseline, used(Class::Baseline)),
        ("all optimized", estimate.optimized, used(Class::Optimized)),
    ];
    let rows: String = rows
        .into_iter()
        .map(|(title, TierEstimate { code_bytes, metadata_bytes }, used)| {
            format!(
                "<tr><td>{title}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
                 <td class=\"number\">{used}</td></tr>",
                bytes(code_bytes),
                bytes(metadata_bytes),
            )
        })
        .collect();
    format!(
        "<section aria-labelledby=\"estimates-title\"><h2 id=\"estimates-title\">Estimates</h2>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"estimates-title\"><table><thead><tr><th scope=\"col\">If compiled</th><th scope=\"col\" class=\"number\">Code</th>\
         <th scope=\"col\" class=\"number\">Metadata</th><th scope=\"col\" class=\"number\">Code now</th>\
         </tr></thead><tbody>{rows}</tbody></table></div>\
         <p class=\"note\">From the number of functions and the bytes of their bodies alone.</p></section>"
    )
}

fn list(title: &str, items: impl ExactSizeIterator<Item = (String, String)>) -> String {
    let all = items.len();
    if all == 0 {
        return String::new();
    }
    let rows: String = items
        .take(LISTED)
        .map(|(name, ty)| {
            format!("<tr><td>{}</td><td><code>{}</code></td></tr>", escape(&name), escape(&ty))
        })
        .collect();
    let more = match all.saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("<p class=\"note\">and {more} more</p>"),
    };
    format!(
        "<details><summary>{title}</summary><div class=\"scroll\" tabindex=\"0\"><table><thead><tr>\
         <th scope=\"col\">Name</th><th scope=\"col\">Type</th></tr></thead><tbody>{rows}</tbody></table></div>{more}</details>"
    )
}
