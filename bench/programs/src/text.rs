//! Works on text in several scripts, `size` times: counts words, turns them around, changes case,
//! searches, formats numbers. UTF-8, strings, ordered maps, the standard library.

use std::collections::BTreeMap;
use std::fmt::Write;

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: text SIZE")
}

const ALPHABETS: [&str; 4] =
    ["etaoinshrdlu", "äöüßéèñçåøæœ", "абвгдеёжзийк", "日本語文字列検索速度試"];

fn run(size: u64) -> u64 {
    let mut seed = 362_436_069_u64;
    let mut sum = 0_u64;
    for round in 0..size {
        let text = text(&mut seed);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for word in text.split_whitespace() {
            *counts.entry(word).or_default() += 1;
        }
        let mut report = String::new();
        for (word, count) in &counts {
            let turned: String = word.chars().rev().collect();
            write!(report, "{turned}={count:>3};").expect("a string takes everything");
        }
        report.push_str(&text.to_uppercase());
        let found = text.matches("ta").count() + report.find("Я").unwrap_or(report.len());
        let half = text.char_indices().nth(500).map_or(0, |(place, _)| place);
        sum = hash(&report).rotate_left(round as u32 % 64) ^ sum.wrapping_mul(3);
        sum = sum.wrapping_add(found as u64 * 65537 + half as u64);
    }
    sum
}

fn random(seed: &mut u64) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 33) as usize
}

fn text(seed: &mut u64) -> String {
    let mut text = String::new();
    for _ in 0..400 {
        let letters = ALPHABETS[(random(seed) % 7).saturating_sub(3)];
        for _ in 0..1 + random(seed) % 4 {
            text.extend(letters.chars().nth(random(seed) % 11));
        }
        text.push(' ');
    }
    text
}

fn hash(text: &str) -> u64 {
    text.chars()
        .fold(5381, |hash: u64, letter| hash.wrapping_mul(33) ^ u64::from(u32::from(letter)))
}
