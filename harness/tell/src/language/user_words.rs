//! The words for what users and browsers got: votes, what is their own, tokens at their end, origins.
//!
//! `case_words` asks here. No figure is computed here.

use super::{Counted, Language, Noun, Span};
use crate::say;
use harness_judge::check::{CorsSeen, OwnSeen, TokenEndSeen, VotesSeen};

/// What went wrong and how often, of several things that may; or that nothing did.
fn amiss<const N: usize>(each: [(u64, String); N], language: Language) -> String {
    let wrong: Vec<String> = each
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if wrong.is_empty() {
        say!(language, en: "nothing amiss", es: "nada fuera de lo debido")
    } else {
        wrong.join(", ")
    }
}

/// What became of votes.
pub(super) fn votes(seen: &VotesSeen, language: Language) -> String {
    let amiss = amiss(
        [
            (
                seen.told_twice,
                say!(language,
                en: "told twice that the vote counts", es: "recibieron dos veces que el voto vale"),
            ),
            (seen.never_told, say!(language, en: "never told so", es: "nunca lo recibieron")),
            (
                seen.otherwise,
                say!(language,
                en: "answered neither with 200 nor with 409", es: "sin respuesta 200 ni 409"),
            ),
            (
                seen.from_cache,
                say!(language,
                en: "answered without an instance", es: "respondidos sin ninguna instancia"),
            ),
            (
                seen.sent_twice,
                say!(language,
                en: "too many at the instances", es: "de más en las instancias"),
            ),
        ],
        language,
    );
    say!(language,
        en: "{users} pairs of user and video, {sent} votes, those of a pair at the same instant: {amiss}; {ranking} votes in the ranking at the end",
        es: "{users} parejas de usuario y video, {sent} votos, los de cada pareja en el mismo instante: {amiss}; {ranking} votos en la clasificación final",
        users = seen.pairs, sent = seen.sent, amiss = amiss, ranking = seen.in_the_ranking)
}

/// Who got what belongs to one user.
pub(super) fn own(seen: &OwnSeen, language: Language) -> String {
    let amiss = amiss(
        [
            (seen.of_another, say!(language, en: "made for another user", es: "hechas para otro usuario")),
            (
                seen.out_of_date,
                say!(language,
                en: "lists of votes out of date at the end", es: "listas finales de votos desactualizadas"),
            ),
            (seen.spoilt, say!(language, en: "objects spoilt", es: "objetos dañados")),
        ],
        language,
    );
    say!(language,
        en: "{own} about what belongs to one user, {lists} of them lists of votes at the end; {open} about what is for everybody, {objects} of them objects of the store and {cache} of them from the cache: {amiss}",
        es: "{own} sobre lo que es de un solo usuario, {lists} de ellas listas finales de votos; {open} sobre lo que es de todos, {objects} de ellas objetos del almacén y {cache} de ellas del caché: {amiss}",
        own = Counted(seen.own, Noun::Answer), lists = seen.lists_at_the_end, open = Counted(seen.open, Noun::Answer),
        objects = seen.objects, cache = seen.open_from_cache, amiss = amiss)
}

/// What became of tokens at their end.
pub(super) fn expiry(seen: &TokenEndSeen, language: Language) -> String {
    let refused: Vec<String> =
        seen.refused_with.iter().map(|(status, count)| format!("{status} × {count}")).collect();
    let refused = if refused.is_empty() {
        say!(language, en: "none of them refused", es: "ninguna rechazada")
    } else {
        say!(language, en: "refused with {with}", es: "rechazadas con {with}", with = refused.join(", "))
    };
    let amiss = amiss(
        [
            (
                seen.refused_good,
                say!(language,
                en: "refused before the end", es: "rechazadas antes del vencimiento"),
            ),
            (seen.outlived, say!(language, en: "served after it", es: "atendidas después")),
            (
                seen.changed,
                say!(language,
                en: "arrived with another status than the instance gave", es: "con un estado distinto del que dio la instancia"),
            ),
        ],
        language,
    );
    say!(language,
        en: "tokens last {lifetime}; {good} with a good one, {renewed} of them with the successor of one that had ended; {ended} with one that had ended, {refused}: {amiss}",
        es: "los tokens duran {lifetime}; {good} con uno vigente, {renewed} de ellas con el siguiente a uno vencido; {ended} con uno vencido, {refused}: {amiss}",
        lifetime = Span(seen.lifetime_ms), good = Counted(seen.good, Noun::Request), renewed = seen.renewed,
        ended = Counted(seen.ended, Noun::Request), refused = refused, amiss = amiss)
}

/// What browsers of several origins got.
pub(super) fn cors(seen: &CorsSeen, language: Language) -> String {
    let amiss = amiss(
        [
            (
                seen.of_another,
                say!(language,
                en: "answers made for another origin", es: "respuestas hechas para otro origen"),
            ),
            (seen.without_vary, say!(language, en: "without `Vary: Origin`", es: "sin `Vary: Origin`")),
            (
                seen.wrong_preflights,
                say!(language,
                en: "preflights answered otherwise than by the application", es: "peticiones previas con otra respuesta que la de la aplicación"),
            ),
            (
                seen.kept_preflights,
                say!(language,
                en: "preflights answered without an instance", es: "peticiones previas respondidas sin ninguna instancia"),
            ),
        ],
        language,
    );
    say!(language,
        en: "{answers} to browsers of several origins, {cache} of them from the cache; {preflights} preflights: {amiss}",
        es: "{answers} a navegadores de varios orígenes, {cache} de ellas del caché; {preflights} peticiones previas (CORS): {amiss}",
        answers = Counted(seen.answers, Noun::Answer), cache = seen.from_cache, preflights = seen.preflights, amiss = amiss)
}

/// One of each finding, for the tests of sentences.
#[cfg(test)]
pub(super) fn samples() -> Vec<harness_judge::check::CaseFinding> {
    use harness_judge::check::CaseFinding;
    let votes = VotesSeen {
        pairs: 144,
        sent: 288,
        told_twice: 2,
        sent_twice: 3,
        in_the_ranking: 146,
        ..Default::default()
    };
    let own = OwnSeen {
        own: 240,
        of_another: 3,
        lists_at_the_end: 24,
        out_of_date: 1,
        open: 300,
        open_from_cache: 250,
        objects: 90,
        spoilt: 1,
    };
    let ends = TokenEndSeen {
        lifetime_ms: 5_000.0,
        good: 90,
        renewed: 30,
        ended: 60,
        refused_with: vec![(403, 20), (500, 40)],
        ..Default::default()
    };
    let cors = CorsSeen { answers: 32, from_cache: 20, preflights: 24, of_another: 8, ..Default::default() };
    vec![
        CaseFinding::Votes(votes),
        CaseFinding::Own(own),
        CaseFinding::Expiry(TokenEndSeen { refused_with: Vec::new(), outlived: 60, ..ends.clone() }),
        CaseFinding::Expiry(ends),
        CaseFinding::Cors(cors),
    ]
}
