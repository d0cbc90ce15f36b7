use super::*;
use crate::draft::{Handler, Safepoint, TrapSite};

fn pack(tables: &SideTables, length: u32) -> Result<Tables> {
    Packer::default().pack(tables, length)
}

fn trap(offset: u32, code: u8) -> TrapSite {
    TrapSite { offset, code }
}

fn sample() -> SideTables {
    let slot = |frame_offset, kind| Slot { frame_offset, kind };
    SideTables {
        traps: (0..9).map(|i| trap(10 * i, 100 + i as u8)).collect(),
        positions: vec![
            Position { offset: 4, position: 1000 },
            Position { offset: 40, position: Position::NONE },
            Position { offset: 60, position: 1001 },
        ],
        safepoints: vec![
            Safepoint { offset: 20, slots: vec![slot(-8, 1), slot(16, 2)] },
            Safepoint { offset: 30, slots: vec![] },
            Safepoint { offset: 100, slots: vec![slot(i32::MIN, 255)] },
        ],
        handlers: vec![
            Handler { offset: 20, handler: 90, tag: 7 },
            Handler { offset: 20, handler: 91, tag: 8 },
            Handler { offset: 100, handler: 92, tag: u32::MAX },
        ],
        notes: b"odd".to_vec(),
    }
}

#[test]
fn everything_is_found_again() {
    let tables = pack(&sample(), 100).unwrap();
    for trap in sample().traps {
        assert_eq!(tables.trap_at(trap.offset), Some(trap.code));
        assert_eq!(tables.trap_at(trap.offset + 1), None);
    }
    for (offset, position) in
        [(0, None), (3, None), (4, Some(1000)), (39, Some(1000)), (40, None), (60, Some(1001))]
    {
        assert_eq!(tables.position_at(offset), position, "{offset}");
    }
    assert_eq!(tables.position_at(99), Some(1001));
    for safepoint in sample().safepoints {
        let view = tables.safepoint_at(safepoint.offset).unwrap();
        assert_eq!(view.slots().collect::<Vec<_>>(), safepoint.slots);
        assert!(tables.safepoint_at(safepoint.offset - 1).is_none());
    }
    let handlers = |offset| tables.handlers_at(offset).collect::<Vec<_>>();
    assert_eq!(handlers(20), [(90, 7), (91, 8)]);
    assert_eq!(handlers(21), []);
    assert_eq!(handlers(100), [(92, u32::MAX)]);
    assert!(tables.notes().eq(*b"odd"));
}

#[test]
fn no_tables_need_no_block() {
    let tables = pack(&SideTables::default(), 1).unwrap();
    assert_eq!(tables.bytes(), 0);
    assert_eq!(tables.trap_at(0), None);
    assert_eq!(tables.position_at(0), None);
    assert!(tables.safepoint_at(0).is_none());
    assert_eq!(tables.handlers_at(0).count(), 0);
}

#[test]
fn one_table_alone() {
    let traps = SideTables { traps: vec![trap(5, 9)], ..SideTables::default() };
    let tables = pack(&traps, 6).unwrap();
    // The header, a count with one checkpoint, and a count of nothing.
    assert_eq!(tables.bytes(), 4 * (5 + (1 + 3) + 1));
    assert_eq!((tables.trap_at(5), tables.position_at(5)), (Some(9), None));
}

#[test]
fn bad_tables_are_errors() {
    let outside = SideTables { traps: vec![trap(6, 9)], ..SideTables::default() };
    assert!(pack(&outside, 6).is_err());
    let unsorted = SideTables { traps: vec![trap(3, 9), trap(2, 9)], ..SideTables::default() };
    assert!(pack(&unsorted, 6).is_err());
    let twice = SideTables { traps: vec![trap(3, 9), trap(3, 9)], ..SideTables::default() };
    assert!(pack(&twice, 6).is_err());
    let handler = Handler { offset: 1, handler: 6, tag: 0 };
    let handlers = SideTables { handlers: vec![handler], ..SideTables::default() };
    assert!(pack(&handlers, 6).is_err());
}
