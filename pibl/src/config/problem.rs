//! A complaint about the configuration: place, title, way out.
//!
//! `file` and `resolved` make them, `cli` prints them. They never end the program by themselves.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong with what the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    place: Option<Place>,
    title: String,
    way_out: String,
}

/// Every problem that was found, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    file: String,
    line: usize,
    column: usize,
    text: String,
    length: usize,
}

impl Problem {
    /// A problem that has no place in a file.
    pub fn new(title: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { place: None, title: title.into(), way_out: way_out.into() }
    }

    /// The same problem, found at these bytes of a file.
    pub fn at(mut self, file: &str, text: &str, span: Range<usize>) -> Self {
        let start = span.start.min(text.len());
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |position| position + 1);
        let line_text = text[line_start..].lines().next().unwrap_or_default();
        self.place = Some(Place {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: line_text.to_owned(),
            length: span.len().clamp(1, (line_start + line_text.len()).saturating_sub(start).max(1)),
        });
        self
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error: {}", self.title)?;
        if let Some(place) = &self.place {
            let margin = place.line.to_string().len();
            write!(formatter, "\n{:margin$}--> {}:{}:{}", "", place.file, place.line, place.column)?;
            write!(formatter, "\n{:margin$} |\n{} | {}", "", place.line, place.text)?;
            let blank = " ".repeat(place.column - 1);
            write!(formatter, "\n{:margin$} | {blank}{}", "", "^".repeat(place.length))?;
        }
        write!(formatter, "\n  help: {}", self.way_out)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n\n")?;
            }
            problem.fmt(formatter)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_place_line_and_way_out() {
        let text = "port = 8080\nttl = \"60\"\n";
        let problem = Problem::new("a unit is missing", "write \"60s\"").at("pibl.toml", text, 18..22);
        assert_eq!(
            problem.to_string(),
            "error: a unit is missing\n --> pibl.toml:2:7\n  |\n2 | ttl = \"60\"\n  |       ^^^^\n  help: write \"60s\""
        );
    }
}
