//! Writes a JSON document, parses it into a tree, walks the tree and writes it again; `size` times.
//! Bytes, branches, recursion, strings, the allocator.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: json SIZE")
}

enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

fn run(size: u64) -> u64 {
    let mut seed = 2_463_534_242_u64;
    let mut sum = 0_u64;
    for _ in 0..size {
        let mut document = String::new();
        write(&Value::List((0..20).map(|_| random_value(&mut seed, 0)).collect()), &mut document);
        let mut parser = Parser { bytes: document.as_bytes(), place: 0 };
        let value = parser.value().expect("a document that we wrote");
        let mut again = String::new();
        write(&value, &mut again);
        assert!(document == again, "the document changed");
        sum = sum.rotate_left(7) ^ hash(&value) ^ again.len() as u64;
    }
    sum
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed >> 9
}

fn random_text(seed: &mut u64) -> String {
    const LETTERS: [char; 16] =
        ['a', 'b', 'e', 'i', 'k', 'l', 'n', 'o', 'r', 's', 't', ' ', '"', '\n', 'é', '語'];
    (0..random(seed) % 24).map(|_| LETTERS[(random(seed) % 16) as usize]).collect()
}

fn random_value(seed: &mut u64, depth: u32) -> Value {
    match random(seed) % if depth < 4 { 10 } else { 6 } {
        0 => Value::Null,
        1 => Value::Bool(random(seed) % 2 == 0),
        2 => Value::Number((random(seed) % 100_000) as f64),
        3 => Value::Number(random(seed) as i32 as f64 / 256.0),
        4 | 5 => Value::Text(random_text(seed)),
        6 | 7 => {
            Value::List((0..random(seed) % 8).map(|_| random_value(seed, depth + 1)).collect())
        }
        _ => Value::Map(
            (0..random(seed) % 8)
                .map(|_| (random_text(seed), random_value(seed, depth + 1)))
                .collect(),
        ),
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => write_number(*number, out),
        Value::Text(text) => write_text(text, out),
        Value::List(list) => {
            out.push('[');
            for (place, value) in list.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (place, (key, value)) in map.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// All numbers here have at most eight binary places, which are as many decimal ones.
fn write_number(number: f64, out: &mut String) {
    let scaled = (number.abs() * 1e8) as u64;
    if number < 0.0 {
        out.push('-');
    }
    write_digits(scaled / 100_000_000, 1, out);
    let fraction = scaled % 100_000_000;
    if fraction > 0 {
        out.push('.');
        write_digits(fraction, 8, out);
    }
}

fn write_digits(mut number: u64, least: usize, out: &mut String) {
    let (mut digits, mut start) = ([b'0'; 20], 20);
    while number > 0 || 20 - start < least {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    for &digit in &digits[start..] {
        out.push(char::from(digit));
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            letter => out.push(letter),
        }
    }
    out.push('"');
}

struct Parser<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.place).copied()
    }

    fn expect(&mut self, word: &str) -> Option<()> {
        let found = self.bytes[self.place..].starts_with(word.as_bytes());
        self.place += word.len();
        found.then_some(())
    }

    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            b'n' => self.expect("null").map(|()| Value::Null),
            b't' => self.expect("true").map(|()| Value::Bool(true)),
            b'f' => self.expect("false").map(|()| Value::Bool(false)),
            b'"' => self.text().map(Value::Text),
            b'[' => self.list(),
            b'{' => self.map(),
            _ => self.number().map(Value::Number),
        }
    }

    fn list(&mut self) -> Option<Value> {
        let mut list = Vec::new();
        self.expect("[")?;
        while self.peek()? != b']' {
            if !list.is_empty() {
                self.expect(",")?;
            }
            list.push(self.value()?);
        }
        self.expect("]")?;
        Some(Value::List(list))
    }

    fn map(&mut self) -> Option<Value> {
        let mut map = Vec::new();
        self.expect("{")?;
        while self.peek()? != b'}' {
            if !map.is_empty() {
                self.expect(",")?;
            }
            let key = self.text()?;
            self.expect(":")?;
            map.push((key, self.value()?));
        }
        self.expect("}")?;
        Some(Value::Map(map))
    }

    fn text(&mut self) -> Option<String> {
        let mut text = Vec::new();
        self.expect("\"")?;
        loop {
            let byte = self.peek()?;
            self.place += 1;
            match byte {
                b'"' => return String::from_utf8(text).ok(),
                b'\\' => {
                    let escaped = self.peek()?;
                    self.place += 1;
                    text.push(if escaped == b'n' { b'\n' } else { escaped });
                }
                byte => text.push(byte),
            }
        }
    }

    fn number(&mut self) -> Option<f64> {
        let negative = self.peek()? == b'-';
        self.place += usize::from(negative);
        let (mut number, mut scale, mut fraction) = (0_u64, 1_u64, false);
        while let Some(byte) = self.peek() {
            match byte {
                b'0'..=b'9' => {
                    number = number * 10 + u64::from(byte - b'0');
                    scale *= if fraction { 10 } else { 1 };
                }
                b'.' if !fraction => fraction = true,
                _ => break,
            }
            self.place += 1;
        }
        let number = number as f64 / scale as f64;
        Some(if negative { -number } else { number })
    }
}

fn hash(value: &Value) -> u64 {
    fn text_hash(text: &str) -> u64 {
        text.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)))
    }
    match value {
        Value::Null => 1,
        Value::Bool(value) => 2 + u64::from(*value),
        Value::Number(number) => number.to_bits() >> 3,
        Value::Text(text) => text_hash(text),
        Value::List(list) => {
            list.iter().fold(5, |sum: u64, value| sum.rotate_left(5) ^ hash(value))
        }
        Value::Map(map) => map.iter().fold(6, |sum: u64, (key, value)| {
            sum.rotate_left(5) ^ text_hash(key).wrapping_add(hash(value))
        }),
    }
}
