//! The words for what was seen of a balancer at work: shares, admission, overload, queue.
//!
//! `case_words` asks here. No figure is computed here.

use super::{Counted, Decimal, Language, Milliseconds, Noun, Percent, Span};
use crate::say;
use harness_judge::check::{
    AbsenceSeen, AdmissionSeen, BalanceSeen, HealthSeen, InstanceWatched, OverloadSeen, WorkerSeen,
};

/// Which instances requests went to.
pub(super) fn balance(loads: &[BalanceSeen], wanted: f64, language: Language) -> String {
    let each: Vec<String> = loads.iter().map(|seen| one_balance(seen, language)).collect();
    say!(language,
        en: "{each}; at least {wanted} of the requests are to go to an instance with the fewest open ones",
        es: "{each}; al menos {wanted} de las peticiones deben ir a una instancia con las menos abiertas",
        each = each.join("; "), wanted = Percent(wanted))
}

fn one_balance(seen: &BalanceSeen, language: Language) -> String {
    let shares: Vec<String> = seen
        .shares
        .iter()
        .map(|share| {
            say!(language,
                en: "{name} {requests} ({median} each)", es: "{name} {requests} ({median} cada una)",
                name = &share.name, requests = share.requests, median = Milliseconds(share.median_ms))
        })
        .collect();
    let latency = match seen.latency_ms {
        Some(ms) => say!(language, en: "p99 {ms}", es: "p99 {ms}", ms = Milliseconds(ms)),
        None => say!(language, en: "p99 unknown", es: "p99 desconocido"),
    };
    say!(language,
        en: "“{tag}”: {share} of {requests} went to one of the least busy; {shares}; {latency}",
        es: "«{tag}»: {share} de {requests} fue a una de las menos ocupadas; {shares}; {latency}",
        tag = &seen.tag, share = Percent(seen.to_least_busy), requests = Counted(seen.requests, Noun::Request),
        shares = shares.join(", "), latency = latency)
}

/// Who was let in.
pub(super) fn admission(seen: &AdmissionSeen, language: Language) -> String {
    let mut refused: Vec<String> =
        seen.refused_with.iter().map(|(status, count)| format!("{status} × {count}")).collect();
    if seen.closed > 0 {
        refused.push(say!(language,
            en: "connection closed × {n}", es: "conexión cerrada × {n}", n = seen.closed));
    }
    say!(language,
        en: "{served} of {welcome} from allowed addresses were served; {let_in} of {strangers} from others got in (they were answered: {refused}); {past} of {tried} without the proxy were answered",
        es: "se atendieron {served} de {welcome} desde direcciones permitidas; entraron {let_in} de {strangers} desde otras (respuesta que recibieron: {refused}); se respondieron {past} de {tried} sin pasar por el proxy",
        served = seen.served, welcome = Counted(seen.welcome, Noun::Request), let_in = seen.let_in,
        strangers = seen.strangers, refused = refused.join(", "), past = seen.answered_past, tried = seen.past_the_proxy)
}

/// What became of more requests than could be served.
pub(super) fn overloads(all: &[OverloadSeen], share: f64, within_ms: f64, language: Language) -> String {
    let each: Vec<String> = all.iter().map(|seen| overload(seen, language)).collect();
    say!(language,
        en: "{each}; at least {share} of the capacity is to be useful work, and all as before within {within}",
        es: "{each}; al menos {share} de la capacidad debe ser trabajo útil y todo debe estar como antes en {within}",
        each = each.join("; "), share = Percent(share), within = Span(within_ms))
}

fn overload(seen: &OverloadSeen, language: Language) -> String {
    let refused: Vec<String> =
        seen.refused_with.iter().map(|(status, count)| format!("{status} × {count}")).collect();
    let refused = if refused.is_empty() {
        say!(language, en: "nobody was refused", es: "no se rechazó a nadie")
    } else {
        say!(language,
            en: "refused with {refused}, {told} of them with a time to try again",
            es: "rechazadas con {refused}, {told} de ellas con un plazo para volver a intentarlo",
            refused = refused.join(", "), told = seen.told_when)
    };
    let recovered = match seen.recovered_ms {
        Some(0.0) => say!(language,
            en: "as before within the next second", es: "como antes en el segundo siguiente"),
        Some(ms) => {
            say!(language, en: "as before after {time}", es: "como antes a los {time}", time = Span(ms))
        }
        None => {
            say!(language, en: "not yet as before at the end", es: "al final todavía no estaba como antes")
        }
    };
    say!(language,
        en: "“{label}”: {asked} a second asked for, {useful} of use where {capacity} can be served; of use to the modest client {modest}, to the greedy one {greedy}; {refused}; {silent} cut off; {recovered}",
        es: "«{label}»: {asked} pedidas por segundo, {useful} útiles donde se pueden atender {capacity}; útiles para el cliente moderado {modest}, para el excesivo {greedy}; {refused}; {silent} cortadas; {recovered}",
        label = &seen.label, asked = Decimal(seen.asked_per_second, 0), useful = Decimal(seen.useful_per_second, 0),
        capacity = Decimal(seen.capacity_per_second, 0), modest = Percent(seen.modest_useful),
        greedy = Percent(seen.greedy_useful), refused = refused, silent = seen.silent, recovered = recovered)
}

/// How instances were watched.
pub(super) fn health(seen: &HealthSeen, language: Language) -> String {
    let each: Vec<String> = seen.instances.iter().map(|instance| watched(instance, language)).collect();
    say!(language,
        en: "told to ask for {path} every {interval}, to leave an instance after {failures} bad answers in a row and to take it back after {successes} good ones; {each}; clients lost {lost} of {asked}",
        es: "debía pedir {path} cada {interval}, dejar una instancia tras {failures} respuestas malas seguidas y retomarla tras {successes} buenas; {each}; los clientes perdieron {lost} de {asked}",
        path = &seen.path, interval = Span(seen.interval_ms), failures = u64::from(seen.failures),
        successes = u64::from(seen.successes), each = each.join("; "), lost = seen.lost,
        asked = Counted(seen.asked, Noun::Request))
}

fn watched(seen: &InstanceWatched, language: Language) -> String {
    let Some(median_ms) = seen.median_ms else {
        return say!(language,
            en: "{name}: {probes} times", es: "{name}: {probes} veces",
            name = &seen.name, probes = seen.probes);
    };
    let mut sentence = say!(language,
        en: "{name}: {probes} times, every {median}, {longest} at most",
        es: "{name}: {probes} veces, cada {median}, {longest} como máximo",
        name = &seen.name, probes = seen.probes, median = Milliseconds(median_ms), longest = Milliseconds(seen.longest_ms));
    if seen.bad > 0 {
        sentence += &say!(language, en: ", {n} bad answers", es: ", {n} respuestas malas", n = seen.bad);
    }
    if seen.too_early > 0 {
        sentence += &say!(language, en: ", left too early {n} times", es: ", dejada antes de tiempo {n} veces", n = seen.too_early);
    }
    seen.absences.iter().fold(sentence, |sentence, absence| sentence + &absent(absence, language))
}

fn absent(seen: &AbsenceSeen, language: Language) -> String {
    if seen.never_left {
        return say!(language,
            en: ", never left ({n} requests too many)", es: ", nunca dejada ({n} peticiones de más)", n = seen.late);
    }
    let mut sentence = say!(language,
        en: ", left after {left}", es: ", dejada a los {left}",
        left = Milliseconds(seen.left_ms));
    if seen.late > 0 {
        sentence += &say!(language,
            en: " ({n} requests too late)", es: " ({n} peticiones de más)", n = seen.late);
    }
    sentence += &match seen.returned_ms {
        Some(ms) => say!(language,
            en: ", taken back {ms} after it was well", es: ", retomada a los {ms} de reponerse",
            ms = Milliseconds(ms)),
        None => say!(language, en: ", not taken back", es: ", no retomada"),
    };
    if seen.missed > 0 {
        sentence += &say!(language,
            en: " (too late: another instance had {n} meanwhile)", es: " (tarde: otra instancia recibió {n} entretanto)",
            n = seen.missed);
    }
    sentence
}

/// What became of uploads.
pub(super) fn worker(seen: &WorkerSeen, within_ms: f64, language: Language) -> String {
    let time = |ms: Option<f64>| match ms {
        Some(ms) => say!(language, en: "{ms}", es: "{ms}", ms = Span(ms)),
        None => say!(language, en: "unknown", es: "desconocido"),
    };
    let depths: Vec<String> = seen.waiting_by_second.iter().map(ToString::to_string).collect();
    say!(language,
        en: "{uploads} uploads: {accepted} accepted, {refused} refused with 503 ({untold} of them without Retry-After), {otherwise} answered otherwise; {lost} accepted and never seen processed; processed within {p50} (p50) and {p95} (p95, at most {within}); waiting by the second: {depths}",
        es: "{uploads} entregas: {accepted} aceptadas, {refused} rechazadas con 503 ({untold} de ellas sin Retry-After), {otherwise} con otra respuesta; {lost} aceptadas que nunca se vieron procesadas; procesadas en {p50} (p50) y {p95} (p95, como máximo {within}); en espera, segundo a segundo: {depths}",
        uploads = seen.uploads, accepted = seen.accepted, refused = seen.refused, untold = seen.not_told_when,
        otherwise = seen.otherwise, lost = seen.never_processed, p50 = time(seen.p50_ms), p95 = time(seen.p95_ms),
        within = Span(within_ms), depths = depths.join(" "))
}

/// One of each finding, for the tests of sentences.
#[cfg(test)]
pub(super) fn samples() -> Vec<harness_judge::check::CaseFinding> {
    use harness_judge::check::{CaseFinding, InstanceShare};
    let share = |name: &str, requests| InstanceShare { name: name.to_owned(), requests, median_ms: 12.5 };
    let balance = |latency_ms| BalanceSeen {
        tag: "least-busy".to_owned(),
        judged: true,
        requests: 600,
        to_least_busy: 0.97,
        latency_ms,
        shares: vec![share("b1", 520), share("b2", 80)],
    };
    let admission = AdmissionSeen {
        welcome: 50,
        served: 50,
        strangers: 50,
        let_in: 1,
        refused_with: vec![(403, 40)],
        closed: 9,
        past_the_proxy: 8,
        answered_past: 0,
    };
    let overload = |recovered_ms, refused_with| OverloadSeen {
        label: "throttled".to_owned(),
        judged: true,
        capacity_per_second: 400.0,
        asked_per_second: 800.0,
        useful_per_second: 296.0,
        modest_asked: 180,
        modest_useful: 1.0,
        greedy_useful: 0.33,
        asked: 3_000,
        refused_with,
        told_when: 1_400,
        silent: 0,
        recovered_ms,
    };
    let overloads = vec![
        overload(None, Vec::new()),
        overload(Some(0.0), vec![(429, 1_400)]),
        overload(Some(2_000.0), vec![(429, 1_400), (503, 20)]),
    ];
    let worker = WorkerSeen {
        uploads: 36,
        accepted: 24,
        refused: 12,
        most_waiting: 12,
        waiting_by_second: vec![0, 4, 8, 12, 9, 0],
        p50_ms: Some(2_400.0),
        ..WorkerSeen::default()
    };
    let absence = |late, returned_ms, missed| AbsenceSeen {
        left_ms: 812.0,
        late,
        never_left: late > 30,
        returned_ms,
        missed,
    };
    let instance = |name: &str, absences| InstanceWatched {
        name: name.to_owned(),
        probes: 24,
        bad: 6,
        median_ms: Some(401.0),
        longest_ms: 420.0,
        too_early: 0,
        absences,
    };
    let health = HealthSeen {
        path: "/salud".to_owned(),
        interval_ms: 400.0,
        failures: 3,
        successes: 2,
        instances: vec![
            instance("b1", vec![absence(0, Some(420.0), 0), absence(4, Some(1_900.0), 12)]),
            InstanceWatched { too_early: 1, ..instance("b2", vec![absence(40, None, 0)]) },
            InstanceWatched { probes: 1, bad: 0, median_ms: None, ..instance("b3", Vec::new()) },
        ],
        asked: 600,
        lost: 2,
    };
    vec![
        CaseFinding::Health(health),
        CaseFinding::Balance { loads: vec![balance(Some(41.0)), balance(None)], wanted: 0.9 },
        CaseFinding::Admission(admission),
        CaseFinding::Overloads { overloads, share: 0.6, within_ms: 2_000.0 },
        CaseFinding::Worker { seen: worker, within_ms: 8_000.0 },
    ]
}
