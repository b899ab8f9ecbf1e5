//! The thresholds of a run as a table: what each limits, what was measured, what follows and why.
//!
//! `page` puts it below the first screen where the scenario has any. What follows is taken from the source and not judged here.

use maud::{Markup, html};

use super::frame::coded;
use super::page::Page;
use super::sign;
use crate::language::InWords as _;
use crate::language::threshold_words::{heading, how_to_read, limited};
use crate::report::wire::plain;
use harness_judge::compare::Ruling;

/// The section; nothing where there are none.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let (thresholds, language) = (&page.overview.thresholds, page.language);
    if thresholds.is_empty() {
        return html! {};
    }
    html! {
        section #thresholds aria-labelledby="h-thresholds" {
            h2 #h-thresholds { (heading(language)) }
            p .intro { (coded(&how_to_read(language))) }
            div .scroll tabindex="0" role="region" aria-label=(heading(language)) {
                table {
                    tbody {
                        @for one in thresholds {
                            tr {
                                td { span .sign .(class(one.ruling)) aria-hidden="true" { (sign(one.ruling)) } " " (one.ruling.in_words(language)) }
                                th scope="row" { code { (plain(&one.gate.text, 200)) } }
                                td { (coded(&limited(language, one))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn class(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Pass => "pass",
        Ruling::Fail => "fail",
        Ruling::Inconclusive => "inconclusive",
    }
}

#[cfg(test)]
mod tests {
    use crate::language::Language;
    use crate::report::html::page;
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::Outcome;
    use harness_model::catalogue::CheckId;

    #[test]
    fn thresholds_stand_below_the_first_screen_and_in_its_sentence() {
        let run = RunBuilder::new("pace")
            .ready()
            .load("steady", 2_000, 0)
            .limits(&["steady: latency p(50) < 500us", "steady: cpu_per_request{vs:nginx} < 2x"])
            .verdict(verdict(CheckId::IntegrityBodies, Outcome::Pass))
            .build();
        let html = page(&run.source(), Language::Es);
        let first = html.find("un umbral no se cumple: steady: latency p(50) &lt; 500us").expect("headline");
        let table = html.find("id=\"thresholds\"").expect("table");
        assert!(first < table);
        assert!(html.contains("una sola corrida no mide nginx"));
    }
}
