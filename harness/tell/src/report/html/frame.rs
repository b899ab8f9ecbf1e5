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

/// Words with what stands between backticks set as code; a backtick without its pair stays as it is.
pub fn coded(text: &str) -> Markup {
    let pieces: Vec<&str> = text.split('`').collect();
    let pairs = (pieces.len() - 1) / 2 * 2;
    html! {
        @for (place, piece) in pieces.iter().enumerate() {
            @if place > pairs { "`" }
            @if place < pairs && place % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

/// A sentence as it stands at the beginning of a line; a target or another quotation keeps its first letter.
pub(super) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
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

#[cfg(test)]
mod tests {
    use super::{capitalised, coded};

    #[test]
    fn what_stands_between_backticks_is_code_and_never_markup() {
        assert_eq!(coded("say `no-store` & go").into_string(), "say <code>no-store</code> &amp; go");
        assert_eq!(coded("`a` and `b").into_string(), "<code>a</code> and `b");
        assert_eq!(coded("`<b>`").into_string(), "<code>&lt;b&gt;</code>");
        assert_eq!(coded("plain").into_string(), "plain");
    }

    #[test]
    fn a_target_keeps_its_letters_at_the_beginning_of_a_line() {
        assert_eq!(capitalised("/fast/0 waited"), "/fast/0 waited");
        assert_eq!(capitalised("él esperó"), "Él esperó");
        assert_eq!(capitalised(""), "");
    }
}
