//! The words for the cloud cases: their steps, and what their checks saw.
//!
//! `finding_words` and `step_words` ask here first. No figure is computed here beyond counting what a list holds.

use super::{Counted, InWords, Language, Milliseconds, Noun, Span, fleet_words};
use crate::say;
use harness_judge::check::{CloudFinding, KindSeen, PlaceSeen};
use harness_model::plan::CloudStep;

/// What a check of a cloud case saw.
pub(super) fn sentence(finding: &CloudFinding, language: Language) -> String {
    match finding {
        CloudFinding::Tokens { kinds } => tokens(kinds, language),
        CloudFinding::Fleet(finding) => fleet_words::sentence(finding, language),
        CloudFinding::Delivered { orders, within_ms, places } => {
            let each: Vec<String> = places.iter().map(|seen| place(seen, language)).collect();
            say!(language,
                en: "{orders} orders must be seen within {within}; {places}",
                es: "{orders} pedidos deben verse a más tardar en {within}; {places}",
                orders = orders, within = Span(*within_ms), places = each.join("; "))
        }
    }
}

fn tokens(kinds: &[KindSeen], language: Language) -> String {
    let answers: u64 = kinds.iter().map(|kind| kind.answers).sum();
    let names = |allowed: bool| {
        let shared = kinds.iter().filter(|kind| kind.shared > 0 && kind.allowed == allowed);
        let named: Vec<String> =
            shared.map(|kind| format!("{} ({} / {})", kind.name, kind.shared, kind.answers)).collect();
        if named.is_empty() { say!(language, en: "none", es: "ninguna") } else { named.join(", ") }
    };
    say!(language,
        en: "{answers} to users with tokens, {kinds} kinds of caching headers; answers made for somebody else, where RFC 9111, section 3.5, forbids it: {wrong}; where it allows it: {allowed}",
        es: "{answers} a usuarios con token, {kinds} clases de campos de caché; respuestas hechas para otro usuario, donde la sección 3.5 de RFC 9111 lo prohíbe: {wrong}; donde lo permite: {allowed}",
        answers = Counted(answers, Noun::Answer), kinds = kinds.len() as u64, wrong = names(false), allowed = names(true))
}

fn place(seen: &PlaceSeen, language: Language) -> String {
    let worst = Milliseconds(seen.worst_ms).in_words(language);
    if seen.too_late > 0 {
        say!(language,
            en: "{target}: {too_late} of {looks} still lacked one after that, the worst at an age of {worst}",
            es: "{target}: a {too_late} de {looks} todavía les faltaba alguno después, la peor con una edad de {worst}",
            target = &seen.target, too_late = seen.too_late, looks = Counted(seen.looks, Noun::Answer), worst = worst)
    } else {
        say!(language,
            en: "{target}: {looks}, {from_cache} of them from the cache, none lacked one older than {worst}",
            es: "{target}: {looks}, {from_cache} de ellas del caché; a ninguna le faltaba uno de más de {worst}",
            target = &seen.target, looks = Counted(seen.looks, Noun::Answer), from_cache = seen.from_cache, worst = worst)
    }
}

/// What a step of a cloud case does.
pub(super) fn doing(step: &CloudStep, language: Language) -> String {
    match step {
        CloudStep::Users(users) => say!(language,
            en: "{users} users with tokens, {kinds} kinds of caching headers",
            es: "{users} usuarios con token, {kinds} clases de campos de caché",
            users = users.count, kinds = users.kinds.len() as u64),
        CloudStep::Deliveries(deliveries) => say!(language,
            en: "registering {orders} orders and looking for them", es: "registro de {orders} pedidos y búsqueda de ellos",
            orders = deliveries.orders),
        CloudStep::Fleet(fleet) => fleet_words::doing(fleet, language),
    }
}

/// So many seconds of a case.
pub(super) fn time(seconds: f64, language: Language) -> String {
    Span(seconds * 1e3).in_words(language)
}

/// One of each finding, for the tests of sentences.
#[cfg(test)]
pub(super) fn samples() -> Vec<CloudFinding> {
    let kind = |name: &str, shared, allowed| KindSeen { name: name.to_owned(), answers: 16, shared, allowed };
    let place = |too_late| PlaceSeen {
        target: "/public/pedidos".to_owned(),
        looks: 40,
        from_cache: 30,
        worst_ms: 4_120.0,
        too_late,
    };
    let delivered =
        |too_late| CloudFinding::Delivered { orders: 6, within_ms: 10_000.0, places: vec![place(too_late)] };
    let mut all = vec![
        CloudFinding::Tokens { kinds: vec![kind("max-age", 0, false), kind("public", 9, true)] },
        CloudFinding::Tokens { kinds: vec![kind("max-age", 4, false), kind("public", 0, true)] },
        delivered(0),
        delivered(3),
    ];
    all.extend(fleet_words::samples().into_iter().map(CloudFinding::Fleet));
    all
}
