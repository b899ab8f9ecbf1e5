//! The words for what users and browsers got: votes, what is their own, tokens at their end, origins.
//!
//! `case_words` asks here. No figure is computed here.

use super::{Counted, Language, Noun, Span};
use crate::say;
use harness_judge::check::{CorsSeen, OwnSeen, TokenEndSeen, VotesSeen};

/// What became of votes.
pub(super) fn votes(seen: &VotesSeen, language: Language) -> String {
    say!(language,
        en: "{sent} votes for {pairs} pairs of user and video, those of a pair at the same instant: {twice} pairs were told twice that the vote counts, {never} were never told so; {otherwise} votes answered neither with 200 nor with 409, {cache} without an instance; {doubled} requests too many at the instances; in the ranking at the end: {ranking}",
        es: "{sent} votos para {pairs} parejas de usuario y video, los de cada pareja en el mismo instante: a {twice} parejas se les dijo dos veces que el voto vale, a {never} nunca; {otherwise} votos sin respuesta 200 ni 409, {cache} respondidos sin ninguna instancia; {doubled} peticiones de más en las instancias; en la clasificación final: {ranking}",
        sent = seen.sent, pairs = seen.pairs, twice = seen.told_twice, never = seen.never_told,
        otherwise = seen.otherwise, cache = seen.from_cache, doubled = seen.sent_twice, ranking = seen.in_the_ranking)
}

/// Who got what belongs to one user.
pub(super) fn own(seen: &OwnSeen, language: Language) -> String {
    say!(language,
        en: "{own} about what belongs to one user, {another} of them made for another one; of {lists} lists of one's own votes at the end {old} were out of date; {open} about what is for everybody, {cache} of them from the cache and {objects} of them objects of the store, {spoilt} of those spoilt",
        es: "{own} sobre lo que es de un solo usuario, {another} de ellas hechas para otro; de {lists} listas finales de votos propios, {old} estaban desactualizadas; {open} sobre lo que es de todos, {cache} de ellas del caché y {objects} objetos del almacén, {spoilt} de estos dañados",
        own = Counted(seen.own, Noun::Answer), another = seen.of_another, lists = seen.lists_at_the_end,
        old = seen.out_of_date, open = Counted(seen.open, Noun::Answer), cache = seen.open_from_cache, objects = seen.objects, spoilt = seen.spoilt)
}

/// What became of tokens at their end.
pub(super) fn expiry(seen: &TokenEndSeen, language: Language) -> String {
    let refused: Vec<String> =
        seen.refused_with.iter().map(|(status, count)| format!("{status} × {count}")).collect();
    let refused = if refused.is_empty() {
        say!(language, en: "none were refused", es: "ninguna se rechazó")
    } else {
        say!(language, en: "refused with {with}", es: "rechazadas con {with}", with = refused.join(", "))
    };
    say!(language,
        en: "tokens last {lifetime}; {good} with a good one ({renewed} of them with its successor), {wrongly} refused; {ended} with one that had ended, {outlived} served all the same ({refused}); {changed} answers arrived with another status than the instance gave",
        es: "los tokens duran {lifetime}; {good} con uno vigente ({renewed} de ellas con el siguiente), {wrongly} rechazadas; {ended} con uno vencido, {outlived} atendidas pese a todo ({refused}); {changed} respuestas llegaron con un estado distinto del que dio la instancia",
        lifetime = Span(seen.lifetime_ms), good = Counted(seen.good, Noun::Request), renewed = seen.renewed,
        wrongly = seen.refused_good, ended = Counted(seen.ended, Noun::Request), outlived = seen.outlived,
        refused = refused, changed = seen.changed)
}

/// What browsers of several origins got.
pub(super) fn cors(seen: &CorsSeen, language: Language) -> String {
    say!(language,
        en: "{answers} to browsers of several origins, {cache} of them from the cache: {another} made for another origin, {vary} without `Vary: Origin`; {preflights} preflights: {wrong} answered otherwise than by the application, {kept} without an instance",
        es: "{answers} a navegadores de varios orígenes, {cache} de ellas del caché: {another} hechas para otro origen, {vary} sin `Vary: Origin`; {preflights} peticiones previas (CORS): {wrong} con otra respuesta que la de la aplicación, {kept} respondidas sin ninguna instancia",
        answers = Counted(seen.answers, Noun::Answer), cache = seen.from_cache, another = seen.of_another,
        vary = seen.without_vary, preflights = seen.preflights, wrong = seen.wrong_preflights, kept = seen.kept_preflights)
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
