//! What all pages of a grading share beyond the frame of every page: their style, the way back, a title.
//!
//! `index`, `team` and the page for the defence are put into it. They stand in the frame of the report, so that a team finds
//! its way about.

use maud::{Markup, PreEscaped, html};

use harness_tell::language::Language;
use harness_tell::report;

static OWN_STYLE: &str = include_str!("../assets/grades.css");

/// A page.
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    /// In the bar and the title of the window.
    pub(super) kind: String,
    pub(super) title: String,
    /// This page in the other language.
    pub(super) other: String,
    /// Where the bar leads back to: address and words.
    pub(super) back: Option<(String, String)>,
    pub(super) script: Option<&'a str>,
}

/// Puts a page into its frame.
pub(super) fn framed(frame: &Frame<'_>, content: &Markup) -> String {
    let bar = html! {
        @if let Some((address, words)) = &frame.back { a href=(address) { "← " (words) } " · " }
        (frame.kind)
    };
    let of_all = report::Frame {
        language: frame.language,
        title: format!("{} · {}", frame.title, frame.kind),
        class: Some("grades"),
        style: OWN_STYLE,
        skip: true,
        bar,
        other: frame.other.clone(),
    };
    let content = html! {
        main #content { h1 { (frame.title) } (content) }
        @if let Some(script) = frame.script { script { (PreEscaped(script)) } }
    };
    report::framed(&of_all, &content)
}
