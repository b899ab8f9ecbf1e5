//! The page that shows a run while it lasts, or an old one again: the same page, fed with the same messages.
//!
//! `harness live` and `--live` serve it; saved with its messages inside it is one file that opens by itself. The template says
//! everything that never changes; the script beside it draws what [`crate::report::live`] tells.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};
use serde_json::json;

use super::frame::{Frame, framed};
use crate::language::live_words::{LiveLabel, waits_for};
use crate::language::step_words::doing;
use crate::language::{InWords as _, Language};
use crate::report::live::Message;
use crate::report::quoted;
use crate::report::terminal::{Expected, expected};
use crate::report::wire::plain;
use harness_model::plan::Plan;

static STYLE: &str = include_str!("assets/live.css");

/// The script of the page.
pub static LIVE_SCRIPT: &str = include_str!("assets/live.js");

/// The words that the script says, by its names for them.
const SAID: &[(&str, LiveLabel)] = &[
    ("running", LiveLabel::Running),
    ("held", LiveLabel::IsHeld),
    ("over", LiveLabel::IsOver),
    ("lost", LiveLabel::Lost),
    ("gone", LiveLabel::GoneForGood),
    ("slow", LiveLabel::TooSlow),
    ("next", LiveLabel::NextRun),
    ("also", LiveLabel::Also),
    ("goesOn", LiveLabel::WentOn),
    ("stepOf", LiveLabel::StepOf),
    ("before", LiveLabel::BeforeSteps),
    ("after", LiveLabel::AfterSteps),
    ("waitsFor", LiveLabel::WaitsFor),
    ("doneOf", LiveLabel::Expected),
    ("nothingFor", LiveLabel::NothingFor),
    ("play", LiveLabel::Play),
    ("pause", LiveLabel::Pause),
    ("ofRequests", LiveLabel::OfRequests),
    ("percentiles", LiveLabel::Percentiles),
    ("last", LiveLabel::WholeAnswers),
    ("ofOneCpu", LiveLabel::OfOneCpu),
    ("client", LiveLabel::Client),
    ("proxy", LiveLabel::Proxy),
    ("disk", LiveLabel::Disk),
    ("counted", LiveLabel::Counted),
    ("failedSoFar", LiveLabel::FailedSoFar),
    ("failed", LiveLabel::Failed),
    ("provisional", LiveLabel::Provisional),
    ("final", LiveLabel::Final),
    ("nothingFailed", LiveLabel::NothingFailed),
    ("nothingJudged", LiveLabel::NothingJudged),
    ("met", LiveLabel::Met),
    ("required", LiveLabel::Required),
    ("optional", LiveLabel::Optional),
    ("repeatNow", LiveLabel::RepeatNow),
    ("repeatAfter", LiveLabel::RepeatAfter),
    ("repeatCommand", LiveLabel::RepeatCommand),
    ("files", LiveLabel::Files),
];

/// What the page is made from.
#[derive(Clone, Copy, Debug)]
pub struct LivePage<'a> {
    /// Of the run.
    pub plan: &'a Plan,
    /// Of the page.
    pub language: Language,
    /// Whether the run lasts.
    pub lasts: bool,
    /// The run folder, as it is to be shown.
    pub folder: &'a str,
    /// Address of the page in the other language.
    pub other: &'a str,
    /// Where the script and the messages are.
    pub script: LiveScript<'a>,
}

/// Where the script and the messages of a page are.
#[derive(Clone, Copy, Debug)]
pub enum LiveScript<'a> {
    /// Beside the page, at `live.js` and `events`.
    Beside,
    /// In it: the page is one file.
    Inside(&'a [Message]),
}

/// The whole page.
pub fn live_page(page: &LivePage<'_>) -> String {
    let (language, plan) = (page.language, page.plan);
    let kind = if page.lasts { LiveLabel::Live } else { LiveLabel::Replay };
    let proxy = plain(&plan.adapter.title, 80);
    let frame = Frame {
        language,
        title: format!("{} · {proxy} · {}", plain(&plan.name, 80), kind.in_words(language)),
        class: Some("live-page"),
        style: STYLE,
        skip: false,
        bar: html! { b { (proxy) } " · " (kind.in_words(language)) },
        other: page.other.to_owned(),
    };
    let content = html! {
        main #content {
            (head(page))
            (figures(language))
            div .two {
                (lanes(language))
                div .side {
                    (failed(language))
                    section aria-labelledby="shares-title" {
                        h2 #shares-title { (LiveLabel::Shares.in_words(language)) }
                        ul #shares {}
                        p .aside { (LiveLabel::SharesTold.in_words(language)) }
                    }
                }
            }
            section aria-labelledby="notes-title" {
                h2 #notes-title { (LiveLabel::Happened.in_words(language)) }
                p #no-notes { (LiveLabel::NothingHappened.in_words(language)) }
                ol #notes {}
            }
            p .aside { (LiveLabel::Kept.in_words(language)) " " code { (page.folder) } }
        }
        script #told type="application/json" { (PreEscaped(data(&told(page)))) }
        @match page.script {
            LiveScript::Beside => script src="live.js" {},
            LiveScript::Inside(messages) => {
                script #messages type="application/json" { (PreEscaped(data(&json!(messages)))) }
                script { (PreEscaped(LIVE_SCRIPT)) }
            }
        }
    };
    framed(&frame, &content)
}

/// Where the run is, and what can be done about it.
fn head(page: &LivePage<'_>) -> Markup {
    let language = page.language;
    html! {
        section .now {
            h1 { (plain(language.of(&page.plan.title), 160)) }
            p #state role="status" { (LiveLabel::Connecting.in_words(language)) }
            p #step {}
            p #waits {}
            ol #steps aria-label=(LiveLabel::Steps.in_words(language)) {}
            div .buttons {
                @if page.lasts {
                    button #hold type="button" { (LiveLabel::Hold.in_words(language)) }
                    button #go-on type="button" disabled { (LiveLabel::GoOn.in_words(language)) }
                } @else {
                    button #play type="button" aria-pressed="true" { (LiveLabel::Pause.in_words(language)) }
                    button #to-end type="button" { (LiveLabel::ToTheEnd.in_words(language)) }
                    label { (LiveLabel::Speed.in_words(language)) " "
                        select #speed { option value="1" { "1×" } option value="4" selected { "4×" } option value="16" { "16×" } }
                    }
                    label .moment { (LiveLabel::Moment.in_words(language)) " " input #moment type="range" min="0" max="1000" value="0"; }
                }
                label { (LiveLabel::Window.in_words(language)) " "
                    select #window {
                        option value="10000" { "10 s" } option value="30000" selected { "30 s" }
                        option value="120000" { "2 min" } option value="0" { (LiveLabel::Everything.in_words(language)) }
                    }
                }
                span #said role="status" {}
            }
            @if !page.lasts { p .aside { (LiveLabel::ByKeyboard.in_words(language)) } }
        }
    }
}

fn figures(language: Language) -> Markup {
    let figures = [
        ("clock", LiveLabel::Clock),
        ("rate", LiveLabel::Rate),
        ("p50", LiveLabel::Median),
        ("p99", LiveLabel::P99),
        ("errors", LiveLabel::Errors),
        ("memory", LiveLabel::Memory),
        ("cpu", LiveLabel::Cpu),
    ];
    html! {
        dl .numbers {
            @for (id, label) in figures {
                div { dt { (label.in_words(language)) } dd { b #(id) { "–" } " " small #{ (id) "-of" } {} } }
            }
        }
    }
}

fn lanes(language: Language) -> Markup {
    let marks = [
        ("backend", LiveLabel::FromBackend),
        ("cache", LiveLabel::FromCache),
        ("status", LiveLabel::ErrorStatus),
        ("trouble", LiveLabel::Trouble),
        ("load", LiveLabel::UnderLoad),
        ("up", LiveLabel::ProxyUp),
        ("down", LiveLabel::ProxyDown),
    ];
    html! {
        section .picture aria-labelledby="lanes-title" {
            h2 #lanes-title { (LiveLabel::Lanes.in_words(language)) }
            canvas #lanes role="img" aria-label=(LiveLabel::LanesTold.in_words(language)) {}
            ul .legend {
                @for (mark, label) in marks { li { canvas data-mark=(mark) width="36" height="14" aria-hidden="true" {} " " (label.in_words(language)) } }
            }
            p #counted .aside {}
        }
    }
}

fn failed(language: Language) -> Markup {
    html! {
        section .fails aria-labelledby="failed-title" {
            h2 { span #failed-title { (LiveLabel::FailedSoFar.in_words(language)) } " " span #met .aside {} }
            p #provisional .aside {}
            p #none-failed { (LiveLabel::NothingJudged.in_words(language)) }
            ol #failed {}
        }
    }
}

/// What the script is told of the plan, and the words that it says.
fn told(page: &LivePage<'_>) -> serde_json::Value {
    let (language, plan) = (page.language, page.plan);
    let words: BTreeMap<&str, String> =
        SAID.iter().map(|(name, label)| (*name, label.in_words(language))).collect();
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| {
            let (requests, time_ms) = match expected(plan, &step.kind) {
                Expected::Requests(all) => (Some(all), None),
                Expected::Time(all) => (None, Some(all.as_secs_f64() * 1e3)),
                Expected::Unknown => (None, None),
            };
            json!({
                "doing": plain(&doing(&step.kind, language), 160),
                "waits": waits_for(&step.kind, language),
                "requests": requests,
                "ms": time_ms,
                "line": step.line.line,
            })
        })
        .collect();
    json!({
        "lasts": page.lasts,
        "language": language.choose("en", "es-CO"),
        "code": language.code(),
        "estimated": plan.estimated.as_secs_f64() * 1e3,
        "backends": (1..=plan.backends.count).map(|number| format!("b{number}")).collect::<Vec<_>>(),
        "steps": steps,
        "words": words,
        "command": format!("harness {} --sut {} --only ", quoted(&plan.file.display().to_string()), quoted(&plan.adapter.name)),
    })
}

/// JSON that stands in a page: what a proxy sent cannot end the element it stands in.
fn data(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::live::{Feed, Message};
    use crate::report::testkit::RunBuilder;

    fn pages(messages: &[Message]) -> [String; 2] {
        let run = RunBuilder::new("ttl").ready().ttl(2_000, 12).build();
        [Language::Es, Language::En].map(|language| {
            live_page(&LivePage {
                plan: &run.record.plan,
                language,
                lasts: false,
                folder: "reports/ttl",
                other: "other.html",
                script: LiveScript::Inside(messages),
            })
        })
    }

    #[test]
    fn a_saved_page_has_all_that_it_needs_and_nothing_that_was_sent_is_markup() {
        let run = RunBuilder::new("ttl").ready().ttl(2_000, 12).build();
        let mut feed = Feed::new(Language::Es);
        let mut messages: Vec<Message> =
            run.record.events.iter().flat_map(|event| feed.next(event)).collect();
        messages.push(Message::Note { at: 1.0, text: "</script><script>alert(1)</script>".into() });
        let [es, en] = pages(&messages);
        for page in [&es, &en] {
            assert!(!page.contains("<script>alert"), "what was sent stays data");
            assert!(!page.contains("src="), "one file");
        }
        assert!(es.contains("Peticiones por segundo") && !es.contains("Requests per second"));
        assert!(en.contains("Requests per second") && !en.contains("Peticiones"));
    }

    #[test]
    fn the_style_sheet_has_no_letters_below_twelve_pixels() {
        for size in STYLE.split("font-size: ").skip(1) {
            let size = size.split([';', '}']).next().unwrap().trim();
            let least = size.trim_start_matches("clamp(").split("rem").next().unwrap();
            assert!(least.parse::<f64>().unwrap() >= 0.75, "{size}");
        }
    }
}
