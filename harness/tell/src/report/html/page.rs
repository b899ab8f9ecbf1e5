//! The page as a whole: head, navigation, the sections in their order, and the foot.
//!
//! Style sheet and script lie beside this file as files of their own and are put into the page; without the script
//! everything can still be read.

use maud::{Markup, PreEscaped, html};

use super::frame::{Frame, framed};
use super::{environment, first_screen, honesty, performance, requirements, resources, thresholds};
use crate::language::page_words::footer;
use crate::language::report_words::Label;
use crate::language::{InWords as _, Language, threshold_words, verdict_sentence};
use crate::report::markdown::symbol;
use crate::report::plot::{Figure, figures};
use crate::report::wire::plain;
use crate::report::{Group, Overview, Source, groups};
use harness_judge::check::{Outcome, Verdict};

static SCRIPT: &str = include_str!("assets/report.js");
static CHART_STYLE: &str = include_str!("../assets/uPlot.min.css");
static CHART_SCRIPT: &str = include_str!("../assets/uPlot.iife.min.js");
static CHART_LICENCE: &str = include_str!("../assets/uPlot.LICENSE.txt");

/// A finding that quotes more than this is cut; the record has all of it.
const LONGEST_SENTENCE: usize = 1_200;

/// What every part of the page needs.
pub(super) struct Page<'a> {
    pub(super) source: Source<'a>,
    pub(super) overview: Overview,
    /// What to mend, in its order.
    pub(super) groups: Vec<Group>,
    pub(super) language: Language,
    pub(super) figures: Vec<Figure>,
}

impl Page<'_> {
    /// A label in the language of the page.
    pub(super) fn label(&self, label: Label) -> String {
        label.in_words(self.language)
    }
}

/// The whole page.
pub(in crate::report) fn page(source: &Source<'_>, language: Language) -> String {
    let plan = source.plan();
    let page = Page {
        source: *source,
        overview: Overview::of(source),
        groups: groups(source.verdicts, plan.strict),
        language,
        figures: figures(source),
    };
    let charts = performance::charts(&page);
    let other = language.choose(Language::Es, Language::En);
    let frame = Frame {
        language,
        title: format!(
            "{} {} · {}",
            symbol(first_screen::outcome_of(page.overview.exit)),
            plan.adapter.title,
            language.of(&plan.title)
        ),
        class: None,
        style: if charts.is_some() { CHART_STYLE } else { "" },
        skip: true,
        bar: html! { (page.label(Label::Report)) },
        other: format!("report.{}.html", other.code()),
    };
    let content = html! {
        div .columns {
            (navigation(&page))
            main #content {
                (first_screen::first_screen(&page))
                (thresholds::section(&page))
                (requirements::sections(&page))
                (performance::section(&page))
                (resources::section(&page))
                (environment::section(&page))
                (honesty::section(&page))
                (foot(&page, charts.is_some()))
            }
        }
        @if let Some(charts) = charts {
            script type="application/json" #charts { (charts) }
            script { (PreEscaped(CHART_SCRIPT)) }
        }
        script { (PreEscaped(SCRIPT)) }
    };
    framed(&frame, &content)
}

fn navigation(page: &Page<'_>) -> Markup {
    let sections = [
        (Label::Performance, "performance"),
        (Label::Resources, "resources"),
        (Label::Environment, "environment"),
        (Label::Honesty, "honesty"),
    ];
    html! {
        nav aria-label=(page.label(Label::Contents)) {
            h2 { (page.label(Label::Checks)) }
            ul {
                @for verdict in page.source.verdicts {
                    li data-outcome=(code(verdict.outcome)) {
                        a href={ "#" (verdict.check.name()) } {
                            span .sign .(code(verdict.outcome)) aria-hidden="true" { (symbol(verdict.outcome)) }
                            span .name { (verdict.check.name()) }
                            span .hidden { " (" (verdict.outcome.in_words(page.language)) ")" }
                        }
                    }
                }
            }
            ul .sections {
                @if !page.overview.thresholds.is_empty() {
                    li { a href="#thresholds" { (threshold_words::heading(page.language)) } }
                }
                @for (label, id) in sections { li { a href={ "#" (id) } { (page.label(label)) } } }
            }
        }
    }
}

fn foot(page: &Page<'_>, with_charts: bool) -> Markup {
    let hash = page.source.attachments.run_hash.as_deref().unwrap_or("–");
    html! {
        footer {
            p { (footer(page.language, hash)) }
            details .licences {
                summary { (page.label(Label::Licences)) }
                p { "DejaVu Sans (plots): Bitstream Vera licence. " @if with_charts { "uPlot: MIT." } }
                @if with_charts { pre tabindex="0" { (CHART_LICENCE) } }
            }
        }
    }
}

/// What a check saw, as a sentence: it quotes targets and the proxy's own words, so unprintables become their numbers.
pub(super) fn told(page: &Page<'_>, verdict: &Verdict) -> String {
    plain(&verdict_sentence(verdict, page.language), LONGEST_SENTENCE)
}

/// The short name of an outcome, for classes and filters.
pub(super) const fn code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Unsupported => "unsupported",
        Outcome::Blocked => "blocked",
        Outcome::Skipped => "skipped",
        Outcome::Manual => "manual",
    }
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::language::Language;
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::{Finding, HitsFinding, Outcome};
    use harness_model::catalogue::CheckId;

    /// Values of every attribute that could load something.
    fn addresses(html: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for attribute in [" src=\"", " href=\"", "url(", "@import"] {
            for (at, _) in html.match_indices(attribute) {
                found.push(html[at + attribute.len()..].split(['"', ')']).next().unwrap_or(""));
            }
        }
        found
    }

    #[test]
    fn the_page_loads_nothing_and_stays_small() {
        let run = RunBuilder::new("all")
            .ready()
            .ttl(2_000, 200)
            .serial(100)
            .load("steady", 5_000, 1)
            .crashes(20)
            .verdict(verdict(CheckId::TtlExpiry, Outcome::Pass))
            .judged()
            .build();
        for language in Language::ALL {
            let html = page(&run.source(), language);
            assert!(html.len() < 3 << 20, "{} bytes", html.len());
            for address in addresses(&html) {
                assert!(address.starts_with('#') || address.starts_with("report."), "loads {address}");
            }
            assert!(html.contains("id=\"ttl.expiry\""));
        }
    }

    #[test]
    fn what_a_proxy_sent_is_never_markup() {
        let evil = "/<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{0}\u{1b}[31m\u{202e}";
        let mut bad = verdict(CheckId::CacheHit, Outcome::Fail);
        bad.finding = Finding::Hits(HitsFinding::NoHits { keys: 1, target: evil.into() });
        let run = RunBuilder::new("evil")
            .log(&format!("GET {evil} </pre><script>alert(3)</script>\n"))
            .ready()
            .exchange_with(evil, &format!("HTTP/1.1 200 {evil}\r\nX: </script><script>alert(4)//\r\n\r\n"))
            .verdict(bad)
            .evidence_everything()
            .load(evil, 50, 2)
            .build();
        let html = page(&run.source(), Language::En);
        assert!(!html.contains("<script>alert"), "a script got through");
        assert!(!html.contains("<img"), "an element got through");
        assert!(!html.contains('\u{0}') && !html.contains('\u{1b}') && !html.contains('\u{202e}'));
        assert_eq!(html.matches("</script>").count(), 3, "only our own scripts end");
    }

    #[test]
    fn a_huge_head_is_cut_with_a_note() {
        let head = format!(
            "HTTP/1.1 200 OK\r\n{}\r\n",
            "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(200_000)
        );
        let run = RunBuilder::new("huge")
            .ready()
            .exchange_with("/big", &head)
            .verdict(verdict(CheckId::CacheHit, Outcome::Fail))
            .evidence_everything()
            .build();
        let html = page(&run.source(), Language::En);
        assert!(html.len() < 400_000, "{} bytes", html.len());
        assert!(html.contains("cut after"), "it says that it was cut");
    }
}
