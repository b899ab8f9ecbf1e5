//! How far the report can be trusted: what the harness itself did wrong or late, how restless the host was, and what could
//! not be concluded, with the reason.
//!
//! A reader who doubts a verdict starts here. It leaves nothing out that weakens a verdict.

use maud::{Markup, html};

use super::page::{Page, told};
use crate::language::conduct_words::cut_by;
use crate::language::page_words::{
    honest_all_checked, honest_anomalies, honest_crash_tier, honest_hits, honest_interrupted, honest_noise,
    honest_not_checked, honest_pressure, honest_profile, honest_send_lag, step_problem,
};
use crate::language::profile_words::so_far;
use crate::language::report_words::Label;
use crate::language::step_words::doing;
use crate::language::{Counted, InWords as _, Milliseconds, Noun, Percent};
use crate::report::latency::by_tag;
use crate::report::markdown::symbol;
use crate::report::series::noise;
use crate::report::wire::plain;
use harness_judge::check::Outcome;
use harness_model::history::{EventKind, NOT_OVER};

/// The section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let language = page.language;
    html! {
        section #honesty aria-labelledby="h-honesty" {
            h2 #h-honesty { (page.label(Label::Honesty)) }
            (not_concluded(page))
            ul .plain-list {
                @for sentence in sentences(page) { li { (sentence) } }
                li { (honest_hits(language)) }
                @if let Some(manifest) = &page.source.attachments.manifest {
                    li { (honest_profile(language, &plain(&manifest.facts.profile, 80))) }
                }
            }
        }
    }
}

fn not_concluded(page: &Page<'_>) -> Markup {
    let open: Vec<_> =
        page.source.verdicts.iter().filter(|v| !matches!(v.outcome, Outcome::Pass | Outcome::Fail)).collect();
    html! {
        @if page.source.verdicts.is_empty() {
        } @else if open.is_empty() {
            p { (honest_all_checked(page.language)) }
        } @else {
            p { (honest_not_checked(page.language)) }
            ul .open-list {
                @for verdict in open {
                    li {
                        span aria-hidden="true" { (symbol(verdict.outcome)) } " "
                        a href={ "#" (verdict.check.name()) } { (verdict.check.name()) } ", "
                        (verdict.outcome.in_words(page.language)) ": " (told(page, verdict)) "."
                    }
                }
            }
        }
    }
}

fn sentences(page: &Page<'_>) -> Vec<String> {
    let (source, language) = (&page.source, page.language);
    let ms = |nanoseconds: u64| Milliseconds(nanoseconds as f64 / 1e6);
    let mut all = Vec::new();
    for event in source.events() {
        match &event.event {
            EventKind::Interrupted { reason, .. } if reason == NOT_OVER => {
                all.push(format!("{}.", so_far(language)));
            }
            EventKind::Interrupted { reason, by } => {
                let reason = by.map_or_else(|| plain(reason, 200), |by| cut_by(language, by).into());
                all.push(honest_interrupted(language, &reason));
            }
            EventKind::StepEnded { problem: Some(problem) } => {
                let step = event.step.and_then(|index| source.plan().steps.get(index));
                let name = step.map_or_else(|| "?".to_owned(), |step| doing(&step.kind, language));
                all.push(step_problem(language, &name, &plain(&problem.in_words(language), 400)));
            }
            _ => {}
        }
    }
    for tag in by_tag(source) {
        if let Some(lag) = tag.send_lag.filter(|lag| !lag.is_empty()) {
            let at = |quantile: f64| ms(lag.value_at_quantile(quantile));
            all.push(honest_send_lag(language, &plain(&tag.tag, 60), at(0.5), at(0.99), ms(lag.max())));
        }
    }
    let noises = noise(source);
    if !noises.is_empty() {
        let most =
            |of: fn(&harness_model::history::HostNoise) -> f64| noises.iter().map(of).fold(0.0, f64::max);
        all.push(honest_noise(
            language,
            Milliseconds(most(|n| n.p99_overshoot.as_secs_f64() * 1000.0)),
            Milliseconds(most(|n| n.worst_overshoot.as_secs_f64() * 1000.0)),
            Percent(most(|n| n.steal)),
        ));
        if noises.iter().any(|n| n.cpu_pressure.is_some()) {
            all.push(honest_pressure(language, Percent(most(|n| n.cpu_pressure.unwrap_or(0.0)))));
        }
    }
    if page.overview.kills > 0 {
        all.push(honest_crash_tier(language, Counted(page.overview.kills as u64, Noun::Kill)));
    }
    let anomalies =
        source.events().iter().filter(|event| matches!(event.event, EventKind::Anomaly(_))).count();
    if anomalies > 0 {
        all.push(honest_anomalies(language, anomalies));
    }
    all
}
