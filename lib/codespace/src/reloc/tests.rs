use super::*;
use crate::draft::Kind;

const BASE: usize = 0x7000_0000_0040;

fn draft(length: usize, relocations: &[(u32, RelocationKind, Target, i32)]) -> Draft {
    let mut draft = Draft::new(Kind::Stub, vec![0x90; length]);
    draft.relocations = relocations
        .iter()
        .map(|&(offset, kind, target, addend)| Relocation { offset, kind, target, addend })
        .collect();
    draft
}

fn reach(cells: Range<usize>, limit: usize) -> Reach {
    Reach { cells, limit }
}

fn near() -> Reach {
    reach(BASE - 0x1000..BASE - 0x1000 + 4 * CELL_BYTES, i32::MAX as usize)
}

fn emit_to(draft: &Draft, reach: &Reach) -> Result<Vec<u8>> {
    let mut buffer = vec![0xcc; size_far(draft).next_multiple_of(64)];
    let length = emit(draft, BASE, reach, &mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

fn relative(bytes: &[u8], offset: usize) -> i32 {
    i32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap())
}

fn absolute(bytes: &[u8], offset: usize) -> usize {
    usize::from_le_bytes(bytes[offset..offset + 8].try_into().unwrap())
}

use RelocationKind::{Absolute8, Relative4};

#[test]
fn every_kind_and_target() {
    let draft = draft(
        40,
        &[
            (0, Relative4, Target::Cell(2), -4),
            (4, Relative4, Target::Own(40), -4),
            (8, Relative4, Target::Address(BASE + 0x100), 0),
            (16, Absolute8, Target::Cell(0), 0),
            (24, Absolute8, Target::Own(8), 1),
            (32, Absolute8, Target::Address(usize::MAX), 1),
        ],
    );
    let bytes = emit_to(&draft, &near()).unwrap();
    assert_eq!(bytes.len(), 40);
    assert_eq!(relative(&bytes, 0), -0x1000 + 16 - 4);
    assert_eq!(relative(&bytes, 4), 40 - 4 - 4);
    assert_eq!(relative(&bytes, 8), 0x100 - 8);
    assert_eq!(absolute(&bytes, 16), BASE - 0x1000);
    assert_eq!(absolute(&bytes, 24), BASE + 9);
    assert_eq!(absolute(&bytes, 32), 0);
}

#[test]
fn reach_is_exact() {
    let at = |distance: i64| {
        let target = Target::Address(BASE.wrapping_add_signed(distance as isize));
        emit_to(&draft(4, &[(0, Relative4, target, -4)]), &near())
    };
    let edge = i64::from(i32::MAX) + 4;
    assert_eq!(relative(&at(edge).unwrap(), 0), i32::MAX);
    assert!(matches!(at(edge + 1).unwrap_err().kind(), ErrorKind::OutOfReach { .. }));
    let edge = i64::from(i32::MIN) + 4;
    assert_eq!(relative(&at(edge).unwrap(), 0), i32::MIN);
    assert!(at(edge - 1).is_err());
}

#[test]
fn cells_out_of_reach_get_one_veneer_each() {
    let far = reach(0x1000..0x1000 + 4 * CELL_BYTES, i32::MAX as usize);
    let draft = draft(
        13,
        &[
            (0, Relative4, Target::Cell(3), -4),
            (4, Relative4, Target::Cell(1), -4),
            (8, Relative4, Target::Cell(3), -5),
        ],
    );
    assert_eq!((size_near(&draft), size_far(&draft)), (13, 16 + 2 * 24));
    let bytes = emit_to(&draft, &far).unwrap();
    assert_eq!(bytes.len(), size_far(&draft));
    for (field, addend, slot, cell) in [(0, 4, 16, 3), (4, 4, 40, 1), (8, 5, 16, 3)] {
        assert_eq!(field as i32 + addend + relative(&bytes, field), slot);
        let slot = slot as usize;
        assert_eq!(absolute(&bytes, slot), BASE + slot + 8);
        assert_eq!(bytes[slot + 8..slot + 10], [0x48, 0xb8]);
        assert_eq!(absolute(&bytes, slot + 10), 0x1000 + cell * CELL_BYTES);
        assert_eq!(bytes[slot + 18..slot + 20], [0xff, 0x20]);
    }
}

#[test]
fn a_reach_limit_forces_veneers() {
    let draft = draft(4, &[(0, Relative4, Target::Cell(0), -4)]);
    let limited = reach(near().cells, 0xfff);
    assert_eq!(emit_to(&draft, &limited).unwrap().len(), 8 + 24);
    assert_eq!(emit_to(&draft, &reach(near().cells, 0x1000)).unwrap().len(), 4);
}

#[test]
fn reach_of_a_whole_range() {
    let cells = reach(1000..1100, 500);
    assert!(cells.covers(&(1100..1500)));
    assert!(!cells.covers(&(1100..1501)));
    assert!(cells.covers(&(600..900)));
    assert!(!cells.covers(&(599..900)));
    assert!(reach(0..0, 1).covers(&(1 << 40..1 << 41)));
}

#[test]
fn bad_drafts_are_errors() {
    for (offset, kind, target) in [
        (37, Relative4, Target::Own(0)),
        (33, Absolute8, Target::Own(0)),
        (u32::MAX, Absolute8, Target::Own(0)),
        (0, Relative4, Target::Own(41)),
        (0, Relative4, Target::Cell(4)),
        (0, Absolute8, Target::Cell(u32::MAX)),
    ] {
        let error = emit_to(&draft(40, &[(offset, kind, target, 0)]), &near()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::BadDraft { .. }), "{error}");
    }
    let no_cells = reach(0..0, 1);
    assert!(emit_to(&draft(8, &[(0, Absolute8, Target::Cell(0), 0)]), &no_cells).is_err());
}
