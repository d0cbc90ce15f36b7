//! Sorts 20,000 records `size` times: a quicksort and a heapsort of ours, and the library's stable
//! sort by a closure. Comparisons, swaps, branches that can't be foretold.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: sort SIZE")
}

const MANY: usize = 20_000;

fn run(size: u64) -> u64 {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut sum = 0_u64;
    for round in 0..size {
        let mut numbers: Vec<u32> = (0..MANY).map(|_| random(&mut seed)).collect();
        let mut records: Vec<(u32, u64)> =
            numbers.iter().zip(0..).map(|(&number, place)| (number % 5000, place)).collect();
        if round % 2 == 0 {
            quicksort(&mut numbers);
        } else {
            heapsort(&mut numbers);
        }
        assert!(numbers.is_sorted(), "not sorted");
        records.sort_by(|left, right| right.0.cmp(&left.0));
        sum = numbers
            .iter()
            .step_by(97)
            .fold(sum, |sum, &number| sum.rotate_left(3) ^ u64::from(number));
        sum = records.iter().fold(sum, |sum, record| sum.wrapping_mul(5).wrapping_add(record.1));
    }
    sum
}

fn random(seed: &mut u64) -> u32 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 20) as u32
}

fn quicksort(numbers: &mut [u32]) {
    if numbers.len() < 12 {
        insertion_sort(numbers);
        return;
    }
    let last = numbers.len() - 1;
    let pivot = middle(numbers[0], numbers[last / 2], numbers[last]);
    let (mut low, mut high) = (0, last);
    loop {
        while numbers[low] < pivot {
            low += 1;
        }
        while numbers[high] > pivot {
            high -= 1;
        }
        if low >= high {
            break;
        }
        numbers.swap(low, high);
        low += 1;
        high -= 1;
    }
    let (left, right) = numbers.split_at_mut(low);
    quicksort(left);
    quicksort(right);
}

fn middle(a: u32, b: u32, c: u32) -> u32 {
    a.min(b).max(a.max(b).min(c))
}

fn insertion_sort(numbers: &mut [u32]) {
    for end in 1..numbers.len() {
        let mut place = end;
        while place > 0 && numbers[place - 1] > numbers[place] {
            numbers.swap(place - 1, place);
            place -= 1;
        }
    }
}

fn heapsort(numbers: &mut [u32]) {
    for root in (0..numbers.len() / 2).rev() {
        sink(numbers, root);
    }
    for end in (1..numbers.len()).rev() {
        numbers.swap(0, end);
        sink(&mut numbers[..end], 0);
    }
}

fn sink(heap: &mut [u32], mut root: usize) {
    loop {
        let mut child = root * 2 + 1;
        if child >= heap.len() {
            return;
        }
        if child + 1 < heap.len() && heap[child + 1] > heap[child] {
            child += 1;
        }
        if heap[root] >= heap[child] {
            return;
        }
        heap.swap(root, child);
        root = child;
    }
}
