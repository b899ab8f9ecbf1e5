//! What all pages of a grading share: the head, the way back, the way to the other language.
//!
//! `index`, `team` and the page for the defence are put into it. It uses the style sheet of the report, so that a team finds
//! its way about.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::language::report_words::Label;
use crate::language::{InWords as _, Language};
use crate::report::STYLE;

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
    let other = frame.language.choose(Language::Es, Language::En);
    html! {
        (DOCTYPE)
        html lang=(frame.language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content="harness";
                title { (frame.title) " · " (frame.kind) }
                style { (PreEscaped(STYLE)) (PreEscaped(OWN_STYLE)) }
            }
            body .grades {
                a .skip href="#content" { (Label::SkipToContent.in_words(frame.language)) }
                header .top {
                    div .bar {
                        p .kind {
                            @if let Some((address, words)) = &frame.back { a href=(address) { "← " (words) } " · " }
                            (frame.kind)
                        }
                        a .language href=(frame.other) lang=(other.code()) hreflang=(other.code()) {
                            (Label::OtherLanguage.in_words(frame.language))
                        }
                    }
                }
                main #content { h1 { (frame.title) } (content) }
                @if let Some(script) = frame.script { script { (PreEscaped(script)) } }
            }
        }
    }
    .into_string()
}
