//! The page of a league: the matrix of proxies and requirements, costs and latencies, each proxy by itself, every check.
//!
//! `report::league` writes it once in each language. Every figure is one of the document; every verdict leads to the page of the
//! run that shows it, which lies beneath the folder of the league.

use maud::{Markup, html};

use super::environment::host_in_words;
use super::forest::{Axis, axis_of, strip, tone};
use super::frame::{Frame, coded, framed};
use super::trend::{class, encoded};
use crate::language::compare_words::{CompareLabel, covers, middle, noise, ratio, shown};
use crate::language::league_words::{
    LeagueLabel, Share, cell, how_to_read, meaning, not_carried_out, ratios_to, rounds_of, what_it_asks,
};
use crate::language::page_words::resolution;
use crate::language::report_words::{Label, verdict_words};
use crate::language::{InWords as _, Language, Milliseconds, Percent, requirement_text, title};
use crate::report::league::{
    Cell, CheckRow, Entrant, League, Speed, SpeedFigure, SpeedSide, league_file, sign,
};
use crate::report::wire::plain;
use harness_judge::check::Outcome;
use harness_judge::compare::{Middle, Subject};
use harness_model::adapter::CacheMedium;
use harness_model::catalogue::{CheckId, Kind};

/// The matrix: names stay in sight where it scrolls, signs have the colour of their verdict.
const OWN_STYLE: &str = "\
.matrix{width:auto;min-width:100%}.matrix th,.matrix td{white-space:nowrap;overflow-wrap:normal;padding:.45rem .9rem .45rem 0;vertical-align:middle;font-variant-numeric:tabular-nums}\
.matrix th[scope=row]{position:sticky;left:0;background:var(--paper);z-index:1;font-weight:600}.matrix th[scope=row] small{display:block;font-weight:400}\
.apart{margin-top:1.6rem}.matrix td a,.matrix td span.sign{color:var(--tone);text-decoration:none;font-weight:400}.matrix td a:hover{text-decoration:underline}.matrix td small{display:block}\
.every td{text-align:center;padding-right:.4rem}.every thead th:not(:first-child){writing-mode:vertical-rl;transform:rotate(180deg);padding:.3rem 0;vertical-align:top;text-align:left}\
.every .group th{color:var(--soft);font-weight:600;padding-top:1rem;position:static}\
.proxy{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:.9rem clamp(.9rem,3vw,1.4rem);margin:0 0 .9rem}.proxy h3{margin:0 0 .2rem}.proxy>p:first-of-type{margin-top:0}.proxy li{margin:.3rem 0}.proxy .fail a,.proxy .inconclusive a,.proxy .blocked a{color:var(--tone)}\
.names{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1.2rem}.names dt{font-weight:600}.names dd{margin:0;min-width:0;overflow-wrap:anywhere}\
.speed h3{margin:1.8rem 0 .4rem}.speed .forest th[scope=row] small{display:block;font-weight:400}\
@media (min-width:70rem){.speed .forest{table-layout:fixed}.speed .forest thead th:nth-child(1){width:22%}.speed .forest thead th.axis{width:20rem}}";

/// The whole page.
pub(in crate::report) fn league_page(league: &League, language: Language) -> String {
    let title = LeagueLabel::League.in_words(language);
    let frame = Frame {
        language,
        title: title.clone(),
        class: Some("league"),
        style: OWN_STYLE,
        skip: true,
        bar: html! { (Label::Report.in_words(language)) " · " (plain(league.started.get(..10).unwrap_or_default(), 10)) },
        other: league_file(language.choose(Language::Es, Language::En)),
    };
    let content = html! {
        div .alone {
            main #content {
                section {
                    h1 { (title) }
                    p .answer { (league.headline(language)) }
                    @if let Some(partial) = league.partial(language) { p .mend role="note" { (coded(&partial)) } }
                    p { (what_it_asks(language)) }
                    h2 #matrix .apart { (LeagueLabel::Requirements.in_words(language)) }
                    (matrix(league, language))
                    p .aside { (legend(language)) } p .aside { (how_to_read(language)) }
                    (what_they_ask(league, language))
                }
                section .speed #speed {
                    h2 { (LeagueLabel::Speed.in_words(language)) }
                    @match &league.speed {
                        Some(speed) => (costs(speed, language)),
                        None => p { (coded(&LeagueLabel::NoSpeed.in_words(language))) },
                    }
                }
                section #proxies {
                    h2 { (LeagueLabel::ProxyByProxy.in_words(language)) }
                    @for entrant in league.judged() { (by_itself(entrant, language)) }
                }
                @if league.absent().next().is_some() {
                    section #absent {
                        h2 { (LeagueLabel::NotHere.in_words(language)) }
                        p .aside { (LeagueLabel::ToInstall.in_words(language)) ":" }
                        dl .names {
                            @for entrant in league.absent() {
                                dt { (plain(&entrant.title, 80)) }
                                dd { code { (plain(entrant.advice.as_deref().unwrap_or("–"), 200)) } }
                            }
                        }
                    }
                }
                section #checks {
                    h2 { (LeagueLabel::AllChecks.in_words(language)) }
                    (every_check(league, language))
                }
                (conditions(league, language))
            }
        }
    };
    framed(&frame, &content)
}

fn legend(language: Language) -> String {
    let all = [Outcome::Pass, Outcome::Fail, Outcome::Inconclusive, Outcome::Unsupported, Outcome::Blocked];
    let mut words: Vec<String> = all
        .iter()
        .map(|outcome| format!("{} {}", sign(Some(*outcome)), outcome.in_words(language)))
        .collect();
    words.push(format!("{} {}", sign(None), LeagueLabel::NotCarriedOut.in_words(language)));
    words.join(" · ")
}

fn matrix(league: &League, language: Language) -> Markup {
    let requirements = league.requirements();
    html! {
        div .scroll tabindex="0" role="region" aria-label=(LeagueLabel::Requirements.in_words(language)) {
            table .matrix {
                thead {
                    tr {
                        th scope="col" { (Label::Proxy.in_words(language)) }
                        @for requirement in &requirements {
                            th scope="col" { abbr title=(requirement_text(*requirement, language)) { (requirement.id()) } }
                        }
                        th scope="col" { (LeagueLabel::Sum.in_words(language)) }
                    }
                }
                tbody {
                    @for entrant in league.judged() {
                        tr {
                            th scope="row" {
                                a href={ "#proxy-" (encoded(&entrant.name)) } { (plain(&entrant.name, 40)) }
                                small { (cache_words(entrant.capabilities.cache, language)) }
                            }
                            @for requirement in &requirements {
                                @match entrant.cells.iter().find(|cell| cell.requirement == *requirement) {
                                    Some(cell) => (verdict(cell, language)),
                                    None => td {},
                                }
                            }
                            td { (entrant.share().in_words(language)) }
                        }
                    }
                }
            }
        }
    }
}

/// Where its cache lies, in two words.
fn cache_words(cache: CacheMedium, language: Language) -> String {
    format!("{}: {}", Label::CacheMedium.in_words(language), cache.in_words(language))
}

fn verdict(it: &Cell, language: Language) -> Markup {
    let outcome = outcome_words(it.outcome, language);
    let said = cell(language, &outcome, it.passed, it.required, it.beyond_passed, it.beyond);
    let figure = html! {
        (sign(it.outcome)) " "
        @if it.required > 0 { (Share(it.passed, it.required).in_words(language)) }
    };
    // Where all passed it leads to the run, otherwise to what did not.
    let check = it.check.filter(|_| it.outcome != Some(Outcome::Pass));
    html! {
        td .(tone_of(it.outcome)) {
            (linked(it.run.as_deref(), check, language, &said, &figure))
            @if it.beyond > 0 { small title=(said) { "+" (Share(it.beyond_passed, it.beyond).in_words(language)) } }
        }
    }
}

/// Something that leads to the page of a run, and to a check on it.
fn linked(
    run: Option<&str>,
    check: Option<CheckId>,
    language: Language,
    said: &str,
    what: &Markup,
) -> Markup {
    let place = check.map_or_else(String::new, |check| format!("#{}", check.name()));
    html! {
        @match run {
            Some(run) => a href={ (address(run)) "/report." (language.code()) ".html" (place) } title=(said) aria-label=(said) { (what) },
            None => span .sign title=(said) { (what) },
        }
    }
}

fn address(run: &str) -> String {
    run.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

fn outcome_words(outcome: Option<Outcome>, language: Language) -> String {
    outcome
        .map_or_else(|| LeagueLabel::NotCarriedOut.in_words(language), |outcome| outcome.in_words(language))
}

fn tone_of(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("blocked", class)
}

fn what_they_ask(league: &League, language: Language) -> Markup {
    html! {
        details {
            summary { (LeagueLabel::WhatTheyAsk.in_words(language)) }
            dl .names {
                @for requirement in league.requirements() {
                    dt { (requirement.id()) } dd { (requirement_text(requirement, language)) }
                }
            }
        }
    }
}

fn costs(speed: &Speed, language: Language) -> Markup {
    let level = Percent(speed.level);
    html! {
        p { (plain(language.of(&speed.title), 160)) ". " (rounds_of(language, speed.rounds, speed.wanted)) " " (ratios_to(language, &plain(&speed.reference, 40))) }
        p .aside { (covers(language)) }
        @for trouble in &speed.troubles { p .note { (coded(language.of(trouble))) } }
        @for (subject, rows) in speed.tables() { (figures(speed, &subject, &rows, language)) }
        details {
            summary { (CompareLabel::HowMeasured.in_words(language)) }
            p .aside { (crate::language::compare_words::how_to_read(language, level)) }
            p .aside { (noise(language, Milliseconds(speed.noise_ms))) }
        }
    }
}

/// One figure of every side, the least first, with its ratio to the reference drawn to scale.
fn figures(
    speed: &Speed,
    subject: &Subject,
    rows: &[(&SpeedSide, &SpeedFigure, Middle)],
    language: Language,
) -> Markup {
    let others = || rows.iter().filter(|(side, ..)| side.name != speed.reference);
    let pairs: Vec<_> = others().filter_map(|(_, figure, _)| figure.to_reference.as_ref()).collect();
    let axis = Axis::over(&pairs);
    let quotient = format!("÷ {}", plain(&speed.reference, 40));
    let column = LeagueLabel::Figure.in_words(language);
    html! {
        h3 { (plain(&subject.in_words(language), 80)) }
        table .forest {
            thead {
                tr {
                    th scope="col" { (Label::Proxy.in_words(language)) }
                    th scope="col" { (column) }
                    th scope="col" { (quotient) }
                    th scope="col" .axis { span .hidden { (CompareLabel::Rounds.in_words(language)) } (axis_of(&axis, language)) }
                }
            }
            tbody {
                @for (side, figure, value) in rows {
                    @let is_reference = side.name == speed.reference;
                    @let pair = figure.to_reference.as_ref().filter(|_| !is_reference);
                    tr .(tone(pair)) {
                        th scope="row" {
                            (plain(&side.name, 40))
                            @if side.cache == Some(CacheMedium::None) { " " small { (LeagueLabel::NoCache.in_words(language)) } }
                        }
                        td data-of=(column) { (middle(language, subject.metric, Some(*value))) }
                        @if is_reference { td .ratio { (LeagueLabel::Reference.in_words(language)) } }
                        @else { td .ratio data-of=(quotient) { b { (ratio(language, pair)) } " " small { (shown(language, pair)) } } }
                        td { @if let Some(pair) = pair { (strip(&axis, pair, language)) } }
                    }
                }
            }
        }
    }
}

/// What a proxy did not meet, what it declares, its runs.
fn by_itself(entrant: &Entrant, language: Language) -> Markup {
    let version = entrant.version.as_deref().map_or_else(|| "–".to_owned(), |version| plain(version, 120));
    let required: Vec<&CheckRow> = entrant.not_met(Kind::Required).collect();
    let beyond: Vec<&CheckRow> = entrant.not_met(Kind::Optimal).collect();
    html! {
        article .proxy #{ "proxy-" (encoded(&entrant.name)) } {
            h3 { (plain(&entrant.title, 80)) }
            p .aside { (entrant.share().in_words(language)) " · " (LeagueLabel::Version.in_words(language)) ": " (version) }
            @let missing = entrant.not_carried_out();
            @if missing > 0 { p .blocked { span .sign { (sign(None)) } " " (not_carried_out(language, missing)) } }
            @if entrant.share().is_whole() { p { (LeagueLabel::AllMet.in_words(language)) } }
            @if !required.is_empty() { h4 { (LeagueLabel::NotMet.in_words(language)) } (list(&required, language)) p .aside { (LeagueLabel::WhatFollows.in_words(language)) } }
            @if !beyond.is_empty() {
                details {
                    summary { (LeagueLabel::Beyond.in_words(language)) " (" (beyond.len()) ")" }
                    (list(&beyond, language))
                }
            }
            details {
                summary { (Label::Declared.in_words(language)) }
                (declared(entrant, language))
            }
            details {
                summary { (LeagueLabel::Runs.in_words(language)) " (" (entrant.runs.len()) ")" }
                ul {
                    @for run in &entrant.runs {
                        @let words = verdict_words(run.exit_code, language);
                        li { (linked(run.folder.as_deref(), None, language, words, &html! { (plain(&run.scenario, 60)) })) ": " (words) }
                    }
                }
            }
        }
    }
}

fn list(rows: &[&CheckRow], language: Language) -> Markup {
    html! {
        ul .plain-list {
            @for row in rows {
                @let words = outcome_words(row.outcome, language);
                @let name = html! { (sign(row.outcome)) " " code { (row.check.name()) } };
                li .(tone_of(row.outcome)) {
                    (linked(row.run.as_deref(), Some(row.check), language, &format!("{}: {words}", row.check.name()), &name))
                    " – " (coded(&title(row.check, language))) ". " small { (words) @if let Some(seen) = &row.seen { ": " (coded(language.of(seen))) } }
                }
            }
        }
    }
}

fn declared(entrant: &Entrant, language: Language) -> Markup {
    let it = &entrant.capabilities;
    let ms = |time: std::time::Duration| Milliseconds(time.as_secs_f64() * 1000.0);
    let (early, late) = (ms(it.ttl_resolution.early), ms(it.ttl_resolution.late));
    html! {
        dl .facts {
            div { dt { (Label::Adapter.in_words(language)) } dd { (plain(&entrant.adapter, 200)) } }
            div { dt { (Label::CacheMedium.in_words(language)) } dd { (it.cache.in_words(language)) } }
            div { dt { (Label::TtlFrom.in_words(language)) } dd { (it.ttl.in_words(language)) } }
            div { dt { (Label::TtlResolution.in_words(language)) } dd { (resolution(language, early, late)) } }
            div { dt { (Label::Rotations.in_words(language)) } dd { (it.rotations.in_words(language)) } }
            @if let Some(reference) = &it.reference {
                div { dt { (Label::Reference.in_words(language)) } dd { (plain(reference, 300)) } }
            }
        }
    }
}

/// Every check of every proxy, each sign a link.
fn every_check(league: &League, language: Language) -> Markup {
    let name = LeagueLabel::AllChecks.in_words(language);
    let judged: Vec<&Entrant> = league.judged().collect();
    let Some(first) = judged.first() else { return html! {} };
    html! {
        div .scroll tabindex="0" role="region" aria-label=(name) {
            table .matrix .every {
                thead {
                    tr {
                        th scope="col" { (Label::Check.in_words(language)) }
                        @for entrant in &judged { th scope="col" { (plain(&entrant.name, 40)) } }
                    }
                }
                tbody {
                    @for requirement in league.requirements() {
                        tr .group { th colspan=(judged.len() + 1) scope="rowgroup" { (requirement.id()) } }
                        @for row in first.checks.iter().filter(|row| row.requirement == requirement) {
                            tr {
                                th scope="row" { code { (row.check.name()) } small { (row.kind.in_words(language)) } }
                                @for entrant in &judged {
                                    @match entrant.checks.iter().find(|other| other.check == row.check) {
                                        Some(other) => (mark(entrant, other, language)),
                                        None => td {},
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn mark(entrant: &Entrant, row: &CheckRow, language: Language) -> Markup {
    let said = format!(
        "{} · {}: {}",
        plain(&entrant.name, 40),
        row.check.name(),
        outcome_words(row.outcome, language)
    );
    html! {
        td .(tone_of(row.outcome)) { (linked(row.run.as_deref(), Some(row.check), language, &said, &html! { (sign(row.outcome)) })) }
    }
}

/// What was typed, where, and what followed.
fn conditions(league: &League, language: Language) -> Markup {
    html! {
        section #conditions {
            h2 { (CompareLabel::HowMeasured.in_words(language)) }
            dl .facts {
                div .wide { dt { (Label::Command.in_words(language)) } dd { code { (plain(&league.command, 1_000)) } } }
                div { dt { (Label::Started.in_words(language)) } dd { (plain(&league.started, 40)) } }
                div { dt { (Label::Harness.in_words(language)) } dd { (league.harness) } }
                div { dt { (Label::ExitCode.in_words(language)) } dd { (league.exit_code.number()) " – " (meaning(league.exit_code, language)) } }
                div .wide {
                    dt { (Label::Host.in_words(language)) }
                    dd {
                        ul .host {
                            @for (label, value) in host_in_words(league.host.clone(), language) {
                                li { span .key { (label.in_words(language)) } " " (plain(&value, 200)) }
                            }
                        }
                    }
                }
                div .wide {
                    dt { (Label::Scenario.in_words(language)) }
                    dd { ul .host { @for scenario in &league.scenarios { li { span .key { (plain(&scenario.name, 60)) } " " (plain(language.of(&scenario.title), 160)) } } } }
                }
            }
        }
    }
}
