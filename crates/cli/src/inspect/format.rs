//! Numbers for people.
#![forbid(unsafe_code)]

/// Bytes in a unit that leaves three digits or so.
pub(super) fn bytes(count: usize) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    // What would be printed as 1000.0 or more is one of the next.
    while 999.95 <= value && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if value < 9.995 { 2 } else { 1 };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A number with its digits in groups.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place != 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of a thing.
pub(super) fn counted(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Microseconds in a unit that leaves three digits or so.
pub(super) fn time(microseconds: u64) -> String {
    let value = microseconds as f64;
    match microseconds {
        0..1000 => format!("{microseconds} us"),
        1000..1_000_000 => format!("{:.1} ms", value / 1e3),
        _ => format!("{:.2} s", value / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_few_digits() {
        let expected = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (10 << 10, "10.0 KiB"),
            (1023 << 10, "1.00 MiB"),
            (27_784_813, "26.5 MiB"),
            (1 << 30, "1.00 GiB"),
            (usize::MAX, "16777216.0 TiB"),
        ];
        for (size, text) in expected {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn digits_are_grouped() {
        let numbers = [0, 12, 123, 1234, 123_456, 1_234_567].map(count);
        assert_eq!(numbers, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
        assert_eq!(counted(1, "import"), "1 import");
        assert_eq!(counted(1000, "import"), "1,000 imports");
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!([999, 1000, 1_500_000].map(time), ["999 us", "1.0 ms", "1.50 s"]);
    }
}
