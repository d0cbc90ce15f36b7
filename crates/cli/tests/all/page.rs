//! The page of `inspect --html` in a browser, as a person would meet it.
//!
//! ```text
//!   page ──► srcdoc of a frame of the wanted width ──► browser, without a window
//!                    ▲ a script of the test outside of the frame looks at it, and leaves
//!                      what it saw as JSON, which comes back with the dumped document
//! ```
//!
//! Where there is no Chromium, these tests say so and check nothing; `tests/browser/fetch` gets one.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    inspect::{HOSTILE, hostile_program},
    support::Scratch,
};

/// Commands that may be a Chromium.
const BROWSERS: [&str; 5] =
    ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome"];

/// Which widths are tried, in pixels. The first is that of the smallest telephones.
const WIDTHS: [u32; 3] = [360, 700, 1280];

/// Looks at the page in the frame.
const CHECKER: &str = include_str!("page.js");

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let named =
        |name: &str| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|it| it.is_file());
    BROWSERS.iter().find_map(|name| named(name))
}

/// Where a page is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scheme {
    Light,
    Dark,
}

/// What the checker sees in each width.
fn look(scratch: &Scratch, page: &str, scheme: Scheme) -> Option<Vec<Value>> {
    let Some(browser) = browser() else {
        // Past what the test harness keeps to itself.
        let _ = writeln!(io::stderr(), "there is no Chromium, so no page was checked in one");
        return None;
    };
    let source = page.replace('&', "&amp;").replace('"', "&quot;");
    let mut outer = String::from("<!doctype html><meta charset=utf-8><pre id=result></pre>");
    for width in WIDTHS {
        write!(
            outer,
            "<iframe width={width} height=900 frameborder=0 srcdoc=\"{source}\"></iframe>"
        )
        .unwrap();
    }
    write!(outer, "<script>{CHECKER}</script>").unwrap();
    let file = scratch.path("outer.html");
    std::fs::write(&file, outer).unwrap();
    let mut said = String::new();
    for attempt in 0..3 {
        let profile = scratch.path(&format!("profile-{scheme:?}-{attempt}"));
        match dumped(&browser, (&file, &profile), scheme) {
            Ok(result) => return Some(result),
            // Browsers crash; a page that never comes to its end is no better the third time.
            Err(output) => said = output,
        }
    }
    panic!("{said}")
}

/// What the checker has written into a page by its end; or what the browser says that did not come
/// so far.
fn dumped(
    browser: &Path,
    (page, profile): (&Path, &Path),
    scheme: Scheme,
) -> Result<Vec<Value>, String> {
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-quic"])
        // A machine may be slow, and have little memory that is shared.
        .args(["--timeout=600000", "--disable-dev-shm-usage"])
        .args(["--window-size=1400,1000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(scheme == Scheme::Light)))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let result =
        text.split_once("<pre id=\"result\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let Some((result, _)) = result.filter(|(result, _)| !result.is_empty()) else {
        return Err(format!("{text}\n{}", String::from_utf8_lossy(&output.stderr)));
    };
    let json = result
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&");
    let value: Value =
        serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    Ok(value.as_array().unwrap_or_else(|| panic!("{value}")).clone())
}

/// Checks a page in both schemes and all widths, and returns what was seen last.
fn check(scratch: &Scratch) -> Option<Value> {
    let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
    let mut last = None;
    for scheme in [Scheme::Light, Scheme::Dark] {
        let seen = look(scratch, &page, scheme)?;
        assert_eq!(seen.len(), WIDTHS.len());
        for (seen, width) in seen.into_iter().zip(WIDTHS) {
            let what = format!("{scheme:?}, {width} px: {seen:#}");
            assert_eq!(seen["width"], width, "{what}");
            assert_eq!(seen["overflow"], 0, "{what}");
            assert_eq!(seen["dark"], scheme == Scheme::Dark, "{what}");
            let brightness = seen["page"][0].as_u64().unwrap();
            assert_eq!(brightness < 128, scheme == Scheme::Dark, "{what}");
            assert!(seen["texts"].as_u64() > Some(30), "{what}");
            assert_eq!(seen["pale"], Value::Array(Vec::new()), "{what}");
            assert_eq!(seen["nameless"], 0, "{what}");
            assert_eq!(seen["sorted"], true, "{what}");
            assert_eq!(seen["sort"], "ascending", "{what}");
            assert_eq!(seen["foundNothing"], 0, "{what}");
            assert!(seen["foundIndex"].as_u64() >= Some(1), "{what}");
            assert_eq!(seen["foundAll"], seen["before"], "{what}");
            assert_eq!((&seen["injected"], &seen["images"]), (&false.into(), &0.into()), "{what}");
            last = Some(seen);
        }
    }
    last
}

#[test]
fn a_page_of_a_run_is_readable_everywhere() {
    let scratch = Scratch::new();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/programs/text.wasm");
    let options = "-C code-memory=160K,tier-up-budget=1000";
    let ended = scratch.run(&format!("inspect --run --html page.html {options} {program} -- 200"));
    ended.with(0, "");
    let Some(seen) = check(&scratch) else { return };
    assert_eq!(seen["before"], 100, "as many rows as are shown at once: {seen:#}");
    assert!(seen["readout"].as_str().unwrap().contains("at offset 0"), "{seen:#}");
}

#[test]
fn a_page_of_a_module_alone_is_readable_everywhere() {
    let scratch = Scratch::with("hostile.wat", HOSTILE);
    scratch.run("inspect --html page.html hostile.wat").printed("");
    let Some(seen) = check(&scratch) else { return };
    assert_eq!(seen["readout"], Value::Null);
}

#[test]
fn names_are_text_on_a_page() {
    let scratch = Scratch::with("hostile.wat", hostile_program());
    scratch.run("inspect --run --html page.html hostile.wat").printed("");
    let Some(seen) = check(&scratch) else { return };
    let names: Vec<_> =
        seen["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(names.contains(&"<script>window.injected=1</script>"), "{names:?}");
    assert!(names.contains(&"\"'&\\u{1b}[2J\\u{202e}<!--"), "{names:?}");
}
