//! The words on plots: titles, axes, legends and the descriptions that a screen reader reads.
//!
//! `report::plot` draws them and the pages repeat them. Axes always name their unit.

use super::{Counted, Decimal, Milliseconds, Noun, Percent, Quantile, Span};
use crate::{messages, words};

/// A word on a plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its English text")]
pub enum PlotWord {
    Age,
    ServedFromCache,
    AskedTheBackend,
    ShareServed,
    Percentile,
    Latency,
    FromIntended,
    FromSending,
    OfErrors,
    SinceStart,
    Order,
    Share,
    Memory,
    Cpu,
    ProxyRuns,
    Killed,
    Died,
    Started,
    NoSample,
    RequestNumber,
    Density,
    Outage,
    Served,
    Knee,
    HighestKept,
    Refused,
    InSeries,
    InBatches,
}

words!(PlotWord {
    PlotWord::Age => { en: "age of the entry (ms)", es: "edad de lo guardado (ms)" },
    PlotWord::ServedFromCache => { en: "served from the cache", es: "servido desde el caché" },
    PlotWord::AskedTheBackend => { en: "asked the backend", es: "pedido al backend" },
    PlotWord::ShareServed => { en: "share served from the cache", es: "proporción servida desde el caché" },
    PlotWord::Percentile => { en: "percentile (axis: 1/(1−p), logarithmic)", es: "percentil (eje: 1/(1−p), logarítmico)" },
    PlotWord::Latency => { en: "latency (ms)", es: "latencia (ms)" },
    PlotWord::FromIntended => { en: "from the intended instant", es: "desde el instante previsto" },
    PlotWord::FromSending => { en: "from the sending", es: "desde el envío" },
    PlotWord::OfErrors => { en: "errors", es: "errores" },
    PlotWord::SinceStart => { en: "time since the start of the run (s)", es: "tiempo desde el inicio (s)" },
    PlotWord::Order => { en: "order of arrival", es: "orden de llegada" },
    PlotWord::Share => { en: "requests per backend", es: "peticiones por backend" },
    PlotWord::Memory => { en: "memory, RSS (MiB)", es: "memoria, RSS (MiB)" },
    PlotWord::Cpu => { en: "CPU (% of one core)", es: "CPU (% de un núcleo)" },
    PlotWord::ProxyRuns => { en: "proxy running", es: "proxy en marcha" },
    PlotWord::Killed => { en: "SIGKILL", es: "SIGKILL" },
    PlotWord::Died => { en: "ended by itself", es: "terminó por sí solo" },
    PlotWord::Started => { en: "ready", es: "listo" },
    PlotWord::NoSample => { en: "no answer of success was measured", es: "no se midió ninguna respuesta correcta" },
    PlotWord::RequestNumber => { en: "number of the request at the backends", es: "número de la petición en los backends" },
    PlotWord::Served => { en: "answers of success per second", es: "respuestas correctas por segundo" },
    PlotWord::Knee => { en: "knee", es: "codo" },
    PlotWord::HighestKept => { en: "highest kept", es: "máxima lograda" },
    PlotWord::Refused => { en: "beyond the limit", es: "fuera del límite" },
    PlotWord::InSeries => { en: "one after the other", es: "una tras otra" },
    PlotWord::InBatches => { en: "in batches", es: "por tandas" },
    PlotWord::Outage => { en: "shaded: backends that are down", es: "sombreado: backends caídos" },
    PlotWord::Density => { en: "stronger: more requests", es: "más intenso: más peticiones" },
});

messages! {
    /// Title of the S-curve.
    pub fn expiry_title(ttl: Span, probes: Counted) {
        en: "Age of entries and where they were answered: TTL {ttl}, {probes}",
        es: "Edad de lo guardado y de dónde se respondió: TTL {ttl}, {probes}",
    }
    /// Title of the S-curve of entries that lived through a restart of the proxy.
    pub fn expiry_title_restarted(ttl: Span, probes: Counted) {
        en: "Age of entries over a restart of the proxy: TTL {ttl}, {probes}",
        es: "Edad de lo guardado a través de un reinicio del proxy: TTL {ttl}, {probes}",
    }
    /// Description of the S-curve where there are answers on both sides.
    pub fn expiry_alt(last: Milliseconds, first: Milliseconds) {
        en: "Oldest entry proven to be served from the cache: {last}. Youngest entry proven to be gone: {first}.",
        es: "Lo más antiguo que consta servido desde el caché: {last}. Lo más reciente que consta vencido: {first}.",
    }
    /// Description of the S-curve where one side is empty.
    pub fn expiry_alt_one_sided(served: u64, gone: u64) {
        en: "{served} probes were served from the cache, {gone} reached a backend.",
        es: "{served} sondeos se sirvieron desde el caché, {gone} llegaron a un backend.",
    }
    /// Probes of ages between two, in milliseconds.
    pub fn probes_between(from: Decimal, to: Decimal, served: u64, gone: u64) {
        en: "{from}–{to} ms: {served} from the cache, {gone} from a backend",
        es: "{from}–{to} ms: {served} desde el caché, {gone} de un backend",
    }
    /// The line of the TTL.
    pub fn ttl_line(ttl: Span) { en: "TTL {ttl}", es: "TTL {ttl}" }
    /// The bracket of the expiry.
    pub fn bracket(last: Milliseconds, first: Milliseconds) { en: "expiry between {last} and {first}", es: "expiración entre {last} y {first}" }
    /// Title of the spectrum.
    pub fn spectrum_title(tag: &str, samples: Counted) {
        en: "Latency by percentile: {tag}, {samples}",
        es: "Latencia por percentil: {tag}, {samples}",
    }
    /// One percentile, for a description.
    pub fn percentile_is(quantile: Quantile, value: Milliseconds) { en: "{quantile} {value}", es: "{quantile} {value}" }
    /// A threshold on the spectrum.
    pub fn threshold(quantile: Quantile, limit: Span) { en: "{quantile} < {limit}", es: "{quantile} < {limit}" }
    /// Title of the latency over time.
    pub fn over_time_title(tag: &str, samples: Counted) {
        en: "Latency over time: {tag}, {samples}",
        es: "Latencia en el tiempo: {tag}, {samples}",
    }
    /// How many errors there were.
    pub fn errors_seen(errors: u64) { en: "{errors} errors", es: "{errors} errores" }
    /// Title of the rotation.
    pub fn rotation_title(phase: &str, attempts: Counted, backends: Counted) {
        en: "Share and order of the backends, asked {phase}: {attempts}, {backends}",
        es: "Reparto y orden de los backends, con peticiones {phase}: {attempts}, {backends}",
    }
    /// Where all bars would end.
    pub fn ideal_share(share: Percent) { en: "ideal: {share}", es: "ideal: {share}" }
    /// What one backend got.
    pub fn share_of(backend: &str, attempts: u64, share: Percent) { en: "{backend}: {attempts} ({share})", es: "{backend}: {attempts} ({share})" }
    /// Whose turn an attempt was.
    pub fn turn_of(attempt: u64, backend: &str) { en: "attempt {attempt}: {backend}", es: "intento {attempt}: {backend}" }
    /// The order is shown only as far as this.
    pub fn first_of(shown: u64, all: u64) { en: "the first {shown} of {all}", es: "las primeras {shown} de {all}" }
    /// Title of the throughput–latency curve.
    pub fn capacity_title(quantile: Quantile, rungs: Counted) {
        en: "Throughput and latency ({quantile}): {rungs}",
        es: "Caudal y latencia ({quantile}): {rungs}",
    }
    /// What a search found.
    pub fn capacity_alt(tag: &str, kept: Decimal, refused: Decimal) {
        en: "{tag}: {kept} per second within the limit, {refused} beyond it",
        es: "{tag}: {kept} por segundo dentro del límite, {refused} fuera de él",
    }
    /// What came of a rate that was asked for.
    pub fn served_of(asked: Decimal, served: Decimal) {
        en: "{asked} per second asked for, {served} served",
        es: "{asked} por segundo pedidas, {served} servidas",
    }
    /// What a search found where nothing was refused.
    pub fn capacity_alt_open(tag: &str, kept: Decimal) {
        en: "{tag}: {kept} per second within the limit",
        es: "{tag}: {kept} por segundo dentro del límite",
    }
    /// Title of the life of the proxy.
    pub fn life_title(starts: Counted, kills: Counted, samples: Counted) {
        en: "Life and resources of the proxy: {starts}, {kills}, {samples}",
        es: "Vida y recursos del proxy: {starts}, {kills}, {samples}",
    }
    /// Description of the life of the proxy.
    pub fn life_alt(starts: Counted, kills: Counted, time: Span) {
        en: "{starts} and {kills} within {time}.",
        es: "{starts} y {kills} en {time}.",
    }
}

/// How many attempts, probes, samples and so on: the nouns of titles.
pub fn counted(number: usize, noun: Noun) -> Counted {
    Counted(number as u64, noun)
}
