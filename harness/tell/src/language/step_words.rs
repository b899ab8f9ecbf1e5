//! The words for the steps of a plan and for the line that shows where a run is.
//!
//! The live display prints them, reports name steps by them. Nothing is computed here.

use std::time::Duration;

use super::{Bytes, Counted, InWords, Language, Noun, Span};
use super::{case_words, cloud_words};
use crate::say;
use harness_model::plan::{Executor, Over, StepKind};

/// What a step does, in a few words, without a full stop.
pub fn doing(kind: &StepKind, language: Language) -> String {
    let ms = |time: Duration| Span(time.as_secs_f64() * 1000.0);
    match kind {
        StepKind::Fill(fill) => say!(language,
            en: "filling {keys}", es: "llenado de {keys}", keys = Counted(fill.keys.into(), Noun::Resource)),
        StepKind::Probe(probe) => say!(language,
            en: "probing around the TTL of {ttl}", es: "sondeo alrededor del TTL de {ttl}", ttl = ms(probe.at.ttl)),
        StepKind::Sliding(sliding) => say!(language,
            en: "using {keys} all the time", es: "uso continuo de {keys}", keys = Counted(sliding.keys.into(), Noun::Resource)),
        StepKind::Reread(_) => say!(language,
            en: "reading again what was cached", es: "relectura de lo que estaba en el caché"),
        StepKind::Serial(serial) if serial.body_bytes > 0 => say!(language,
            en: "{requests} one after the other ({method}, {bytes})", es: "{requests} una tras otra ({method}, {bytes})",
            requests = Counted(serial.requests.into(), Noun::Request), method = &serial.method, bytes = Bytes(serial.body_bytes)),
        StepKind::Serial(serial) => say!(language,
            en: "{requests} one after the other ({method})", es: "{requests} una tras otra ({method})",
            requests = Counted(serial.requests.into(), Noun::Request), method = &serial.method),
        StepKind::Batches(batches) => say!(language,
            en: "{batches} of {size} at once", es: "{batches} de {size} a la vez",
            batches = Counted(batches.count.into(), Noun::Batch), size = Counted(batches.size.into(), Noun::Request)),
        StepKind::Overlap(overlap) => say!(language,
            en: "{requests} held in the backends", es: "{requests} retenidas en los backends",
            requests = Counted(overlap.requests.into(), Noun::Request)),
        StepKind::Overtake(overtake) => say!(language,
            en: "fast requests beside one that takes {time}", es: "peticiones rápidas junto a una que tarda {time}",
            time = ms(overtake.slow_takes)),
        StepKind::Load(load) => match &load.executor {
            Executor::ConstantArrivalRate { rate_per_second, duration, .. } => say!(language,
                en: "load “{tag}”: {rate} requests a second for {time}", es: "carga «{tag}»: {rate} peticiones por segundo durante {time}",
                tag = &load.tag, rate = super::Decimal(*rate_per_second, 1), time = ms(*duration)),
            Executor::ConstantVus { vus, duration, .. } => say!(language,
                en: "load “{tag}”: {vus} virtual users for {time}", es: "carga «{tag}»: {vus} usuarios virtuales durante {time}",
                tag = &load.tag, vus = vus, time = ms(*duration)),
            Executor::RampingArrivalRate { start_per_second, stages, .. } => say!(language,
                en: "load “{tag}”: from {from} to {to} requests a second in {time}", es: "carga «{tag}»: de {from} a {to} peticiones por segundo en {time}",
                tag = &load.tag, from = super::Decimal(*start_per_second, 1),
                to = super::Decimal(stages.last().map_or(*start_per_second, |stage| stage.to_per_second), 1),
                time = ms(load.executor.duration())),
            Executor::RampingVus { start, stages } => say!(language,
                en: "load “{tag}”: from {from} to {to} virtual users in {time}", es: "carga «{tag}»: de {from} a {to} usuarios virtuales en {time}",
                tag = &load.tag, from = start, to = stages.last().map_or(*start, |stage| stage.to),
                time = ms(load.executor.duration())),
        },
        StepKind::Capacity(search) => say!(language,
            en: "highest rate with {quantile} below {limit} (“{tag}”)", es: "tasa más alta con {quantile} por debajo de {limit} («{tag}»)",
            quantile = super::Quantile(search.quantile), limit = ms(search.limit), tag = &search.load.tag),
        StepKind::Crash(crash) if crash.vus > 0 => say!(language,
            en: "SIGKILL in the middle of writing", es: "SIGKILL en plena escritura"),
        StepKind::Crash(_) => say!(language, en: "SIGKILL", es: "SIGKILL"),
        StepKind::Restart(restart) if restart.stop_first => say!(language,
            en: "orderly stop and start of the proxy", es: "parada ordenada y arranque del proxy"),
        StepKind::Restart(_) => {
            say!(language, en: "start of the proxy after the crash", es: "arranque del proxy tras la caída")
        }
        StepKind::Backends(change) => {
            let count = Counted(change.which.len() as u64, Noun::Backend);
            if change.up {
                say!(language, en: "{count} back in service", es: "{count} de vuelta en servicio", count = count)
            } else {
                say!(language, en: "{count} out of service", es: "{count} fuera de servicio", count = count)
            }
        }
        StepKind::Case(step) => case_words::doing(step, language),
        StepKind::Cloud(step) => cloud_words::doing(step, language),
        StepKind::Handshakes(_) => say!(language,
            en: "TLS handshakes: every version, every offer of protocols",
            es: "saludos TLS: cada versión, cada oferta de protocolos"),
        StepKind::Exact(exact) if exact.over == Over::Tls => say!(language,
            en: "{method} {path} over TLS", es: "{method} {path} por TLS", method = &exact.method, path = &exact.path),
        StepKind::Exact(exact) if exact.over == Over::Http2 => say!(language,
            en: "{method} {path} over HTTP/2", es: "{method} {path} por HTTP/2", method = &exact.method, path = &exact.path),
        StepKind::Exact(exact) => say!(language,
            en: "{method} {path}, exactly as written", es: "{method} {path}, exactamente como está escrita",
            method = &exact.method, path = &exact.path),
        StepKind::Wait { duration } => {
            say!(language, en: "waiting {time}", es: "espera de {time}", time = ms(*duration))
        }
    }
}

/// Where a run is.
#[derive(Clone, Debug)]
pub struct Progressing<'a> {
    /// Number of the step, number of steps, and what it does.
    pub step: (usize, usize, &'a str),
    /// How much of the step is done, and of how much.
    pub of: Option<(String, String)>,
    /// Requests a second.
    pub rate: Option<u64>,
    /// Time that the run will still take, as estimated.
    pub left: Option<Duration>,
    /// How long nothing has come, where that is long.
    pub still: Option<Duration>,
}

/// What is done before the first step, and for how long; the proxy is being started where nothing else is said.
pub fn beginning(language: Language, what: Option<&str>, elapsed: Duration) -> String {
    let what = what
        .map_or_else(|| say!(language, en: "starting the proxy", es: "arranque del proxy"), str::to_owned);
    format!("{what} · {}", whole_seconds(elapsed).in_words(language))
}

/// Whole seconds: an estimate deserves no more.
fn whole_seconds(time: Duration) -> Span {
    Span(time.as_secs_f64().ceil() * 1000.0)
}

/// What a step does, in a part of a line: targets can be thousands of characters long.
fn shortened(doing: &str) -> String {
    const MOST: usize = 72;
    if doing.chars().count() <= MOST {
        return doing.to_owned();
    }
    let mut kept: String = doing.chars().take(MOST - 1).collect();
    kept.push('…');
    kept
}

/// Where a run is, on one line.
pub fn progress_line(language: Language, progress: &Progressing<'_>) -> String {
    let (number, steps, doing) = progress.step;
    let doing = shortened(doing);
    let mut parts = vec![format!("[{number}/{steps}] {doing}")];
    if let Some((done, all)) = &progress.of {
        parts.push(say!(language, en: "{done} of {all}", es: "{done} de {all}", done = done, all = all));
    }
    if let Some(rate) = progress.rate {
        parts.push(format!("{}/s", rate.in_words(language)));
    }
    if let Some(left) = progress.left {
        parts.push(say!(language, en: "{left} left", es: "faltan {left}", left = whole_seconds(left)));
    }
    if let Some(still) = progress.still {
        parts.push(say!(language,
            en: "nothing has come back for {still}", es: "hace {still} que no llega nada", still = whole_seconds(still)));
    }
    parts.join(" · ")
}
