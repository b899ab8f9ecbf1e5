//! Reads `events.jsonl` from its beginning, goes on as it grows, and turns each line into what the page is told.
//!
//! `server` runs one for each browser that looks on. A file is read no faster than its reader takes it, so nothing piles up; the
//! checks are asked about what has been read, at ends of steps, and the run never hears of it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use fake_backends::clock::Moment;
use harness_judge::check::{self, Verdict};
use harness_model::history::{self, Beside, Event, EventKind, Histograms, NOT_OVER, Record, names};
use harness_model::plan::Plan;
use harness_tell::language::Language;
use harness_tell::report::live::{Feed, Message, over, so_far};
use harness_tell::report::{Attachments, LivePage, LiveScript, Source, live_page};

use super::shown::Shown;

/// Read at a time; what comes of it is at most as long.
const READ_BYTES: usize = 64 << 10;
/// The file is looked at again after so long.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The checks are asked at most once in so much of the record, and at most about so many times in a run.
const JUDGED_EVERY: Duration = Duration::from_secs(2);
const JUDGED_TIMES: u32 = 30;

/// What comes of some lines.
#[derive(Debug)]
pub(super) enum Piece {
    /// What is told, and the number of the last line that it rests on.
    Messages(usize, Vec<Message>),
    /// Nothing new; whoever is told may look whether anybody listens.
    Nothing,
}

/// Tells of a run from the line behind `after`, until it is over or nobody listens: `tell` says whether somebody does.
///
/// # Errors
/// The record cannot be read.
pub(super) fn follow(
    shown: &Shown,
    language: Language,
    after: usize,
    mut tell: impl FnMut(Piece) -> bool,
) -> io::Result<()> {
    let mut lines = Lines { file: File::open(shown.folder.join(names::EVENTS))?, rest: Vec::new() };
    let mut teller = Teller::new(&shown.plan, language);
    loop {
        // Asked before reading: what an ended run has written is on the disk by then.
        let over = shown.is_over();
        let events = lines.read()?;
        if let Some(events) = events {
            let mut messages = Vec::new();
            for event in events {
                let told = teller.next(event);
                if teller.record.events.len() > after {
                    messages.extend(told);
                }
            }
            if !messages.is_empty() && !tell(Piece::Messages(teller.record.events.len(), messages)) {
                return Ok(());
            }
        } else if over {
            let line = teller.record.events.len();
            tell(Piece::Messages(line, teller.end(shown)));
            return Ok(());
        } else if !tell(Piece::Nothing) {
            return Ok(());
        } else {
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

/// Everything that there is to tell of a run that is over.
///
/// # Errors
/// The record cannot be read.
pub fn messages(folder: &Path, plan: &Plan, language: Language) -> io::Result<Vec<Message>> {
    let shown = Shown::new(folder.to_path_buf(), plan.clone(), false);
    let mut all = Vec::new();
    follow(&shown, language, 0, |piece| {
        if let Piece::Messages(_, messages) = piece {
            all.extend(messages);
        }
        true
    })?;
    Ok(all)
}

/// The page of a run that is over, as one file that needs no server; `other` is where it lies in the other language.
///
/// # Errors
/// The record cannot be read.
pub fn saved_page(folder: &Path, plan: &Plan, language: Language, other: &str) -> io::Result<String> {
    let messages = messages(folder, plan, language)?;
    Ok(live_page(&LivePage {
        plan,
        language,
        lasts: false,
        folder: &folder.display().to_string(),
        other,
        script: LiveScript::Inside(&messages),
    }))
}

/// What is told of a run that was judged.
pub fn verdict(record: &Record, verdicts: &[Verdict], language: Language) -> Vec<Message> {
    let attachments = Attachments::default();
    let source = Source { record, verdicts, attachments: &attachments };
    vec![so_far(&source, source.end(), false, language), over(&source, language)]
}

/// From lines to messages, with what the checks conclude at ends of steps.
struct Teller {
    language: Language,
    feed: Feed,
    record: Record,
    every: Duration,
    judged: Moment,
}

impl Teller {
    fn new(plan: &Plan, language: Language) -> Teller {
        Teller {
            language,
            feed: Feed::new(language),
            record: Record {
                plan: plan.clone(),
                events: Vec::new(),
                histograms: Histograms::default(),
                beside: Beside::default(),
                doubts: Vec::new(),
            },
            every: JUDGED_EVERY.max(plan.estimated / JUDGED_TIMES),
            judged: Moment::default(),
        }
    }

    fn next(&mut self, event: Event) -> Vec<Message> {
        let mut messages = self.feed.next(&event);
        let at = event.at;
        let step_ended = matches!(event.event, EventKind::StepEnded { .. } | EventKind::Held);
        self.record.events.push(event);
        if step_ended && at.since(self.judged) >= self.every {
            self.judged = at;
            messages.push(self.so_far(at));
        }
        messages
    }

    /// What the checks conclude of a run that has, so far, what an interrupted one has.
    fn so_far(&mut self, at: Moment) -> Message {
        let reason = NOT_OVER.to_owned();
        self.record.events.push(Event { at, step: None, event: EventKind::Interrupted { reason, by: None } });
        let verdicts = check::evaluate(&self.record);
        self.record.events.pop();
        let attachments = Attachments::default();
        let source = Source { record: &self.record, verdicts: &verdicts, attachments: &attachments };
        so_far(&source, at, true, self.language)
    }

    /// What remains to be told of a run that is over: its verdicts, as the report has them.
    fn end(&mut self, shown: &Shown) -> Vec<Message> {
        let at = self.record.events.last().map_or(Moment::default(), |event| event.at);
        let mut messages: Vec<Message> = self.feed.end(at).into_iter().collect();
        if let Some(verdict) = shown.verdict(self.language) {
            messages.extend_from_slice(verdict);
            return messages;
        }
        match history::read(&shown.folder) {
            Ok(record) => messages.extend(verdict(&record, &check::evaluate(&record), self.language)),
            Err(problem) => {
                messages.push(Message::Note { at: at.0 as f64 / 1e6, text: problem.to_string() });
            }
        }
        messages
    }
}

/// The lines of a file that may grow.
struct Lines {
    file: File,
    /// The beginning of a line whose end has not been read.
    rest: Vec<u8>,
}

impl Lines {
    /// The whole lines among the next bytes; `None` where there are no more bytes now.
    fn read(&mut self) -> io::Result<Option<Vec<Event>>> {
        let before = self.rest.len();
        let read = self.file.by_ref().take(READ_BYTES as u64).read_to_end(&mut self.rest)?;
        if read == 0 {
            return Ok(None);
        }
        let Some(end) = self.rest[before..].iter().rposition(|&byte| byte == b'\n') else {
            return Ok(Some(Vec::new()));
        };
        let rest = self.rest.split_off(before + end + 1);
        let whole = std::mem::replace(&mut self.rest, rest);
        let lines = whole.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).map_err(io::Error::from))
            .collect::<io::Result<_>>()
            .map(Some)
    }
}
