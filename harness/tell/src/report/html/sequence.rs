//! A failure event by event: what went between client, proxy, backends and disk while it was repeated with the program watched.
//!
//! `grounds` puts it below the line that a failure names. What clients and backends saw stands between the calls of the program, on the
//! one clock of the record; arrow keys go from event to event where the page has its script.

use fake_backends::clock::Moment;
use maud::{Markup, html};

use super::page::Page;
use crate::language::ground_words as words;
use crate::language::report_words::Label;
use crate::language::{InWords as _, Language, Milliseconds};
use crate::report::wire;
use harness_judge::check::Grounds;
use harness_model::history::{Call, EventKind, Record, SourcePlace, Watched};

/// More events than these nobody goes through.
const MOST: usize = 80;
/// Longest quotation of an event.
const LONGEST: usize = 160;
/// A client's request begins before the program is seen to take it, and ends after its last call.
const BEFORE_NS: u64 = 50_000_000;
const AFTER_NS: u64 = 400_000_000;

/// Between whom something went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    Client,
    Nobody,
    Backend,
    Disk,
}

/// The columns, from left to right.
const COLUMNS: [Between; 4] = [Between::Client, Between::Nobody, Between::Backend, Between::Disk];

struct Event {
    at: Moment,
    between: Between,
    /// To the right of the page, to the left, or nowhere.
    arrow: &'static str,
    what: String,
    place: Option<SourcePlace>,
}

/// The table of a failure whose repetition was watched.
pub(super) fn sequence(page: &Page<'_>, grounds: &Grounds) -> Markup {
    let Some(first) = grounds.calls.first() else { return html! {} };
    let language = page.language;
    let mut events: Vec<Event> = grounds.calls.iter().map(of_call).collect();
    if let Some(record) = page.source.record.beside.watched.as_deref() {
        let last = grounds.calls.last().unwrap_or(first).at;
        let (from, until) = (first.at.0.saturating_sub(BEFORE_NS), last.0.saturating_add(AFTER_NS));
        events.extend(of_record(record, language).filter(|event| (from..=until).contains(&event.at.0)));
    }
    events.sort_by_key(|event| event.at);
    events.truncate(MOST);
    let columns = COLUMNS.into_iter().filter(|between| events.iter().any(|event| event.between == *between));
    let columns: Vec<Between> = columns.collect();
    let begin = events.first().map_or(first.at, |event| event.at);
    html! {
        details .table .sequence {
            summary { (words::what_it_did(language)) }
            div .scroll tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { (page.label(Label::Time)) }
                            @for between in &columns { th scope="col" { (heading(*between, language)) } }
                            th scope="col" { (words::the_line(language)) }
                        }
                    }
                    tbody {
                        @for event in &events {
                            tr .named[event.place.is_some() && event.place.as_ref() == grounds.named.as_ref().map(|named| &named.place)] {
                                td .figure { (Milliseconds(event.at.since(begin).as_secs_f64() * 1e3).in_words(language)) }
                                @for between in &columns {
                                    td { @if *between == event.between { (event.arrow) " " code { (wire::plain(&event.what, LONGEST)) } } }
                                }
                                td { @if let Some(place) = &event.place { code { (wire::plain(&place.to_string(), LONGEST)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn heading(between: Between, language: Language) -> String {
    match between {
        Between::Client => words::with_client(language),
        Between::Nobody => words::in_program(language),
        Between::Backend => words::with_backend(language),
        Between::Disk => words::with_disk(language),
    }
}

fn of_call(one: &Watched) -> Event {
    use Call::*;
    let between = match one.call {
        _ if one.subject.starts_with("client") => Between::Client,
        _ if one.subject.starts_with("backend") => Between::Backend,
        Accept => Between::Client,
        Connect => Between::Backend,
        OpenToRead | OpenToWrite | OpenToAppend | Read | Write | Rename | Remove => Between::Disk,
        Bind | Listen | SetOption | Receive | Send | Close | Shutdown | Thread | Fork | Execute | Exit
        | Signal | Exception => Between::Nobody,
    };
    let comes = matches!(one.call, Accept | Receive | Read | OpenToRead);
    let arrow = match (between, comes) {
        (Between::Nobody, _) => "",
        // The proxy stands to the right of its clients and to the left of all others.
        (Between::Client, true) | (Between::Backend | Between::Disk, false) => "→",
        (Between::Client, false) | (Between::Backend | Between::Disk, true) => "←",
    };
    let what = words::call_words(one.call, &one.subject, one.figure, one.error.as_deref());
    Event { at: one.at, between, arrow, what, place: one.place.clone() }
}

/// What clients and backends saw.
fn of_record(record: &Record, language: Language) -> impl Iterator<Item = Event> {
    let event = |at, between, arrow, what| Event { at, between, arrow, what, place: None };
    record.events.iter().flat_map(move |recorded| match &recorded.event {
        EventKind::Exchange(exchange) => {
            let asked = format!("{} {}", exchange.method, exchange.target);
            let end = exchange.end.in_words(language);
            let status = exchange.response.as_ref().map(|response| response.status.to_string());
            let answer = status.map_or(end.clone(), |status| format!("{status}, {end}"));
            vec![
                event(exchange.sent.unwrap_or(exchange.intended), Between::Client, "→", asked),
                event(exchange.finished, Between::Client, "←", answer),
            ]
        }
        EventKind::Attempt(attempt) => {
            let asked = format!("{}: {} {}", attempt.backend, attempt.method, attempt.target);
            let mut of_it = vec![event(attempt.arrived, Between::Backend, "→", asked)];
            let answered = attempt.responded.zip(attempt.status);
            of_it.extend(answered.map(|(at, status)| {
                event(at, Between::Backend, "←", format!("{}: {status}", attempt.backend))
            }));
            of_it
        }
        _ => Vec::new(),
    })
}
