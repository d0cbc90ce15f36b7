//! The table: what was measured, how much it was, how much it may be.

use std::fmt;

/// All rows.
#[derive(Debug, Default)]
pub struct Table(Vec<Row>);

/// One figure, or the reason why there is none.
#[derive(Debug)]
pub struct Row {
    what: String,
    unit: Unit,
    measured: Result<f64, String>,
    limit: Option<f64>,
}

/// Unit of a figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// How many times as much as something else.
    Times,
    /// 2^20 bytes.
    Mebibytes,
}

impl Table {
    /// Adds a row.
    pub fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// Number of rows whose figure is over its limit.
    pub fn over(&self) -> usize {
        self.0.iter().filter(|row| row.verdict() == "over").count()
    }
}

impl Row {
    /// A figure.
    pub fn new(what: impl Into<String>, unit: Unit, measured: f64) -> Self {
        Self { what: what.into(), unit, measured: Ok(measured), limit: None }
    }

    /// A figure that could not be measured.
    pub fn skipped(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), unit: Unit::Times, measured: Err(why.into()), limit: None }
    }

    /// How much it may be.
    pub fn at_most(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    fn verdict(&self) -> &'static str {
        match (&self.measured, self.limit) {
            (Err(_), _) => "skipped",
            (Ok(_), None) => "",
            (Ok(measured), Some(limit)) if *measured <= limit => "pass",
            (Ok(_), Some(_)) => "over",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.0.iter().map(|row| row.what.len()).max().unwrap_or(0).max(4);
        writeln!(f, "| {:widest$} | {:>10} | {:>8} |         |", "what", "measured", "at most")?;
        writeln!(f, "|-{0:-<widest$}-|-{0:-<9}-:|-{0:-<7}-:|---------|", "")?;
        for row in &self.0 {
            let (measured, why) = match &row.measured {
                Ok(measured) => (row.unit.show(*measured), ""),
                Err(why) => (String::new(), why.as_str()),
            };
            let limit = row.limit.map_or(String::new(), |limit| row.unit.show(limit));
            let (what, verdict) = (&row.what, row.verdict());
            writeln!(f, "| {what:widest$} | {measured:>10} | {limit:>8} | {verdict:7} | {why}")?;
        }
        Ok(())
    }
}

impl Unit {
    fn show(self, number: f64) -> String {
        let (digits, name) = match self {
            Self::Nanoseconds => (1, " ns"),
            Self::Microseconds => (2, " us"),
            Self::Milliseconds => (2, " ms"),
            Self::Times => (2, "x"),
            Self::Mebibytes => (1, " MiB"),
        };
        format!("{number:.digits$}{name}")
    }
}

#[test]
fn rows_know_whether_they_pass() {
    let mut table = Table::default();
    table.add(Row::new("a", Unit::Times, 1.0).at_most(1.0));
    table.add(Row::new("b", Unit::Nanoseconds, 7.0).at_most(6.0));
    table.add(Row::skipped("c", "no file"));
    assert_eq!(table.over(), 1);
    let text = table.to_string();
    assert!(text.contains("| b    |     7.0 ns |   6.0 ns | over"), "{text}");
    assert!(text.contains("skipped | no file"), "{text}");
}
