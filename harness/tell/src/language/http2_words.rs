//! The words for HTTP/2: streams, fields, and what clients that misuse it came to.
//!
//! `finding_words` asks here. No figure is computed here.

use super::{Bytes, Counted, InWords, Language, Listed, Noun};
use crate::say;
use harness_judge::check::Http2Finding;
use harness_model::history::{MisuseEnd, Misused, Second};

/// What was seen, as a sentence without its full stop.
pub(super) fn sentence(finding: &Http2Finding, language: Language) -> String {
    match finding {
        Http2Finding::StreamsInTurn { streams, connections, shares } => say!(language,
            en: "{streams} streams on {connections} had each its own answer, in turn: {shares}",
            es: "{streams} flujos en {connections} tuvieron cada uno su respuesta, por turnos: {shares}",
            streams = streams, connections = Counted(*connections, Noun::Connection), shares = Listed(shares)),
        Http2Finding::StreamsApart { streams } => say!(language,
            en: "{streams} streams were answered, each on a connection of its own: the proxy ended every one after a stream",
            es: "se respondieron {streams} flujos, cada uno en una conexión propia: el proxy terminó cada una tras un flujo",
            streams = streams),
        Http2Finding::StreamsUneven { streams, spread, allowed, shares } => say!(language,
            en: "of {streams} streams on one connection a backend got {spread} more than another ({allowed} is allowed): {shares}",
            es: "de {streams} flujos en una conexión un backend recibió {spread} más que otro (se admite {allowed}): {shares}",
            streams = streams, spread = spread, allowed = allowed, shares = Listed(shares)),
        Http2Finding::PseudoFieldArrived { target, line } => say!(language,
            en: "what was asked for {target} came to a backend with the line {line}",
            es: "lo que se pidió en {target} llegó a un backend con la línea {line}", target = target, line = line),
        Http2Finding::ResetsBorne { streams, reached, end } => say!(language,
            en: "{streams} streams were opened and reset, {reached} of them came to a backend; {end}; everybody else was served",
            es: "se abrieron y cancelaron {streams} flujos, {reached} de ellos llegaron a un backend; {end}; a los demás se les atendió",
            streams = streams, reached = reached, end = end),
        Http2Finding::HeadEnded { bytes, end } => say!(language,
            en: "a head without an end was ended after {bytes}: {end}",
            es: "a un encabezado sin fin se le puso fin tras {bytes}: {end}", bytes = Bytes(*bytes), end = end),
        Http2Finding::HeadTaken { bytes } => say!(language,
            en: "of a head without an end {bytes} were taken, and it was not ended",
            es: "de un encabezado sin fin se recibieron {bytes}, y no se le puso fin", bytes = Bytes(*bytes)),
        Http2Finding::HeadUnderWay { bytes } => say!(language,
            en: "a head without an end was read so slowly that {bytes} of it could be sent, and it was not ended meanwhile",
            es: "un encabezado sin fin se leyó tan despacio que se pudieron enviar {bytes}, y mientras tanto no se le puso fin",
            bytes = Bytes(*bytes)),
        Http2Finding::TwoRefused { requests } => say!(language,
            en: "{requests} requests that would be two in HTTP/1.1 were refused, and no backend saw the second",
            es: "se rechazaron {requests} peticiones que serían dos en HTTP/1.1, y ningún backend vio la segunda",
            requests = requests),
        Http2Finding::SecondArrived { variant, arrived } => say!(language,
            en: "one request with another one in {variant} became two: a backend saw {arrived}",
            es: "una petición con otra en {variant} se volvió dos: un backend vio {arrived}",
            variant = variant, arrived = arrived),
        Http2Finding::TwoTakenForOne { variant, requests } => say!(language,
            en: "of {requests} requests that would be two in HTTP/1.1 none became two; that with another one in {variant} was passed on as one, where it ought to be refused",
            es: "de {requests} peticiones que serían dos en HTTP/1.1 ninguna se volvió dos; la que llevaba otra en {variant} se pasó como una, cuando debía rechazarse",
            requests = requests, variant = variant),
        Http2Finding::TwoLeftOpen { variants, requests } => say!(language,
            en: "of {requests} requests that would be two in HTTP/1.1 none became two, and nothing was said to what had another one in {variants}",
            es: "de {requests} peticiones que serían dos en HTTP/1.1 ninguna se volvió dos, y no se respondió nada a lo que llevaba otra en {variants}",
            requests = requests, variants = Listed(variants)),
    }
}

impl InWords for Misused {
    fn in_words(&self, language: Language) -> String {
        let variant =
            self.variant.map(|variant| format!(" ({})", variant.in_words(language))).unwrap_or_default();
        say!(language,
            en: "HTTP/2 misused{variant}: {frames} frames, {bytes} → {end}",
            es: "mal uso de HTTP/2{variant}: {frames} tramas, {bytes} → {end}",
            variant = variant, frames = self.frames, bytes = Bytes(self.bytes), end = &self.end)
    }
}

impl InWords for MisuseEnd {
    fn in_words(&self, language: Language) -> String {
        match self {
            MisuseEnd::GoAway(code) => say!(language,
                en: "the proxy ended the connection (GOAWAY, {code})", es: "el proxy terminó la conexión (GOAWAY, {code})",
                code = error(*code)),
            MisuseEnd::Reset(code) => say!(language,
                en: "the proxy ended the stream ({code})", es: "el proxy terminó el flujo ({code})", code = error(*code)),
            MisuseEnd::Answered { status } => say!(language,
                en: "the proxy answered with {status}", es: "el proxy respondió con {status}", status = status.to_string()),
            MisuseEnd::Closed => {
                say!(language, en: "the proxy closed the connection", es: "el proxy cerró la conexión")
            }
            MisuseEnd::StillOpen => {
                say!(language, en: "the proxy let the connection be", es: "el proxy dejó abierta la conexión")
            }
            MisuseEnd::StoppedReading => {
                say!(language, en: "the proxy read no more", es: "el proxy dejó de leer")
            }
            MisuseEnd::Failed(why) => why.in_words(language),
        }
    }
}

impl InWords for Second {
    fn in_words(&self, language: Language) -> String {
        match self {
            Second::ContentLength => say!(language,
                en: "a body beyond its `content-length`", es: "un cuerpo más allá de su `content-length`"),
            Second::TransferEncoding => say!(language,
                en: "a body with `transfer-encoding`", es: "un cuerpo con `transfer-encoding`"),
            Second::FieldName => say!(language, en: "the name of a field", es: "el nombre de un campo"),
            Second::FieldValue => say!(language, en: "the value of a field", es: "el valor de un campo"),
            Second::Method => say!(language, en: "its method", es: "su método"),
            Second::Path => say!(language, en: "its path", es: "su ruta"),
            Second::Authority => say!(language, en: "its authority", es: "su autoridad"),
        }
    }
}

/// The name of an error (RFC 9113 §7).
fn error(code: u32) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    NAMES.get(code as usize).map_or_else(|| code.to_string(), |&name| name.to_owned())
}

/// One of each, for the tests that look at every sentence.
#[cfg(test)]
pub(super) fn samples() -> Vec<harness_judge::check::Finding> {
    use harness_judge::check::{Finding, Share};

    let shares =
        || vec![Share { backend: "b1".into(), attempts: 32 }, Share { backend: "b2".into(), attempts: 30 }];
    [
        Http2Finding::StreamsInTurn { streams: 96, connections: 1, shares: shares() },
        Http2Finding::StreamsApart { streams: 96 },
        Http2Finding::StreamsUneven { streams: 96, spread: 2, allowed: 1, shares: shares() },
        Http2Finding::PseudoFieldArrived { target: "/a".into(), line: ":path: /a".into() },
        Http2Finding::ResetsBorne { streams: 2_000, reached: 17, end: MisuseEnd::GoAway(11) },
        Http2Finding::HeadEnded { bytes: 65_536, end: MisuseEnd::Reset(1) },
        Http2Finding::HeadEnded { bytes: 65_536, end: MisuseEnd::Closed },
        Http2Finding::HeadEnded { bytes: 65_536, end: MisuseEnd::StoppedReading },
        Http2Finding::HeadTaken { bytes: 32_000_000 },
        Http2Finding::HeadUnderWay { bytes: 8_000_000 },
        Http2Finding::TwoRefused { requests: 4 },
        Http2Finding::SecondArrived { variant: Second::Path, arrived: "GET /second/path HTTP/1.1".into() },
        Http2Finding::TwoTakenForOne { variant: Second::ContentLength, requests: 7 },
        Http2Finding::TwoLeftOpen { variants: Second::ALL.into(), requests: 7 },
    ]
    .map(Finding::Http2)
    .into()
}
