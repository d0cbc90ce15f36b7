//! Counts the words of the files in a directory and writes the result to a file there.
//!
//! Arguments: the directory (default `.`) and the name of the result (default `words.txt`).

use std::{collections::BTreeMap, error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| ".".to_owned());
    let result = arguments.next().unwrap_or_else(|| "words.txt".to_owned());

    let mut words = BTreeMap::<String, usize>::new();
    let mut files = 0;
    for entry in fs::read_dir(&directory)? {
        let path = entry?.path();
        if !path.is_file() || path.ends_with(&result) {
            continue;
        }
        files += 1;
        let text = String::from_utf8_lossy(&fs::read(&path)?).to_lowercase();
        for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
            *words.entry(word.to_owned()).or_default() += 1;
        }
    }

    let mut ranked: Vec<_> = words.iter().collect();
    ranked.sort_by_key(|&(word, &count)| (std::cmp::Reverse(count), word));
    let mut report = String::new();
    for (word, count) in &ranked {
        writeln!(report, "{count:7} {word}")?;
    }
    let target = Path::new(&directory).join(&result);
    fs::write(&target, report)?;

    println!("{files} files, {} different words, written to {}", ranked.len(), target.display());
    for (word, count) in ranked.iter().take(5) {
        println!("{count:7} {word}");
    }
    Ok(())
}
