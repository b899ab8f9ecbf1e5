//! What all pages share: the head, the bar, the way to the other language.
//!
//! Every page of a run, a comparison, many runs, a simulation or a grading is put into it once in each language. It knows
//! nothing of what they say.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::language::report_words::Label;
use crate::language::{InWords as _, Language};

static STYLE: &str = include_str!("assets/style.css");

/// A page without its content.
pub struct Frame<'a> {
    /// Of the page.
    pub language: Language,
    /// Of the window.
    pub title: String,
    /// Class of the body.
    pub class: Option<&'a str>,
    /// What the page adds to the style sheet of all.
    pub style: &'a str,
    /// Whether it offers to skip what stands before the content.
    pub skip: bool,
    /// What stands in the bar.
    pub bar: Markup,
    /// Address of this page in the other language.
    pub other: String,
}

/// Puts the content of a page, an element with the id `content` in it, into its frame.
pub fn framed(frame: &Frame<'_>, content: &Markup) -> String {
    let other = frame.language.choose(Language::Es, Language::En);
    html! {
        (DOCTYPE)
        html lang=(frame.language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content="harness";
                title { (frame.title) }
                style { (PreEscaped(STYLE)) (PreEscaped(frame.style)) }
            }
            body class=[frame.class] {
                @if frame.skip { a .skip href="#content" { (Label::SkipToContent.in_words(frame.language)) } }
                header .top {
                    div .bar {
                        p .kind { (frame.bar) }
                        a .language href=(frame.other) lang=(other.code()) hreflang=(other.code()) {
                            (Label::OtherLanguage.in_words(frame.language))
                        }
                    }
                }
                (content)
            }
        }
    }
    .into_string()
}
