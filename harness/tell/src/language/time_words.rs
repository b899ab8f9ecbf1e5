//! The sentences of the TTL family: when entries expired, too late, too early, together, or because of use or restarts.
//!
//! `finding_words` hands these findings on. Ages are bounds that the record proves, and the sentences say so.

use super::{Counted, InWords, Language, Milliseconds, Noun, Span};
use crate::{say, words};
use harness_judge::check::{ExpirySeen, LatePattern, TtlFinding};

words!(LatePattern {
    LatePattern::NeverExpires => { en: "no entry was seen to expire", es: "no se vio expirar ningún recurso" },
    LatePattern::TwiceTheTtl => { en: "entries expire at about twice the TTL", es: "los recursos expiran más o menos al doble del TTL" },
    LatePattern::Late => { en: "entries expire late", es: "los recursos expiran tarde" },
    LatePattern::Mixed => {
        en: "others of the same age had expired", es: "otros de la misma edad ya habían expirado"
    },
});

impl InWords for ExpirySeen {
    fn in_words(&self, language: Language) -> String {
        let ttl = Span(self.ttl_ms);
        match (self.last_served_ms, self.first_expired_ms) {
            (Some(served), Some(expired)) => {
                // Brackets of different keys may overlap by the time that an answer took: print them in order.
                let (low, high) = (served.min(expired), served.max(expired));
                say!(language,
                    en: "expired between {low} and {high} (TTL {ttl})", es: "expiró entre {low} y {high} (TTL {ttl})",
                    low = Milliseconds(low), high = Milliseconds(high), ttl = ttl)
            }
            (Some(served), None) => say!(language,
                en: "still served at {served}, never seen to expire (TTL {ttl})",
                es: "seguía vigente a los {served} y no se vio expirar (TTL {ttl})", served = Milliseconds(served), ttl = ttl),
            (None, Some(expired)) => say!(language,
                en: "already gone at {expired}, never seen in the cache (TTL {ttl})",
                es: "ya no estaba a los {expired} y no se vio en el caché (TTL {ttl})", expired = Milliseconds(expired), ttl = ttl),
            (None, None) => {
                say!(language, en: "not seen (TTL {ttl})", es: "no se observó (TTL {ttl})", ttl = ttl)
            }
        }
    }
}

fn sides(seen: &ExpirySeen, language: Language) -> String {
    say!(language,
        en: "{before} before and {after} after", es: "{before} antes y {after} después",
        before = Counted(seen.before, Noun::Probe), after = seen.after)
}

/// The sentence for a finding of this family; `None` for any other.
pub(super) fn sentence(finding: &TtlFinding, language: Language) -> String {
    match finding {
        TtlFinding::Expiry(seen) => {
            let resolution = if seen.early_ms + seen.late_ms > 0.0 {
                say!(language,
                    en: "; the proxy declares that it may be {early} early and {late} late",
                    es: "; el proxy declara que puede adelantarse {early} y atrasarse {late}",
                    early = Span(seen.early_ms), late = Span(seen.late_ms))
            } else {
                String::new()
            };
            format!("{}, {}{resolution}", seen.in_words(language), sides(seen, language))
        }
        TtlFinding::ServedPastTtl { target, age_ms, past_ms, count, seen, pattern } => say!(language,
            en: "the entry {target} was answered from the cache {age} after it was stored: {past} past its TTL of {ttl}; {count} prove the same; {pattern}",
            es: "el recurso {target} se sirvió desde el caché {age} después de guardado: {past} más allá de su TTL de {ttl}; {count} lo demuestran; {pattern}",
            target = target, age = Milliseconds(*age_ms), past = Milliseconds(*past_ms), ttl = Span(seen.ttl_ms),
            count = Counted(*count, Noun::Probe), pattern = pattern),
        TtlFinding::ExpiredEarly { target, age_ms, short_ms, count, seen } => say!(language,
            en: "the entry {target} was gone at most {age} after it was stored: {short} before its TTL of {ttl}; {count} prove the same",
            es: "el recurso {target} ya no estaba a lo sumo {age} después de guardado: {short} antes de su TTL de {ttl}; {count} lo demuestran",
            target = target, age = Milliseconds(*age_ms), short = Milliseconds(*short_ms), ttl = Span(seen.ttl_ms),
            count = Counted(*count, Noun::Probe)),
        TtlFinding::TooFewProbes { before, after, needed, ttl_ms } => say!(language,
            en: "{before} surely before and {after} surely after the TTL of {ttl}; {needed} are needed on each side",
            es: "{before} con seguridad antes y {after} con seguridad después del TTL de {ttl}; se necesitan {needed} a cada lado",
            before = Counted(*before, Noun::Probe), after = after, ttl = Span(*ttl_ms), needed = needed),
        TtlFinding::ResolutionTooCoarse { declared_ms, at_most_ms } => say!(language,
            en: "the profile of this proxy declares a resolution of {declared}, and the scenario accepts at most {at_most}",
            es: "el perfil de este proxy declara una resolución de {declared} y el escenario acepta a lo sumo {at_most}",
            declared = Span(*declared_ms), at_most = Span(*at_most_ms)),
        TtlFinding::TwoValues { first, second } => say!(language,
            en: "first: {first}; started again: {second}", es: "primero: {first}; arrancado de nuevo: {second}",
            first = first, second = second),
        TtlFinding::OneAgeForTwoValues { first, second } => say!(language,
            en: "the TTL changed but the age did not: first {first}; started again, {second}",
            es: "el TTL cambió pero la edad no: primero {first}; arrancado de nuevo, {second}", first = first, second = second),
        TtlFinding::ResourcesExpireApart { keys, stored_apart_ms, outlived } => say!(language,
            en: "{keys} stored over {apart} expired one by one: {outlived} of them were still served when one stored before them had expired",
            es: "{keys} guardados a lo largo de {apart} expiraron uno por uno: {outlived} seguían vigentes cuando uno anterior ya había expirado",
            keys = Counted(*keys, Noun::Resource), apart = Span(*stored_apart_ms), outlived = outlived),
        TtlFinding::ResourcesExpireTogether { keys, stored_apart_ms, youngest_ms, oldest_ms } => {
            say!(language,
            en: "{keys} of those stored over {apart} were gone together, whatever their age: one was gone at {youngest}, and another one served at {oldest}",
            es: "{keys} de los guardados a lo largo de {apart} desaparecieron juntos, sin importar su edad: uno ya no estaba a los {youngest}, y otro se sirvió a los {oldest}",
            keys = Counted(*keys, Noun::Resource), apart = Span(*stored_apart_ms),
            youngest = Milliseconds(*youngest_ms), oldest = Milliseconds(*oldest_ms))
        }
        TtlFinding::HitsDoNotProlong { keys, hits, oldest_ms, ttl_ms } => say!(language,
            en: "{keys} in constant use expired all the same: {hits}, the oldest at {oldest} (TTL {ttl})",
            es: "{keys} en uso constante expiraron igual: {hits}, la más antigua a los {oldest} (TTL {ttl})",
            keys = Counted(*keys, Noun::Resource), hits = Counted(*hits, Noun::Hit),
            oldest = Milliseconds(*oldest_ms), ttl = Span(*ttl_ms)),
        TtlFinding::HitsProlong { target, age_ms, ttl_ms, hits, count, keys } => say!(language,
            en: "the entry {target} was still served {age} after it was stored (TTL {ttl}) because {hits} kept it alive; so were {count} of {keys}",
            es: "el recurso {target} seguía vigente {age} después de guardado (TTL {ttl}) porque {hits} lo mantuvieron vivo; así ocurrió con {count} de {keys}",
            target = target, age = Milliseconds(*age_ms), ttl = Span(*ttl_ms), hits = Counted(*hits, Noun::Hit),
            count = count, keys = Counted(*keys, Noun::Resource)),
        TtlFinding::AgeGoesOnOverRestart { seen, restarts } => say!(language,
            en: "over {restarts}: {seen}, {sides}", es: "con {restarts} de por medio: {seen}, {sides}",
            restarts = Counted(*restarts, Noun::Restart), seen = seen, sides = sides(seen, language)),
        TtlFinding::RestartMayProlong { seen, restarts } => say!(language,
            en: "over {restarts}: {seen}, {sides}; an age that began anew with the restart would have looked the same",
            es: "con {restarts} de por medio: {seen}, {sides}; una edad que empezara de nuevo con el reinicio se habría visto igual",
            restarts = Counted(*restarts, Noun::Restart), seen = seen, sides = sides(seen, language)),
        TtlFinding::RestartProlongs { target, age_ms, count, seen } => say!(language,
            en: "after the restart the entry {target} was served {age} after it was stored, past its TTL of {ttl}; {count} prove the same",
            es: "tras el reinicio el recurso {target} se sirvió {age} después de guardado, más allá de su TTL de {ttl}; {count} lo demuestran",
            target = target, age = Milliseconds(*age_ms), ttl = Span(seen.ttl_ms), count = Counted(*count, Noun::Probe)),
        TtlFinding::RestartForgets { target, age_ms, count, seen } => say!(language,
            en: "after the restart the entry {target} was gone at most {age} after it was stored, within its TTL of {ttl}; {count} prove the same",
            es: "tras el reinicio el recurso {target} ya no estaba a lo sumo {age} después de guardado, dentro de su TTL de {ttl}; {count} lo demuestran",
            target = target, age = Milliseconds(*age_ms), ttl = Span(seen.ttl_ms), count = Counted(*count, Noun::Probe)),
    }
}
