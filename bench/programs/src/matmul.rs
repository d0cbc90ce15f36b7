//! Product of two square matrices of `size` rows. 64-bit floats from memory; three nested loops.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: matmul SIZE")
}

fn run(size: u64) -> u64 {
    let rows = size as usize;
    let left = matrix(rows, 17);
    let right = matrix(rows, 43);
    let mut product = vec![0.0; rows * rows];
    multiply(&left, &right, &mut product, rows);
    product.iter().fold(0, |sum: u64, cell: &f64| sum.rotate_left(5) ^ cell.to_bits())
}

fn matrix(rows: usize, seed: usize) -> Vec<f64> {
    (0..rows * rows).map(|cell| ((cell * seed) % 1009) as f64 / 64.0 - 7.5).collect()
}

fn multiply(left: &[f64], right: &[f64], product: &mut [f64], rows: usize) {
    for row in 0..rows {
        let target = &mut product[row * rows..][..rows];
        for middle in 0..rows {
            let factor = left[row * rows + middle];
            let source = &right[middle * rows..][..rows];
            for (cell, value) in target.iter_mut().zip(source) {
                *cell += factor * value;
            }
        }
    }
}
