//! Binary trees built, changed and dropped, `size` times. The allocator, pointers, recursion.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: tree SIZE")
}

struct Node {
    key: u32,
    count: u32,
    left: Option<Box<Node>>,
    right: Option<Box<Node>>,
}

fn run(size: u64) -> u64 {
    let mut sum = 0_u64;
    let mut seed = 12345_u64;
    for _ in 0..size {
        let mut root = None;
        for _ in 0..1000 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            insert(&mut root, (seed >> 52) as u32);
        }
        for key in (0..4096).step_by(7) {
            sum = sum.wrapping_add(u64::from(count(root.as_deref(), key)));
        }
        sum = sum.rotate_left(3) ^ hash(root.as_deref());
    }
    sum
}

fn insert(mut place: &mut Option<Box<Node>>, key: u32) {
    while let Some(node) = place {
        if node.key == key {
            node.count += 1;
            return;
        }
        place = if key < node.key { &mut node.left } else { &mut node.right };
    }
    *place = Some(Box::new(Node { key, count: 1, left: None, right: None }));
}

fn count(mut place: Option<&Node>, key: u32) -> u32 {
    while let Some(node) = place {
        if node.key == key {
            return node.count;
        }
        place = if key < node.key { node.left.as_deref() } else { node.right.as_deref() };
    }
    0
}

fn hash(place: Option<&Node>) -> u64 {
    place.map_or(1, |node| {
        let (left, right) = (hash(node.left.as_deref()), hash(node.right.as_deref()));
        left.wrapping_mul(31).wrapping_add(right.rotate_left(7)) ^ u64::from(node.key)
    })
}
