//! When the program spoke its last words, and beside which exchanges.
//!
//! The record marks how much had been printed at which moment; a word belongs to the first mark that covers it.

use fake_backends::clock::Moment;

use crate::last_words::{LastWords, spoken};
use harness_model::history::{EventKind, Record, SourcePlace};

/// Last words, and when they were printed at the latest.
#[derive(Clone, Debug)]
pub struct Heard {
    /// What was said.
    pub words: LastWords,
    /// When it had reached us.
    pub at: Moment,
    /// The first line of the submission in it.
    pub place: Option<SourcePlace>,
}

/// All last words of a run.
pub fn heard(record: &Record) -> Vec<Heard> {
    let marks: Vec<(usize, Moment)> = marks(record).collect();
    let source = &record.beside.source;
    let timed = |words: LastWords| {
        let mark = marks.iter().find(|(until, _)| *until >= words.until)?;
        let place = words.place(source);
        Some(Heard { words, at: mark.1, place })
    };
    spoken(&record.beside.printed).into_iter().filter_map(timed).collect()
}

/// What was printed from one moment to another, as far as it is kept: a range of bytes of the output.
pub fn printed_between(record: &Record, from: Moment, until: Moment) -> &[u8] {
    let mut before = 0;
    let (mut first, mut last) = (None, 0);
    for (end, at) in marks(record) {
        if at >= from && at <= until {
            first.get_or_insert(before);
            last = end;
        }
        before = end;
    }
    let printed = &record.beside.printed;
    first.and_then(|first: usize| printed.get(first..last.min(printed.len()))).unwrap_or_default()
}

fn marks(record: &Record) -> impl Iterator<Item = (usize, Moment)> + '_ {
    record.events.iter().filter_map(|event| match event.event {
        EventKind::Printed { until } => Some((usize::try_from(until).ok()?, event.at)),
        _ => None,
    })
}
