//! The words for what survives the end of the proxy: its cache, its port, names out of the ordinary.
//!
//! `finding_words` asks here. No figure is computed here.

use super::{Bytes, Counted, Language, Milliseconds, Noun, Span};
use crate::say;
use harness_judge::check::PersistenceFinding;

/// What a check of this family saw, as a sentence without its full stop.
pub(super) fn sentence(finding: &PersistenceFinding, language: Language) -> String {
    match finding {
        PersistenceFinding::KeptAfterKill { keys, kills, backends_down } => {
            let down = if *backends_down {
                say!(language, en: " with every backend down", es: " con todos los backends caídos")
            } else {
                String::new()
            };
            say!(language,
                en: "{keys} proven to be cached before {kills} were all served afterwards{down}, byte for byte",
                es: "{keys} comprobados en el caché antes de {kills} se sirvieron todos después{down}, idénticos byte a byte",
                keys = Counted(*keys, Noun::Resource), kills = Counted(*kills, Noun::Kill), down = down)
        }
        PersistenceFinding::LostAfterKill { keys, lost, target, wrong, kills } => say!(language,
            en: "{lost} of {keys} proven to be cached before {kills} were not served afterwards, such as {target}: {wrong}",
            es: "{lost} de {keys} comprobados en el caché antes de {kills} no se sirvieron después, por ejemplo {target}: {wrong}",
            lost = lost, keys = Counted(*keys, Noun::Resource), kills = Counted(*kills, Noun::Kill), target = target, wrong = wrong),
        PersistenceFinding::DidNotStartAgain { code, last_lines } => {
            let how = code.map_or_else(String::new, |code| {
                say!(language, en: ": it ended by itself with status {code}", es: ": terminó por sí solo con el estado {code}", code = code)
            });
            let said = last_lines[last_lines.len().saturating_sub(3)..].join(" | ");
            say!(language,
                en: "after the kill the proxy did not get ready again{how}; it said last: {said}",
                es: "después de la caída el proxy no volvió a quedar listo{how}; lo último que dijo: {said}",
                how = how, said = if said.is_empty() { "–" } else { said.as_str() })
        }
        PersistenceFinding::ExpiredBeforeReread { keys, ttl_ms } => say!(language,
            en: "{keys} had passed their TTL of {ttl} before they could be asked for again",
            es: "{keys} habían cumplido su TTL de {ttl} antes de que se pudieran volver a pedir",
            keys = Counted(*keys, Noun::Resource), ttl = Span(*ttl_ms)),
        PersistenceFinding::WholeAfterKill { kills, reread, from_cache } => say!(language,
            en: "after {kills} under write load {reread} brought no wrong byte; {from_cache} were answered from the cache",
            es: "después de {kills} en plena escritura {reread} no trajeron ningún byte errado; {from_cache} se sirvieron desde el caché",
            kills = Counted(*kills, Noun::Kill), reread = Counted(*reread, Noun::Request), from_cache = from_cache),
        PersistenceFinding::WrongAfterKill { target, wrong, count, reread, kills } => say!(language,
            en: "after a kill in mid-write {target} was served wrong: {wrong}; so were {count} of {reread} over {kills}",
            es: "después de una caída en plena escritura {target} se sirvió mal: {wrong}; así ocurrió con {count} de {reread} en {kills}",
            target = target, wrong = wrong, count = count, reread = Counted(*reread, Noun::Request), kills = Counted(*kills, Noun::Kill)),
        PersistenceFinding::CacheFiles { files, bytes, example } => say!(language,
            en: "{files} with {bytes} came into its directory with the cached answers, such as {example}",
            es: "con las respuestas guardadas aparecieron en su directorio {files} con {bytes}, por ejemplo {example}",
            files = Counted(*files, Noun::File), bytes = Bytes(*bytes), example = example),
        PersistenceFinding::NoCacheFiles { files, cached_bytes } => say!(language,
            en: "{cached} were cached, and none of {files} in its directory holds them",
            es: "se guardaron {cached} en el caché y ninguno de {files} de su directorio los contiene",
            cached = Bytes(*cached_bytes), files = Counted(*files, Noun::File)),
        PersistenceFinding::ReboundAtOnce { starts, slowest_ms } => say!(language,
            en: "{starts} after a kill listened at the first try, the slowest after {slowest}",
            es: "{starts} tras una caída escucharon al primer intento, el más lento a los {slowest}",
            starts = Counted(*starts, Noun::Start), slowest = Milliseconds(*slowest_ms)),
        PersistenceFinding::ReboundLate { after_ms, vain, given_up: true, .. } => say!(language,
            en: "its port could not be bound again for {after}, in {vain} starts; the run went on at another one",
            es: "su puerto no se pudo volver a usar en {after}, con {vain} arranques; la ejecución siguió en otro",
            after = Span(*after_ms), vain = vain),
        PersistenceFinding::ReboundLate { after_ms, vain, starts, given_up: false } => say!(language,
            en: "its port could be bound again only {after} after the kill; {vain} of {starts} failed before",
            es: "su puerto se pudo volver a usar solo {after} después de la caída; antes no sirvieron {vain} de {starts}",
            after = Span(*after_ms), vain = vain, starts = Counted(*starts + *vain, Noun::Start)),
        PersistenceFinding::OddNamesKept { keys, long, kills, stops } => say!(language,
            en: "{keys} proven to be cached under unusual names were all served after the end of the proxy, {long} of them with long paths, over {kills} and {stops}",
            es: "{keys} comprobados en el caché bajo nombres poco comunes se sirvieron todos tras el fin del proxy, {long} de ellos con rutas largas, en {kills} y {stops}",
            keys = Counted(*keys, Noun::Resource), long = long, kills = Counted(*kills, Noun::Kill),
            stops = orderly(*stops, language)),
        PersistenceFinding::OddNameLost { target, wrong, killed, lost, keys } => {
            let after = match killed {
                true => language.choose("SIGKILL", "SIGKILL"),
                false => language.choose("an orderly restart", "un reinicio ordenado"),
            };
            say!(language,
                en: "{lost} of {keys} proven to be cached were not served after the end of the proxy, such as {target} after {after}: {wrong}",
                es: "{lost} de {keys} comprobados en el caché no se sirvieron tras el fin del proxy, por ejemplo {target} tras {after}: {wrong}",
                lost = lost, keys = Counted(*keys, Noun::Resource), target = target, after = after, wrong = wrong)
        }
    }
}

fn orderly(stops: u64, language: Language) -> String {
    match stops {
        1 => say!(language, en: "1 orderly restart", es: "1 reinicio ordenado"),
        stops => {
            say!(language, en: "{stops} orderly restarts", es: "{stops} reinicios ordenados", stops = stops)
        }
    }
}
