//! What CONTRIBUTING.md says of tests.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Names of the test functions below a folder.
fn collect_tests(folder: &Path, names: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_tests(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let tests = text.split("#[test]").skip(1);
            names.extend(tests.filter_map(|rest| {
                let rest = &rest[rest.find("fn ")? + 3..];
                Some(rest[..rest.find('(')?].to_owned())
            }));
        }
    }
}

#[test]
fn each_fault_of_others_has_tests_that_are_there() {
    let mut tests = HashSet::new();
    for folder in ["crates", "lib"] {
        collect_tests(&root().join(folder), &mut tests);
    }
    let text = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let section = text.split("\n## ").find(|section| section.starts_with("Faults of others"));
    let rows: Vec<_> = section.unwrap().lines().filter(|line| line.starts_with("| ")).collect();
    assert!(20 < rows.len());
    for row in &rows[1..] {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            let is_elsewhere = name.contains(['/', '-']);
            assert!(is_elsewhere || tests.contains(name), "there is no test {name}");
        }
    }
}
