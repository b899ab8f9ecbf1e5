//! The report as one self-contained HTML file.
//!
//! `pages` writes it once in each language. Everything that came from outside is escaped by the templates.

use maud::{DOCTYPE, html};

use super::markdown::symbol;
use super::{Overview, Source};
use crate::language::{InWords as _, Language, sentence, title};

/// The whole page.
pub(super) fn page(source: &Source<'_>, language: Language) -> String {
    let overview = Overview::of(source);
    let plan = source.plan();
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head { meta charset="utf-8"; title { (plan.adapter.title) " · " (plan.title.text(language)) } }
            body {
                h1 { (plan.adapter.title) " · " (plan.title.text(language)) }
                p { (overview.headline(language)) }
                ul {
                    @for verdict in source.verdicts {
                        li id=(verdict.check.name()) {
                            (symbol(verdict.outcome)) " " (verdict.outcome.in_words(language)) " · "
                            (title(verdict.check, language)) ": " (sentence(&verdict.finding, language))
                        }
                    }
                }
            }
        }
    }
    .into_string()
}
