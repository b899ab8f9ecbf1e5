//! The words for HTTPS: what clients saw in their handshakes.
//!
//! `finding_words` asks here. No figure is computed here.

use super::{Counted, InWords, Language, Noun, Span};
use crate::say;
use harness_judge::check::HttpsFinding;
use harness_model::history::{Handshake, HandshakeEnd, NoConnection};

/// What was seen, as a sentence without its full stop.
pub(super) fn sentence(finding: &HttpsFinding, language: Language) -> String {
    match finding {
        HttpsFinding::LeftOpen { open, handshakes, end } => say!(language,
            en: "in {open} of {handshakes} handshakes nothing was seen that decides: {end}",
            es: "en {open} de {handshakes} saludos TLS no se vio nada que decida: {end}",
            open = open, handshakes = handshakes, end = end),
        HttpsFinding::VersionsRight { handshakes } => say!(language,
            en: "TLS 1.2 and 1.3 were spoken, 1.0 and 1.1 refused ({handshakes} handshakes)",
            es: "habló TLS 1.2 y 1.3 y rechazó 1.0 y 1.1 ({handshakes} saludos TLS)", handshakes = handshakes),
        HttpsFinding::VersionRefused { version, end } => say!(language,
            en: "a client that speaks {version} alone got no connection: {end}",
            es: "un cliente que solo habla {version} se quedó sin conexión: {end}", version = version.name(), end = end),
        HttpsFinding::OutdatedSpoken { version } => say!(language,
            en: "a client that offers {version} alone was told to go on, though that version must not be spoken any more",
            es: "a un cliente que solo ofrece {version} se le dijo que siguiera, aunque esa versión ya no se debe hablar",
            version = version.name()),
        HttpsFinding::ProtocolsRight { handshakes } => say!(language,
            en: "of what was offered one protocol was chosen and spoken, over {handshakes} handshakes",
            es: "de lo ofrecido se eligió y se habló un protocolo, en {handshakes} saludos TLS", handshakes = handshakes),
        HttpsFinding::ProtocolInvented { offered, chosen } => say!(language,
            en: "offered {offered}, it chose {chosen}",
            es: "con la oferta {offered} eligió {chosen}", offered = list(offered, language), chosen = chosen),
        HttpsFinding::OfferRefused { offered, end } => say!(language,
            en: "offered {offered}, it took nothing of it: {end}",
            es: "con la oferta {offered} no tomó nada: {end}", offered = list(offered, language), end = end),
        HttpsFinding::ProtocolNotSpoken { offered, chosen: Some(chosen) } => say!(language,
            en: "offered {offered}, it chose {chosen} and then gave no answer in it",
            es: "con la oferta {offered} eligió {chosen} y luego no respondió en él",
            offered = list(offered, language), chosen = chosen),
        HttpsFinding::ProtocolNotSpoken { offered, chosen: None } => say!(language,
            en: "offered {offered}, it chose nothing and gave no answer in HTTP/1.1",
            es: "con la oferta {offered} no eligió nada y no respondió en HTTP/1.1", offered = list(offered, language)),
        HttpsFinding::CertificateRight { handshakes } => say!(language,
            en: "the certificate that it was given was shown in {handshakes} handshakes, with all up to the authority",
            es: "mostró el certificado que se le entregó en {handshakes} saludos TLS, con todos hasta la autoridad",
            handshakes = handshakes),
        HttpsFinding::CertificateForeign { count, handshakes } => say!(language,
            en: "in {count} of {handshakes} handshakes it showed a certificate of its own in the place of the one that it was given",
            es: "en {count} de {handshakes} saludos TLS mostró un certificado propio en lugar del que se le entregó",
            count = count, handshakes = handshakes),
        HttpsFinding::ChainIncomplete { shown, distrust } => say!(language,
            en: "of the file with two certificates it showed {shown}, without the one between its own and the authority; a client that trusts the authority says: {distrust}",
            es: "del archivo con dos certificados mostró {shown}, sin el que está entre el suyo y la autoridad; un cliente que confía en la autoridad dice: {distrust}",
            shown = shown, distrust = distrust.clone().unwrap_or_else(|| "–".to_owned())),
        HttpsFinding::CertificateDistrusted { distrust } => say!(language,
            en: "a client that trusts the authority would not go on: {distrust}",
            es: "un cliente que confía en la autoridad no seguiría: {distrust}", distrust = distrust),
        HttpsFinding::CertificateRenewed { after_ms, exchanges } => say!(language,
            en: "{after} after its signal a client was shown the new certificate, and each of {exchanges} was answered",
            es: "{after} después de su señal un cliente vio el certificado nuevo, y se respondió cada una de las {exchanges}",
            after = Span(*after_ms), exchanges = Counted(*exchanges, Noun::Request)),
        HttpsFinding::CertificateNotRenewed { after_ms } => say!(language,
            en: "{after} after its signal it still showed the old certificate",
            es: "{after} después de su señal aún mostraba el certificado viejo", after = Span(*after_ms)),
    }
}

/// What a client offered.
fn list(offered: &[String], language: Language) -> String {
    match offered.is_empty() {
        true => say!(language, en: "no protocol", es: "sin protocolos"),
        false => offered.join(", "),
    }
}

impl InWords for Handshake {
    fn in_words(&self, language: Language) -> String {
        let offered = match self.offered.version {
            Some(version) => {
                say!(language, en: "{version} alone", es: "solo {version}", version = version.name())
            }
            None => list(&self.offered.protocols, language),
        };
        let end = match &self.end {
            HandshakeEnd::Made { version, protocol, distrust, .. } => {
                let parts = [Some(version.name().to_owned()), protocol.clone(), distrust.clone()];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
            end @ (HandshakeEnd::Refused { .. } | HandshakeEnd::Failed(_)) => end.in_words(language),
        };
        say!(language, en: "TLS, offered {offered} → {end}", es: "TLS, oferta {offered} → {end}", offered = offered, end = end)
    }
}

impl InWords for HandshakeEnd {
    fn in_words(&self, language: Language) -> String {
        match self {
            HandshakeEnd::Made { .. } => {
                say!(language, en: "a connection all the same", es: "aun así hubo conexión")
            }
            HandshakeEnd::Refused { alert: Some(alert) } => say!(language,
                en: "an alert (number {alert})", es: "una alerta (número {alert})", alert = alert.to_string()),
            HandshakeEnd::Refused { alert: None } => {
                say!(language, en: "it closed the connection", es: "cerró la conexión")
            }
            HandshakeEnd::Failed(why) => why.in_words(language),
        }
    }
}

impl InWords for NoConnection {
    fn in_words(&self, language: Language) -> String {
        match self {
            NoConnection::NotInTime => {
                say!(language, en: "nothing came in time", es: "no llegó nada a tiempo")
            }
            NoConnection::OtherVersion => say!(language,
                en: "a hello came in another version than was offered",
                es: "llegó un saludo en una versión distinta de la ofrecida"),
            NoConnection::OtherRecord(kind) => say!(language,
                en: "something else came in the place of a hello (kind {kind})",
                es: "llegó otra cosa en lugar de un saludo (tipo {kind})", kind = kind.to_string()),
            NoConnection::Refused => {
                say!(language, en: "the handshake was refused", es: "el saludo TLS se rechazó")
            }
            NoConnection::NotHttp2 => {
                say!(language, en: "HTTP/2 was not chosen", es: "no se eligió HTTP/2")
            }
            NoConnection::Said(said) => {
                say!(language, en: "no connection (“{said}”)", es: "sin conexión («{said}»)", said = said)
            }
        }
    }
}

/// One of each, for the tests that look at every sentence.
#[cfg(test)]
pub(super) fn samples() -> Vec<harness_judge::check::Finding> {
    use harness_judge::check::Finding;
    use harness_model::history::TlsVersion;

    let offered = || vec!["h2".to_owned(), "http/1.1".to_owned()];
    let open = |why| HttpsFinding::LeftOpen { open: 1, handshakes: 9, end: HandshakeEnd::Failed(why) };
    [
        HttpsFinding::VersionsRight { handshakes: 4 },
        open(NoConnection::NotInTime),
        open(NoConnection::OtherVersion),
        open(NoConnection::OtherRecord(72)),
        open(NoConnection::Refused),
        open(NoConnection::NotHttp2),
        open(NoConnection::Said("refused".into())),
        HttpsFinding::VersionRefused {
            version: TlsVersion::Tls13,
            end: HandshakeEnd::Refused { alert: Some(70) },
        },
        HttpsFinding::OutdatedSpoken { version: TlsVersion::Tls10 },
        HttpsFinding::ProtocolsRight { handshakes: 7 },
        HttpsFinding::ProtocolInvented { offered: offered(), chosen: "h3".into() },
        HttpsFinding::OfferRefused { offered: offered(), end: HandshakeEnd::Refused { alert: None } },
        HttpsFinding::ProtocolNotSpoken { offered: offered(), chosen: Some("h2".into()) },
        HttpsFinding::ProtocolNotSpoken { offered: Vec::new(), chosen: None },
        HttpsFinding::CertificateRight { handshakes: 7 },
        HttpsFinding::CertificateForeign { count: 7, handshakes: 7 },
        HttpsFinding::ChainIncomplete { shown: 1, distrust: Some("UnknownIssuer".into()) },
        HttpsFinding::CertificateDistrusted { distrust: "Expired".into() },
        HttpsFinding::CertificateRenewed { after_ms: 120.0, exchanges: 12 },
        HttpsFinding::CertificateNotRenewed { after_ms: 2_000.0 },
    ]
    .map(Finding::Https)
    .into()
}
