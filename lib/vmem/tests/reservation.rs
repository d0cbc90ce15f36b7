//! Address space for data.

mod support;

use support::{mappings_in, reason, resident_pages};
use vmem::{ErrorKind, FaultKind, FaultPlan, Reservation, page_size};

/// A byte of a reservation.
fn load(space: &Reservation, offset: usize) -> u8 {
    // SAFETY: the tests load what is committed.
    unsafe { space.base().wrapping_add(offset).read() }
}

fn store(space: &Reservation, offset: usize, value: u8) {
    // SAFETY: the tests store to what is committed.
    unsafe { space.base().wrapping_add(offset).write(value) }
}

#[test]
fn alignment_and_size_are_as_wanted() {
    for align in [1, page_size(), 1 << 20, 1 << 31] {
        let space = Reservation::reserve(3 * page_size() - 1, align, None).unwrap();
        assert!(space.base().addr().is_multiple_of(align));
        assert_eq!(space.len(), 3 * page_size());
        assert_eq!(space.committed(), 0);
    }
}

#[test]
fn only_what_is_committed_is_accessible() {
    let page = page_size();
    let space = Reservation::reserve(8 * page, 1, None).unwrap();
    space.commit(2 * page..4 * page).unwrap();
    assert_eq!(space.committed(), 2 * page);
    let start = space.base().expose_provenance();
    for offset in 0..8 {
        let writable = support::is_writable(start + offset * page);
        assert_eq!(writable, (2..4).contains(&offset), "page {offset}");
    }
}

#[test]
fn decommitting_gives_memory_back_and_committing_again_reads_zeros() {
    let page = page_size();
    let space = Reservation::reserve(64 * page, 1, None).unwrap();
    let start = space.base().expose_provenance();
    space.commit(0..64 * page).unwrap();
    (0..64).for_each(|index| store(&space, index * page, 7));
    assert_eq!(resident_pages(start..start + 64 * page), 64);
    space.decommit(16 * page..48 * page).unwrap();
    assert_eq!(resident_pages(start..start + 64 * page), 32);
    assert_eq!(space.committed(), 32 * page);
    assert!(!support::is_writable(start + 16 * page));
    space.commit(16 * page..48 * page).unwrap();
    assert!((0..64).all(|index| load(&space, index * page) == 7 * u8::from(index / 16 % 3 == 0)));
}

/// In a child, where no other test reserves anything meanwhile.
#[test]
fn alignment_keeps_no_address_space() {
    let ended = support::in_child(|| {
        let pages = || {
            let text = std::fs::read_to_string("/proc/self/statm").unwrap();
            text.split(' ').next().unwrap().parse::<usize>().unwrap()
        };
        let before = pages();
        let space = Reservation::reserve(page_size(), 1 << 40, None).unwrap();
        assert!(pages() - before < 1 << 16, "the rest of the slack has gone back");
        drop(space);
    });
    assert_eq!(ended, support::Ended::Well);
}

#[test]
fn dropping_gives_the_address_space_back() {
    let space = Reservation::reserve(1 << 30, 1 << 30, None).unwrap();
    let range = space.base().addr()..space.base().addr() + space.len();
    assert_eq!(mappings_in(&range).len(), 1);
    drop(space);
    // Another test may have got a part of it by now, but not the whole.
    assert!(mappings_in(&range).iter().all(|mapping| mapping.range != range));
}

#[test]
fn wrong_requests_are_errors() {
    let page = page_size();
    let space = Reservation::reserve(8 * page, 1, None).unwrap();
    space.commit(2 * page..4 * page).unwrap();
    let (start, committed) = (space.base().addr(), space.committed());
    let address = |offset: usize| start + offset;

    let wanted = address(0)..address(9 * page);
    let valid = address(0)..address(8 * page);
    assert_eq!(reason(space.commit(0..9 * page)), ErrorKind::OutOfRange { wanted, valid });
    assert!(matches!(reason(space.commit(0..usize::MAX)), ErrorKind::OutOfRange { .. }));
    let backwards = std::ops::Range { start: page, end: 0 };
    assert!(matches!(reason(space.commit(backwards)), ErrorKind::OutOfRange { .. }));
    let wanted = address(1)..address(page);
    assert_eq!(reason(space.commit(1..page)), ErrorKind::Misaligned { wanted, unit: page });
    let wanted = address(0)..address(3 * page);
    assert_eq!(reason(space.commit(0..3 * page)), ErrorKind::AlreadyCommitted { wanted });
    let wanted = address(3 * page)..address(5 * page);
    assert_eq!(reason(space.decommit(3 * page..5 * page)), ErrorKind::NotCommitted { wanted });
    assert_eq!(space.committed(), committed);

    space.commit(page..page).unwrap();
    space.decommit(page..page).unwrap();
    assert_eq!(space.committed(), committed);
}

#[test]
fn impossible_sizes_are_errors() {
    let wanted = |bytes, align| reason(Reservation::reserve(bytes, align, None));
    assert_eq!(wanted(0, 1), ErrorKind::BadRequest { bytes: 0, align: 1 });
    assert_eq!(wanted(1, 3), ErrorKind::BadRequest { bytes: 1, align: 3 });
    assert!(matches!(wanted(usize::MAX, 1), ErrorKind::BadRequest { .. }));
    let large = wanted(1 << 60, 1);
    assert!(matches!(large, ErrorKind::System { call: "mmap", errno: libc::ENOMEM, .. }));
    let aligned = wanted(1 << 63, 1 << 63);
    assert!(matches!(aligned, ErrorKind::System { call: "mmap", errno: libc::ENOMEM, .. }));
}

#[test]
fn planned_faults_change_nothing() {
    let page = page_size();
    let plan = FaultPlan::fail_nth(FaultKind::Reserve, 1);
    let reserve = || Reservation::reserve(4 * page, 1, Some(plan.clone()));
    assert_eq!(reason(reserve()), ErrorKind::Fault { kind: FaultKind::Reserve });
    let space = reserve().unwrap();

    plan.arm(FaultKind::Commit, 1);
    assert_eq!(reason(space.commit(0..page)), ErrorKind::Fault { kind: FaultKind::Commit });
    assert_eq!(space.committed(), 0);
    space.commit(0..page).unwrap();
    store(&space, 0, 9);

    plan.arm(FaultKind::Decommit, 1);
    assert_eq!(reason(space.decommit(0..page)), ErrorKind::Fault { kind: FaultKind::Decommit });
    assert_eq!((space.committed(), load(&space, 0)), (page, 9));
    space.decommit(0..page).unwrap();
    assert_eq!(space.committed(), 0);
}

#[test]
fn hammer_threads_commit_and_decommit_neighbours() {
    let page = page_size();
    let space = Reservation::reserve(8 * page, 1, None).unwrap();
    // A pointer is not `Sync`; the reservation is.
    sync::hammer(4, 200, |thread, round| {
        let own = 2 * thread * page..2 * (thread + 1) * page;
        space.commit(own.clone()).unwrap();
        assert_eq!(load(&space, own.start), 0);
        store(&space, own.start, round as u8 | 1);
        store(&space, own.end - 1, 1);
        space.decommit(own).unwrap();
    });
    assert_eq!(space.committed(), 0);
}
