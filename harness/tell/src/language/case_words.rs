//! The words for the checks of the balancer of a cloud case: what they saw.
//!
//! `finding_words` asks here. No figure is computed here beyond a ratio of two that are shown.

use super::{Counted, Decimal, Language, Noun, Percent, Quantile, Span, operation_words, user_words};
use crate::say;
use harness_judge::check::{Bottleneck, CapacitySeen, CaseFinding, MultiplexingSeen, SizeSeen};
use harness_model::plan::CaseStep;

/// What a step of a case about the balancer does.
pub(super) fn doing(step: &CaseStep, language: Language) -> String {
    match step {
        CaseStep::Callers(callers) => say!(language,
            en: "requests from {n} addresses", es: "peticiones desde {n} direcciones", n = callers.from.len() as u64),
        CaseStep::Overload(overload) => say!(language,
            en: "overload “{label}”: {over} requests a second where {capacity} can be served",
            es: "sobrecarga «{label}»: {over} peticiones por segundo donde se pueden atender {capacity}",
            label = &overload.label, over = Decimal(overload.modest.over_per_second + overload.greedy.over_per_second, 0),
            capacity = Decimal(overload.capacity_per_second, 0)),
        CaseStep::Uploads(uploads) => say!(language,
            en: "{n} uploads to a queue", es: "{n} entregas a una cola", n = uploads.uploads),
        CaseStep::Origins(origins) => say!(language,
            en: "browsers of {n} origins, each with its preflight",
            es: "navegadores de {n} orígenes, cada uno con su petición previa (CORS)",
            n = (origins.allowed.len() + origins.strangers.len()) as u64),
        CaseStep::Votes(votes) => say!(language,
            en: "{users} users vote for {videos} videos, {times} times each at the same instant",
            es: "{users} usuarios votan por {videos} videos, {times} veces cada uno en el mismo instante",
            users = u64::from(votes.users), videos = u64::from(votes.videos), times = u64::from(votes.at_once)),
    }
}

/// What a check saw.
pub(super) fn sentence(finding: &CaseFinding, language: Language) -> String {
    match finding {
        CaseFinding::Multiplexing(seen) => multiplexing(seen, language),
        CaseFinding::Admission(seen) => operation_words::admission(seen, language),
        CaseFinding::Balance { loads, wanted } => operation_words::balance(loads, *wanted, language),
        CaseFinding::Overloads { overloads, share, within_ms } => {
            operation_words::overloads(overloads, *share, *within_ms, language)
        }
        CaseFinding::Health(seen) => operation_words::health(seen, language),
        CaseFinding::Votes(seen) => user_words::votes(seen, language),
        CaseFinding::Own(seen) => user_words::own(seen, language),
        CaseFinding::Expiry(seen) => user_words::expiry(seen, language),
        CaseFinding::Cors(seen) => user_words::cors(seen, language),
        CaseFinding::Worker { seen, within_ms } => operation_words::worker(seen, *within_ms, language),
        CaseFinding::Capacity { searches, share } => {
            let each: Vec<String> = searches.iter().map(|seen| capacity(seen, language)).collect();
            let first = searches.first();
            say!(language,
                en: "highest rate with {quantile} below {limit}: {each}; at least {share} of what the instances can serve is asked for",
                es: "tasa más alta con {quantile} por debajo de {limit}: {each}; se pide al menos {share} de lo que las instancias pueden atender",
                quantile = Quantile(first.map_or(0.0, |seen| seen.quantile)),
                limit = Span(first.map_or(0.0, |seen| seen.limit_ms)), each = each.join("; "), share = Percent(*share))
        }
    }
}

fn multiplexing(seen: &MultiplexingSeen, language: Language) -> String {
    say!(language,
        en: "{clients} client connections over {backend} backend connections ({ratio} clients for each, at least {wanted} asked for); {requests}, half of the connections carried {median} or more; at least {inside} were needed for what was inside at one instant; pinned: {pinned} of {sampled} clients sampled",
        es: "{clients} conexiones de clientes por {backend} conexiones a los backends ({ratio} clientes por cada una; se piden al menos {wanted}); {requests}, la mitad de las conexiones llevó {median} o más; hacían falta al menos {inside} para lo que estaba dentro en un mismo instante; atadas a una conexión propia: {pinned} de {sampled} clientes de la muestra",
        clients = seen.clients, backend = seen.backend_connections, ratio = Decimal(seen.ratio(), 1),
        wanted = Decimal(seen.wanted, 1), requests = Counted(seen.requests, Noun::Request), median = seen.median_requests,
        inside = seen.most_at_once, pinned = seen.pinned, sampled = seen.sampled_clients)
}

fn capacity(seen: &CapacitySeen, language: Language) -> String {
    let rate = |rate: f64| Decimal(rate, 0);
    let found = match (seen.kept, seen.refused) {
        (Some(kept), Some(refused)) => say!(language,
            en: "between {kept} and {refused} requests a second", es: "entre {kept} y {refused} peticiones por segundo",
            kept = rate(kept), refused = rate(refused)),
        (Some(kept), None) => say!(language,
            en: "{kept} requests a second or more", es: "{kept} peticiones por segundo o más", kept = rate(kept)),
        (None, Some(refused)) => say!(language,
            en: "less than {refused} requests a second", es: "menos de {refused} peticiones por segundo",
            refused = rate(refused)),
        (None, None) => say!(language, en: "nothing could be measured", es: "no se pudo medir nada"),
    };
    let instances = if seen.instances == 1 {
        say!(language, en: "1 instance", es: "1 instancia")
    } else {
        say!(language, en: "{n} instances", es: "{n} instancias", n = seen.instances)
    };
    let mut sentence = format!("{instances}: {found}");
    if let Some(reason) = &seen.reason {
        sentence += &format!(" ({})", bottleneck(reason, language));
    }
    if let Some(modelled) = seen.modelled {
        sentence += &say!(language,
            en: ", {modelled} by its model", es: ", {modelled} según su modelo", modelled = rate(modelled));
    }
    sentence += &size(seen.size, language);
    if seen.stopped {
        sentence += &say!(language, en: ", the scaling stops here", es: ", aquí deja de escalar");
    }
    if let Some(unmeasured) = seen.unmeasured {
        sentence += &say!(language,
            en: ", from {rate} on the harness itself was too late", es: ", desde {rate} el propio banco de pruebas llegaba tarde",
            rate = rate(unmeasured));
    }
    sentence
}

/// How a size stands by itself, where that is worth a word.
fn size(seen: SizeSeen, language: Language) -> String {
    match seen {
        SizeSeen::AsModelled => String::new(),
        SizeSeen::Below => say!(language, en: ", less than it can", es: ", menos de lo que puede"),
        SizeSeen::Beyond => say!(language,
            en: ", more than it can: something else answers", es: ", más de lo que puede: algo más responde"),
        SizeSeen::Outgrown => say!(language,
            en: ", more instances serve more than in proportion: something holds this number back",
            es: ", más instancias atienden más que en proporción: algo frena a este número"),
    }
}

/// What was full.
pub(super) fn bottleneck(reason: &Bottleneck, language: Language) -> String {
    match reason {
        Bottleneck::Shared { name, busy } => say!(language,
            en: "{name} {busy} busy", es: "{name} ocupado al {busy}", name = name, busy = Percent(*busy)),
        Bottleneck::Instances { busy } => say!(language,
            en: "the instances {busy} busy", es: "instancias ocupadas al {busy}", busy = Percent(*busy)),
        Bottleneck::Uneven { busiest, idlest } => say!(language,
            en: "one instance {busiest} busy, another one {idlest}", es: "una instancia ocupada al {busiest} y otra al {idlest}",
            busiest = Percent(*busiest), idlest = Percent(*idlest)),
        Bottleneck::Proxy { cpu } => say!(language,
            en: "the proxy used {cpu} of a CPU", es: "el proxy usó {cpu} de una CPU", cpu = Percent(*cpu)),
        Bottleneck::Errors { share } => say!(language,
            en: "nothing was full, yet {share} of the requests did not end well",
            es: "nada estaba lleno y aun así {share} de las peticiones no terminaron bien", share = Percent(*share)),
        Bottleneck::Unexplained { busy } => say!(language,
            en: "nothing was full, the busiest instance {busy}", es: "nada estaba lleno, la instancia más ocupada al {busy}",
            busy = Percent(*busy)),
    }
}

/// One of each finding, for the tests of sentences.
#[cfg(test)]
pub(super) fn samples() -> Vec<CaseFinding> {
    let multiplexing = MultiplexingSeen {
        clients: 100,
        backend_connections: 9,
        requests: 2_400,
        most_at_once: 7,
        median_requests: 260,
        sampled_clients: 98,
        pinned: 3,
        wanted: 4.0,
    };
    let searched = |instances, refused, reason| CapacitySeen {
        tag: "web".to_owned(),
        instances,
        quantile: 0.99,
        limit_ms: 60.0,
        kept: Some(700.0),
        kept_latency_ms: Some(51.0),
        refused,
        unmeasured: None,
        modelled: Some(750.0),
        leeway: 1.1,
        stopped: true,
        size: SizeSeen::Below,
        reason: Some(reason),
    };
    let nothing = CapacitySeen {
        kept: None,
        unmeasured: Some(800.0),
        ..searched(6, None, Bottleneck::Proxy { cpu: 0.98 })
    };
    let searches = vec![
        searched(1, Some(770.0), Bottleneck::Instances { busy: 0.96 }),
        searched(2, Some(770.0), Bottleneck::Shared { name: "database".to_owned(), busy: 0.97 }),
        searched(3, None, Bottleneck::Uneven { busiest: 0.97, idlest: 0.1 }),
        CapacitySeen { size: SizeSeen::Outgrown, ..searched(4, None, Bottleneck::Errors { share: 0.4 }) },
        CapacitySeen { kept: None, ..searched(5, Some(90.0), Bottleneck::Unexplained { busy: 0.4 }) },
        CapacitySeen { size: SizeSeen::Beyond, ..nothing },
    ];
    let mut all =
        vec![CaseFinding::Multiplexing(multiplexing), CaseFinding::Capacity { searches, share: 0.75 }];
    all.extend(operation_words::samples());
    all.extend(user_words::samples());
    all
}
