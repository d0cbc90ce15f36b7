use wasm_encoder::{CustomSection, IndirectNameMap, NameMap, NameSection};

use super::*;

fn parse(section: &[u8]) -> Names {
    let mut module = wasm_encoder::Module::new();
    module.section(&CustomSection { name: "name".into(), data: section.into() });
    Names::parse(&Module::decode(module.finish().into()).unwrap())
}

/// Contents of a section that names the module, functions 1 and 3, and a local of function 3.
fn section() -> Vec<u8> {
    let (mut functions, mut locals, mut of_three) =
        (NameMap::new(), IndirectNameMap::new(), NameMap::new());
    functions.append(1, "one");
    functions.append(3, "drei-größer");
    of_three.append(0, "x");
    locals.append(3, &of_three);
    let mut names = NameSection::new();
    names.module("m");
    names.functions(&functions);
    names.locals(&locals);
    names.as_custom().data.into_owned()
}

#[test]
fn names_are_found() {
    let names = parse(&section());
    assert_eq!(names.module(), Some("m"));
    assert_eq!(names.function(FuncIndex(1)), Some("one"));
    assert_eq!(names.function(FuncIndex(2)), None);
    assert_eq!(names.function(FuncIndex(3)), Some("drei-größer"));
    assert_eq!(names.local(FuncIndex(3), 0), Some("x"));
    assert_eq!(names.local(FuncIndex(3), 1), None);
    assert_eq!(names.local(FuncIndex(1), 0), None);
    assert_eq!((names.len(), names.is_empty()), (2, false));
}

#[test]
fn a_module_without_names_has_none() {
    let module = Module::decode(b"\0asm\x01\0\0\0".to_vec().into()).unwrap();
    let names = Names::parse(&module);
    assert_eq!((names.module(), names.function(FuncIndex(0)), names.len()), (None, None, 0));
}

#[test]
fn what_comes_before_a_cut_is_kept() {
    let section = section();
    let mut found = Vec::new();
    for length in 0..section.len() {
        let names = parse(&section[..length]);
        found.push((names.module().is_some(), names.len()));
    }
    assert!(found.is_sorted(), "{found:?}");
    assert_eq!(found.last(), Some(&(true, 2)));
}

#[test]
fn a_map_that_claims_too_much_keeps_what_there_is() {
    let count = [0xff_u8, 0xff, 0xff, 0xff, 0x0f];
    let one = [&count as &[u8], &[7, 2], b"ok", &[8, 200], b"no"].concat();
    let names = parse(&[&[FUNCTIONS, one.len() as u8], &one[..]].concat());
    assert_eq!((names.function(FuncIndex(7)), names.len()), (Some("ok"), 1));
}

#[test]
fn a_name_that_is_not_text_is_skipped() {
    let map = [2, 0, 1, 0xff, 1, 1, b'b'];
    let names = parse(&[&[FUNCTIONS, map.len() as u8], &map[..]].concat());
    assert_eq!(names.function(FuncIndex(0)), None);
    assert_eq!(names.function(FuncIndex(1)), Some("b"));
}

#[test]
fn order_does_not_matter_and_the_first_name_counts() {
    let map = [3, 5, 1, b'a', 2, 1, b'b', 5, 1, b'c'];
    let names = parse(&[&[FUNCTIONS, map.len() as u8], &map[..]].concat());
    assert_eq!(names.function(FuncIndex(5)), Some("a"));
    assert_eq!(names.function(FuncIndex(2)), Some("b"));
    assert_eq!(names.len(), 2);
}

#[test]
fn any_damage_is_survived() {
    let section = section();
    for position in 0..section.len() {
        for value in 0..=255 {
            let mut damaged = section.clone();
            damaged[position] = value;
            let names = parse(&damaged);
            for function in 0..5 {
                names.function(FuncIndex(function));
                names.local(FuncIndex(function), 0);
            }
        }
    }
}
