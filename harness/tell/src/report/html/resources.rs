//! What the proxy used: CPU, memory, threads, files, over the run and per request.
//!
//! Samples of the operating system over all of the proxy's processes. Nothing here is a verdict.

use std::path::Path;

use harness_model::adapter::Program;
use harness_model::history::EventKind;
use maud::{Markup, html};

use super::page::Page;
use super::requirements::drawing;
use crate::language::page_words::{built_unoptimised, no_resources, resources_intro};
use crate::language::report_words::Label;
use crate::language::{Bytes, InWords as _, Span};
use crate::report::plot::Figure;
use crate::report::series::resources;

/// The section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let samples: Vec<_> = resources(&page.source).into_iter().map(|(_, sample)| sample).collect();
    let language = page.language;
    let most =
        |of: fn(&harness_model::history::ResourceSample) -> u64| samples.iter().map(of).max().unwrap_or(0);
    // CPU time begins anew with each start of the proxy: the falls between samples separate the starts.
    let cpu_ms: f64 = samples
        .iter()
        .zip(samples.iter().skip(1).map(Some).chain([None]))
        .filter(|(sample, next)| next.is_none_or(|next| next.cpu < sample.cpu))
        .map(|(sample, _)| sample.cpu.as_secs_f64() * 1000.0)
        .sum();
    html! {
        section #resources aria-labelledby="h-resources" {
            h2 #h-resources { (page.label(Label::Resources)) }
            @if samples.is_empty() {
                p .aside { (no_resources(language)) }
            } @else {
                p .intro {
                    (resources_intro(language))
                    @if unoptimised(page) { " " (built_unoptimised(language)) }
                }
                dl .facts {
                    div { dt { (page.label(Label::CpuTotal)) } dd { (Span(cpu_ms.round()).in_words(language)) } }
                    div { dt { (page.label(Label::PeakMemory)) } dd { (Bytes(most(|s| s.resident_bytes)).in_words(language)) } }
                    div { dt { (page.label(Label::Processes)) } dd { (most(|s| s.processes.into()).in_words(language)) } }
                    div { dt { (page.label(Label::Threads)) } dd { (most(|s| s.threads.into()).in_words(language)) } }
                    div { dt { (page.label(Label::OpenFiles)) } dd { (most(|s| s.open_files.into()).in_words(language)) } }
                    div { dt { (page.label(Label::ContextSwitches)) } dd { (most(|s| s.context_switches).in_words(language)) } }
                    div { dt { (page.label(Label::Samples)) } dd { (samples.len().in_words(language)) } }
                }
            }
            @for figure in &page.figures { @if matches!(figure, Figure::Life(_)) { (drawing(page, figure)) } }
        }
    }
}

/// Whether it is a program of this workspace as it is built where nothing is about speed: cargo calls that folder `debug`.
fn unoptimised(page: &Page<'_>) -> bool {
    let of_this_workspace = matches!(page.source.plan().adapter.program, Program::Cargo { .. });
    let started = page.source.record.events.iter().find_map(|event| match &event.event {
        EventKind::ProxyStarting { argv, .. } => argv.first(),
        _ => None,
    });
    let folder = started.and_then(|program| Path::new(program).parent()?.file_name());
    of_this_workspace && folder.is_some_and(|folder| folder == "debug")
}
