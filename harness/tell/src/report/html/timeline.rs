//! The timeline of a verdict: client, proxy and backends one above the other over the same time, and the same as a table.
//!
//! Positions are percentages and texts keep their size, so that it is read at any width; the script only changes the
//! percentages to zoom. Screen readers get the table.

use maud::{Markup, html};

use super::page::Page;
use super::related::{Related, exchange_of, times};
use crate::language::page_words::{
    answered_by, arrived, came_up, got_ready, has_ended, no_backend_saw_it, only_numbers,
    timeline_description, timeline_help, told_to_start, was_signalled, went_down,
};
use crate::language::report_words::Label;
use crate::language::{Bytes, InWords as _, Milliseconds, Span};
use crate::report::wire::plain;
use harness_model::history::{Event, EventKind, ExchangeEnd};

const LANE_HEIGHT: usize = 34;
const AXIS_HEIGHT: usize = 26;
/// Share of the width that a number needs for itself.
const CROWDED: f64 = 0.022;
const LONGEST_TARGET: usize = 60;

/// One thing on the timeline.
struct Mark {
    lane: usize,
    /// Milliseconds since the first event shown.
    from: f64,
    to: f64,
    class: &'static str,
    who: String,
    what: String,
    /// Line of `events.jsonl`, from one.
    line: usize,
}

/// The timeline of the events of a verdict; nothing where there are none.
pub(super) fn timeline(page: &Page<'_>, related: &Related<'_>) -> Markup {
    if related.events.is_empty() {
        return html! {};
    }
    let (start, end) = related.span();
    let mut lanes: Vec<String> = vec![page.label(Label::Client), "proxy".to_owned()];
    lanes.extend(page.source.backend_names());
    let marks: Vec<Mark> = related
        .events
        .iter()
        .filter_map(|(line, event)| mark(page, &mut lanes, start.0, *line, event))
        .collect();
    let used: Vec<usize> =
        (0..lanes.len()).filter(|lane| marks.iter().any(|mark| mark.lane == *lane)).collect();
    let length = (end.since(start).as_secs_f64() * 1000.0).max(0.001);
    let height = used.len() * LANE_HEIGHT + AXIS_HEIGHT;
    // A little room on both sides, so that the first and the last mark are not cut in half.
    let (low, high) = (-length * 0.02, length * 1.03);
    let place = |ms: f64| format!("{:.3}%", (ms - low) / (high - low) * 100.0);
    let width = |from: f64, to: f64| format!("{:.3}%", ((to - from) / (high - low) * 100.0).max(0.05));
    // A number that would lie on the one before it in the same lane is left out; the table has all of them.
    let crowded = |number: usize| {
        let before = marks[..number].iter().rev().find(|mark| mark.lane == marks[number].lane);
        before.is_some_and(|before| (marks[number].from - before.from).abs() / (high - low) < CROWDED)
    };
    let description = timeline_description(page.language, marks.len(), Span((length * 10.0).round() / 10.0));
    html! {
        div .timeline data-low=(low) data-high=(high) tabindex="0" role="group" aria-label=(page.label(Label::Timeline)) {
            div .controls {
                button type="button" data-zoom="in" aria-label=(page.label(Label::ZoomIn)) { "+" }
                button type="button" data-zoom="out" aria-label=(page.label(Label::ZoomOut)) { "−" }
                button type="button" data-zoom="all" { (page.label(Label::ZoomReset)) }
                span .help { (timeline_help(page.language)) }
            }
            div .lanes style={ "height:" (height) "px" } {
                div .lane-names aria-hidden="true" { @for lane in &used { span { (lanes[*lane]) } } }
                svg width="100%" height=(height) role="img" aria-label=(description) {
                    @for (row, _) in used.iter().enumerate() {
                        line .lane x1="0" x2="100%" y1=(row * LANE_HEIGHT + LANE_HEIGHT / 2) y2=(row * LANE_HEIGHT + LANE_HEIGHT / 2) {}
                    }
                    g .marks {
                        @for (number, mark) in marks.iter().enumerate() {
                            @let top = used.iter().position(|lane| *lane == mark.lane).unwrap_or(0) * LANE_HEIGHT;
                            g data-from=(rounded(mark.from)) data-to=(rounded(mark.to)) .(mark.class) {
                                title { (number + 1) ". " (mark.who) ": " (mark.what) }
                                rect x=(place(mark.from)) y=(top + 12) width=(width(mark.from, mark.to)) height="10" {}
                                circle cx=(place(mark.to)) cy=(top + 17) r="4" {}
                                text x=(place(mark.from)) y=(top + 9) opacity=(if crowded(number) { 0 } else { 1 }) { (number + 1) }
                            }
                        }
                    }
                    g .axis data-y=(used.len() * LANE_HEIGHT + 16) {
                        @for tick in 0..=4 {
                            @let ms = length * f64::from(tick) / 4.0;
                            text x=(place(ms)) y=(used.len() * LANE_HEIGHT + 16) text-anchor="middle" { (Milliseconds(ms).in_words(page.language)) }
                        }
                    }
                }
            }
        }
        details .table {
            summary { (page.label(Label::Table)) }
            table {
                thead {
                    tr {
                        th scope="col" { "#" }
                        th scope="col" { (page.label(Label::Time)) }
                        th scope="col" { (page.label(Label::Who)) }
                        th scope="col" { (page.label(Label::What)) }
                        th scope="col" { "events.jsonl" }
                    }
                }
                tbody {
                    @for (number, mark) in marks.iter().enumerate() {
                        tr {
                            td { (number + 1) }
                            td .figure { (Milliseconds(mark.from).in_words(page.language)) }
                            td { (mark.who) }
                            td { (mark.what) }
                            td .figure { (mark.line) }
                        }
                    }
                }
            }
        }
    }
}

fn rounded(ms: f64) -> String {
    format!("{ms:.4}")
}

fn mark(page: &Page<'_>, lanes: &mut Vec<String>, start: u64, line: usize, event: &Event) -> Option<Mark> {
    let language = page.language;
    let (begins, ends) = times(event);
    let ms = |moment: fake_backends::clock::Moment| moment.0.saturating_sub(start) as f64 / 1e6;
    let mut lane_of = |name: &str| {
        lanes.iter().position(|lane| lane == name).unwrap_or_else(|| {
            lanes.push(name.to_owned());
            lanes.len() - 1
        })
    };
    let (lane, class, what) = match &event.event {
        EventKind::ProxyStarting { launch, .. } => (1, "life", told_to_start(language, *launch)),
        EventKind::ProxyReady { launch, listening_after, .. } => {
            let after = Milliseconds(listening_after.as_secs_f64() * 1000.0);
            (1, "ready", got_ready(language, *launch, after))
        }
        EventKind::ProxySignalled { signal, .. } => (1, "kill", was_signalled(language, &plain(signal, 20))),
        EventKind::ProxyExited(exit) => {
            let how = match (exit.code, exit.signal) {
                (Some(code), _) => code.to_string(),
                (None, Some(signal)) => format!("signal {signal}"),
                (None, None) => "?".to_owned(),
            };
            (1, "kill", has_ended(language, &how))
        }
        EventKind::BackendUp { backend, .. } => (lane_of(backend), "ready", came_up(language)),
        EventKind::BackendDown { backend } => (lane_of(backend), "kill", went_down(language)),
        EventKind::Handshake(handshake) => (0, "miss", plain(&handshake.in_words(language), 200)),
        EventKind::Misused(misused) => (0, "broken", plain(&misused.in_words(language), 200)),
        EventKind::Attempt(attempt) => {
            let request =
                format!("{} {}", plain(&attempt.method, 12), plain(&attempt.target, LONGEST_TARGET));
            let status = attempt.status.map(|status| format!(" → {status}")).unwrap_or_default();
            (
                lane_of(&attempt.backend),
                "attempt",
                format!("{}{status}", arrived(language, &request, attempt.number)),
            )
        }
        _ => {
            let exchange = exchange_of(event)?;
            let request =
                format!("{} {}", plain(&exchange.method, 12), plain(&exchange.target, LONGEST_TARGET));
            let answer = match (&exchange.end, &exchange.response) {
                (ExchangeEnd::Complete, Some(response)) => {
                    format!("{}, {}", response.status, Bytes(response.body.bytes).in_words(language))
                }
                (end, Some(response)) => {
                    format!("{}, {}", response.status, plain(&end.in_words(language), 80))
                }
                (end, None) => plain(&end.in_words(language), 80),
            };
            let seen = page.source.attempt_of(exchange);
            let unknown = seen.is_none() && page.source.kept_numbers_only(exchange);
            let class = match (&exchange.end, seen) {
                (ExchangeEnd::Complete, None) if !unknown => "hit",
                (ExchangeEnd::Complete, _) => "miss",
                _ => "broken",
            };
            let origin = seen.map_or_else(
                || if unknown { only_numbers(language) } else { no_backend_saw_it(language) },
                |attempt| answered_by(language, &attempt.backend),
            );
            (0, class, format!("{request} → {answer}; {origin} ({})", exchange.purpose.in_words(language)))
        }
    };
    Some(Mark { lane, from: ms(begins), to: ms(ends), class, who: lanes[lane].clone(), what, line: line + 1 })
}
