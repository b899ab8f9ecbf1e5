//! Where and with what the run was made: host, harness, proxy, its starts and its configuration, the files of the run.
//!
//! Everything that a second person needs to compare or repeat it. Taken from the manifest and the record.

use maud::{Markup, html};
use serde::Deserialize as _;

use super::page::Page;
use crate::language::compare_words::pin_words;
use crate::language::containment_words::what_was_not_kept;
use crate::language::page_words::{isolation_words, resolution};
use crate::language::profile_words;
use crate::language::report_words::Label;
use crate::language::{Bytes, Decimal, InWords as _, Language, Milliseconds};
use crate::report::attachments::quoted;
use crate::report::wire::plain;
use harness_model::history::EventKind;
use harness_platform::HostFacts;

/// The section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    html! {
        section #environment aria-labelledby="h-environment" {
            h2 #h-environment { (page.label(Label::Environment)) }
            (manifest(page))
            (declared(page))
            (starts(page))
            (configuration(page))
            (files(page))
        }
    }
}

fn manifest(page: &Page<'_>) -> Markup {
    let Some(manifest) = &page.source.attachments.manifest else { return html! {} };
    let facts = &manifest.facts;
    html! {
        dl .facts {
            div { dt { (page.label(Label::Harness)) } dd { (facts.harness) } }
            div { dt { (page.label(Label::Profile)) } dd { (facts.profile) } }
            div { dt { (page.label(Label::Network)) } dd { (isolation_words(&facts.network, page.language)) } }
            @if let Some(isolation) = &facts.isolation { div { dt { (page.label(Label::Isolation)) } dd { (isolation_words(isolation, page.language)) } } }
            @if !facts.not_kept.is_empty() {
                div .wide {
                    dt { (what_was_not_kept(page.language)) }
                    dd { ul .host { @for what in &facts.not_kept { li { (what.in_words(page.language)) } } } }
                }
            }
            @if let Some(pin) = &page.source.plan().pin { div { dt { "CPU" } dd { (pin_words(page.language, pin)) } } }
            @if let Some(profile) = &page.source.plan().profile {
                div .wide { dt { (profile_words::heading(page.language)) } dd { (profile_words::profile(page.language, profile)) } }
            }
            @if let Some(program) = &facts.program {
                div .wide {
                    dt { (page.label(Label::Program)) }
                    dd {
                        code { (plain(program, 300)) }
                        @if let Some(hash) = &facts.program_sha256 { br; small { "SHA-256 " code { (hash) } } }
                    }
                }
            }
            div .wide {
                dt { (page.label(Label::Host)) }
                dd {
                    ul .host { @for (label, value) in host(page, &facts.host) { li { span .key { (page.label(label)) } " " (plain(&value, 200)) } } }
                }
            }
        }
    }
}

/// The facts of the host that are known, as labels and words. A manifest of another version may have others: they are left out.
fn host(page: &Page<'_>, facts: &serde_json::Value) -> Vec<(Label, String)> {
    HostFacts::deserialize(facts).map_or_else(|_| Vec::new(), |host| host_in_words(host, page.language))
}

/// What is known of a host, as labels and words.
pub(super) fn host_in_words(host: HostFacts, language: Language) -> Vec<(Label, String)> {
    let virtualised = if host.virtualised { Label::Yes } else { Label::No };
    [
        (Label::System, Some(host.system)),
        (Label::Distribution, host.distribution),
        (Label::Cpu, host.cpu),
        (Label::Cores, Some(host.cores.in_words(language))),
        (Label::CpuQuota, host.cpu_quota.map(|quota| Decimal(quota, 2).in_words(language))),
        (Label::Memory, host.memory_bytes.map(|bytes| Bytes(bytes).in_words(language))),
        (Label::MemoryLimit, host.memory_limit_bytes.map(|bytes| Bytes(bytes).in_words(language))),
        (Label::Virtualised, Some(virtualised.in_words(language))),
        (Label::Governor, host.frequency_governor),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, value?)))
    .collect()
}

fn declared(page: &Page<'_>) -> Markup {
    let adapter = &page.source.plan().adapter;
    let capabilities = &adapter.capabilities;
    let language = page.language;
    let ms = |time: std::time::Duration| Milliseconds(time.as_secs_f64() * 1000.0);
    html! {
        h3 { (page.label(Label::Declared)) " (" (adapter.name) ", " (plain(&adapter.origin, 200)) ")" }
        dl .facts {
            div { dt { (page.label(Label::CacheMedium)) } dd { (capabilities.cache.in_words(language)) } }
            div { dt { (page.label(Label::TtlFrom)) } dd { (capabilities.ttl.in_words(language)) } }
            div {
                dt { (page.label(Label::TtlResolution)) }
                dd { (resolution(language, ms(capabilities.ttl_resolution.early), ms(capabilities.ttl_resolution.late))) }
            }
            div { dt { (page.label(Label::Rotations)) } dd { (capabilities.rotations.in_words(language)) } }
            div { dt { (page.label(Label::StoreLag)) } dd { (ms(capabilities.store_lag).in_words(language)) } }
            @if let Some(reference) = &capabilities.reference {
                div { dt { (page.label(Label::Reference)) } dd { (plain(reference, 300)) } }
            }
        }
    }
}

fn starts(page: &Page<'_>) -> Markup {
    let language = page.language;
    let ms = |time: std::time::Duration| Milliseconds(time.as_secs_f64() * 1000.0).in_words(language);
    let ready: Vec<_> = page
        .source
        .events()
        .iter()
        .filter_map(|event| match &event.event {
            EventKind::ProxyReady { launch, listening_after, answered_after, .. } => {
                Some((*launch, *listening_after, *answered_after))
            }
            _ => None,
        })
        .collect();
    let commands = page.source.events().iter().filter_map(|event| match &event.event {
        EventKind::ProxyStarting { launch, argv, listen, .. } => Some((*launch, argv, *listen)),
        _ => None,
    });
    html! {
        details {
            summary { (page.label(Label::Start)) " · " (page.label(Label::Command)) }
            div .scroll tabindex="0" role="region" aria-label=(page.label(Label::Start)) {
                table .figures .left {
                    thead {
                        tr {
                            th scope="col" { (page.label(Label::Start)) }
                            th scope="col" { (page.label(Label::ListeningAfter)) }
                            th scope="col" { (page.label(Label::AnsweredAfter)) }
                            th scope="col" { (page.label(Label::Command)) }
                        }
                    }
                    tbody {
                        @for (launch, argv, listen) in commands {
                            @let times = ready.iter().find(|(of, ..)| *of == launch);
                            tr {
                                td { (launch) }
                                td { @match times { Some((_, listening, _)) => (ms(*listening)), None => "–" } }
                                td { @match times.and_then(|(_, _, answered)| *answered) { Some(time) => (ms(time)), None => "–" } }
                                td {
                                    code { (plain(&argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "), 400)) }
                                    " (" (listen) ")"
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The files rendered for the first start; later starts differ in settings that the scenario names.
fn configuration(page: &Page<'_>) -> Markup {
    let first = page.source.events().iter().find_map(|event| match &event.event {
        EventKind::ProxyStarting { configuration, .. } if !configuration.is_empty() => Some(configuration),
        _ => None,
    });
    html! {
        @for file in first.into_iter().flatten() {
            details {
                summary { (page.label(Label::Configuration)) " · " code { (plain(&file.path, 200)) } }
                pre tabindex="0" { (crate::report::wire::bytes(file.text.replace('\n', "\r\n").as_bytes(), file.text.len() as u64, 16 * 1024, page.language)) }
            }
        }
    }
}

fn files(page: &Page<'_>) -> Markup {
    let Some(manifest) =
        page.source.attachments.manifest.as_ref().filter(|manifest| !manifest.files.is_empty())
    else {
        return html! {};
    };
    html! {
        details {
            summary { (page.label(Label::FilesOfRun)) }
            div .scroll tabindex="0" role="region" aria-label=(page.label(Label::FilesOfRun)) {
                table .figures .left {
                    thead { tr { th scope="col" { (page.label(Label::Files)) } th scope="col" { (page.label(Label::Bytes)) } th scope="col" { "SHA-256" } } }
                    tbody {
                        @for (name, entry) in &manifest.files {
                            tr { td { (name) } td .figure { (entry.bytes.in_words(page.language)) } td { code { (entry.sha256) } } }
                        }
                    }
                }
            }
        }
    }
}
