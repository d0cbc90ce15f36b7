use super::*;

fn pool(ranges: &[Range<usize>]) -> Pool {
    let mut pool = Pool::new();
    ranges.iter().for_each(|range| {
        pool.merge(range.clone());
    });
    pool
}

fn check(pool: &Pool, expected: &[Range<usize>]) {
    assert_eq!(pool.ranges().collect::<Vec<_>>(), expected);
    assert_eq!(pool.bytes(), expected.iter().map(ExactSizeIterator::len).sum());
    // [POOL-APART]
    for pair in expected.windows(2) {
        assert!(pair[0].end < pair[1].start);
    }
    // [POOL-HINT]
    for (class, &hint) in pool.hints.iter().enumerate() {
        for range in pool.ranges().filter(|range| range.start < hint) {
            assert!(range.len() >> class == 0, "class {class}: {range:?} lies below {hint}");
        }
    }
}

#[test]
fn construct_empty() {
    let mut pool = Pool::new();
    check(&pool, &[]);
    assert_eq!(pool.allocate(1), None);
    pool.merge(1..5);
    check(&pool, &[1..5]);
}

#[test]
fn construct_with_range() {
    check(&Pool::with(1..5), &[1..5]);
}

#[test]
fn simple_extract() {
    let mut pool = Pool::with(1..5);
    assert_eq!(pool.allocate(2), Some(1..3));
    check(&pool, &[3..5]);
    assert_eq!(pool.merge(1..3), 1..5);
    check(&pool, &[1..5]);
}

#[test]
fn extract_all() {
    let mut pool = Pool::with(1..5);
    assert_eq!(pool.allocate(4), Some(1..5));
    check(&pool, &[]);
    pool.merge(1..5);
    check(&pool, &[1..5]);
}

#[test]
fn fail_to_extract() {
    let mut pool = Pool::with(1..5);
    assert_eq!(pool.allocate(5), None);
    check(&pool, &[1..5]);
}

#[test]
fn fail_to_extract_exact_does_not_glue() {
    let mut pool = pool(&[1..5, 10..14]);
    assert_eq!(pool.allocate(5), None);
    check(&pool, &[1..5, 10..14]);
}

#[test]
fn extract_exact() {
    let mut pool = pool(&[1..5, 10..15]);
    assert_eq!(pool.allocate(5), Some(10..15));
    check(&pool, &[1..5]);
}

#[test]
fn merging_both_sides() {
    let mut pool = pool(&[10..15, 20..25]);
    assert_eq!(pool.merge(15..20), 10..25);
    check(&pool, &[10..25]);
}

#[test]
fn merging_first() {
    let mut pool = pool(&[10..15, 20..25]);
    assert_eq!(pool.merge(5..10), 5..15);
    check(&pool, &[5..15, 20..25]);
}

#[test]
fn merging_above() {
    let mut pool = pool(&[10..15, 25..30]);
    assert_eq!(pool.merge(20..25), 20..30);
    check(&pool, &[10..15, 20..30]);
}

#[test]
fn merging_more() {
    let mut pool = pool(&[10..15, 20..25, 30..35]);
    pool.merge(15..20);
    pool.merge(25..30);
    check(&pool, &[10..35]);
}

#[test]
fn merging_skip() {
    let mut pool = pool(&[10..15, 20..25, 30..35]);
    assert_eq!(pool.merge(25..30), 20..35);
    check(&pool, &[10..15, 20..35]);
}

#[test]
fn merging_skip_larger_source() {
    let mut pool = pool(&[10..15, 20..25, 30..35]);
    assert_eq!(pool.merge(35..45), 30..45);
    check(&pool, &[10..15, 20..25, 30..45]);
}

#[test]
fn merging_skip_larger_source_with_gap() {
    let mut pool = pool(&[10..15, 20..25, 30..35]);
    assert_eq!(pool.merge(36..40), 36..40);
    check(&pool, &[10..15, 20..25, 30..35, 36..40]);
}

#[test]
fn allocate_in_region() {
    let all = [10..20, 30..40, 50..60];
    let mut at_front = pool(&all);
    assert_eq!(at_front.allocate_in(4, 5..24), Some(10..14));
    check(&at_front, &[14..20, 30..40, 50..60]);

    let mut in_middle = pool(&all);
    assert_eq!(in_middle.allocate_in(4, 33..37), Some(33..37));
    check(&in_middle, &[10..20, 30..33, 37..40, 50..60]);

    let mut at_back = pool(&all);
    assert_eq!(at_back.allocate_in(5, 35..55), Some(35..40));
    check(&at_back, &[10..20, 30..35, 50..60]);

    let mut second = pool(&all);
    assert_eq!(second.allocate_in(6, 15..36), Some(30..36));
    check(&second, &[10..20, 36..40, 50..60]);

    let mut exact = pool(&all);
    assert_eq!(exact.allocate_in(10, 30..40), Some(30..40));
    check(&exact, &[10..20, 50..60]);

    let mut none = pool(&all);
    assert_eq!(none.allocate_in(6, 15..35), None);
    assert_eq!(none.allocate_in(1, 20..30), None);
    assert_eq!(none.allocate_in(1, 60..90), None);
    assert_eq!(none.allocate_in(1, 40..40), None);
    check(&none, &all);
}

#[test]
fn take_wants_all_of_it() {
    let mut pool = pool(&[10..20, 30..40]);
    assert!(!pool.take(15..25));
    assert!(!pool.take(5..15));
    assert!(!pool.take(10..40));
    assert!(!pool.take(12..12));
    check(&pool, &[10..20, 30..40]);
    assert!(pool.take(12..18));
    check(&pool, &[10..12, 18..20, 30..40]);
}

#[test]
fn pool_hint_first_fit_by_address_holds_with_holes() {
    // Against a list that is searched from its start, with a fixed pseudo-random sequence.
    let mut pool = Pool::with(0..1 << 16);
    let (mut taken, mut seed) = (Vec::new(), 1_u64);
    for _ in 0..4000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = (seed >> 33) as usize;
        if random.is_multiple_of(3) && !taken.is_empty() {
            let range: Range<usize> = taken.swap_remove(random % taken.len());
            pool.merge(range);
        } else {
            let size = random % 300 + 1;
            let expected = pool.ranges().find(|free| size <= free.len());
            let got = pool.allocate(size);
            assert_eq!(got.clone().map(|range| range.start), expected.map(|free| free.start));
            taken.extend(got);
        }
    }
    let free: Vec<_> = pool.ranges().collect();
    check(&pool, &free);
    taken.into_iter().for_each(|range| {
        pool.merge(range);
    });
    check(&pool, &[0..1 << 16]);
}
