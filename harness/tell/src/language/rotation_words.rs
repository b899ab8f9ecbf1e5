//! The sentences of the rotation family: cycles, shares, batches, and what kind of rotation it is.
//!
//! `finding_words` hands these findings on. The order of the backends is printed as it was seen.

use super::{Counted, InWords, Language, Listed, Noun, Percent};
use crate::say;
use harness_judge::check::{RotationFinding, RotationPattern, Share};

impl InWords for Share {
    fn in_words(&self, language: Language) -> String {
        format!("{} {}", self.backend, self.attempts.in_words(language))
    }
}

impl InWords for RotationPattern {
    fn in_words(&self, language: Language) -> String {
        match self {
            RotationPattern::Global => say!(language,
                en: "one rotation over the whole process, per request", es: "una sola rotación en todo el proceso, por petición"),
            RotationPattern::PerWorker => say!(language,
                en: "a rotation of its own in each worker or thread", es: "una rotación propia en cada trabajador o hilo"),
            RotationPattern::PerConnection => say!(language,
                en: "the turn moves on with the connection, not with the request",
                es: "el turno pasa con cada conexión, no con cada petición"),
            RotationPattern::Weighted => say!(language,
                en: "a cycle in which some backends have more turns", es: "un ciclo en el que algunos backends tienen más turnos"),
            RotationPattern::Random => say!(language, en: "picked at random", es: "elección al azar"),
            RotationPattern::Racy => say!(language,
                en: "a cycle that skips or doubles turns when requests come at once",
                es: "un ciclo que salta o repite turnos cuando las peticiones llegan a la vez"),
            RotationPattern::Sticky { backend } => say!(language,
                en: "always the same backend, {backend}", es: "siempre el mismo backend, {backend}", backend = backend),
            RotationPattern::LeavesOut => say!(language,
                en: "some backends never have a turn", es: "algunos backends nunca tienen turno"),
            RotationPattern::Unknown => {
                say!(language, en: "no known rotation", es: "ninguna rotación conocida")
            }
        }
    }
}

/// The sentence for a finding of this family; `None` for any other.
pub(super) fn sentence(finding: &RotationFinding, language: Language) -> String {
    match finding {
        RotationFinding::ExactCycle { requests, order, chance } => say!(language,
            en: "{requests} went round the backends in an exact cycle ({order}); by chance that happens with a probability of {chance}",
            es: "{requests} recorrieron los backends en un ciclo exacto ({order}); por azar eso ocurre con una probabilidad de {chance}",
            requests = Counted(*requests, Noun::Request), order = order.join(" → "), chance = Percent(*chance)),
        RotationFinding::EvenWithinRotations { requests, spread, rotations } => say!(language,
            en: "over {requests} the backends were never more than {spread} apart, as {rotations} allow",
            es: "en {requests} los backends nunca se apartaron en más de {spread}, como lo permiten {rotations}",
            requests = Counted(*requests, Noun::Request), spread = spread, rotations = Counted(*rotations, Noun::Rotation)),
        RotationFinding::CycleBroken { position, expected, saw, sequence, requests, pattern } => {
            say!(language,
            en: "request {position} of {requests} went to {saw} where the cycle asked for {expected}; visited: {sequence}; looks like: {pattern}",
            es: "la petición {position} de {requests} fue a {saw} donde el ciclo pedía {expected}; visitados: {sequence}; parece: {pattern}",
            position = position, requests = requests, saw = saw, expected = expected,
            sequence = sequence.join(" "), pattern = pattern)
        }
        RotationFinding::TurnPerConnection { requests, connections, over, backends } => say!(language,
            en: "a turn per connection: all requests of one connection reached the same backend ({requests} over {connections}), and the turn moved on with the next connection ({backends}, over {over})",
            es: "un turno por conexión: todas las peticiones de una conexión llegaron al mismo backend ({requests} en {connections}), y el turno pasó con la conexión siguiente ({backends}, en {over})",
            requests = Counted(*requests, Noun::Request), connections = Counted(*connections, Noun::Connection),
            over = Counted(*over, Noun::Connection), backends = Listed(backends)),
        RotationFinding::BackendsLeftOut { names, shares } => say!(language,
            en: "no request ever reached {names}; attempts per backend: {shares}",
            es: "ninguna petición llegó a {names}; intentos por backend: {shares}",
            names = Listed(names), shares = Listed(shares)),
        RotationFinding::DoubledAttempts { target, attempts, count, requests } => say!(language,
            en: "one request for {target} arrived at healthy backends {attempts} times; so did {count} of {requests}",
            es: "una sola petición de {target} llegó {attempts} veces a backends sanos; así ocurrió con {count} de {requests}",
            target = target, attempts = attempts, count = count, requests = Counted(*requests, Noun::Request)),
        RotationFinding::NotForwarded { target, wrong, count, requests } => say!(language,
            en: "{count} of {requests} reached no backend, such as {target}: {wrong}",
            es: "{count} de {requests} no llegaron a ningún backend, por ejemplo {target}: {wrong}",
            count = count, requests = Counted(*requests, Noun::Request), target = target, wrong = wrong),
        RotationFinding::EvenBatches { batches, size, spread, allowed, power, shares } => say!(language,
            en: "after each of {batches} of {size} the backends were at most {spread} apart ({allowed} allowed): {shares}; a counter that loses one update in a hundred would have been caught with a probability of {power}",
            es: "después de cada una de {batches} de {size} los backends se apartaron a lo sumo en {spread} (se permite {allowed}): {shares}; un contador que pierde una de cada cien actualizaciones se habría descubierto con una probabilidad de {power}",
            batches = Counted(*batches, Noun::Batch), size = size, spread = spread, allowed = allowed,
            shares = Listed(shares), power = Percent(*power)),
        RotationFinding::UnevenBatches { batch, batches, size, spread, allowed, shares, pattern } => {
            say!(language,
            en: "after batch {batch} of {batches} ({size} requests each) the backends were further apart than {allowed} (largest difference {spread}): {shares}; looks like: {pattern}",
            es: "después de la tanda {batch} de {batches} (de {size} peticiones) los backends se apartaron en más de {allowed} (diferencia máxima {spread}): {shares}; parece: {pattern}",
            batch = batch, batches = batches, size = size, allowed = allowed, spread = spread,
            shares = Listed(shares), pattern = pattern)
        }
        RotationFinding::RotationScope { pattern, requests } => say!(language,
            en: "{pattern} (seen over {requests})", es: "{pattern} (visto en {requests})",
            pattern = pattern, requests = Counted(*requests, Noun::Request)),
        RotationFinding::HitsAndTurns { take_turn: true, hits } => say!(language,
            en: "{hits} in between moved the turn on as if a backend had answered",
            es: "{hits} de por medio hicieron pasar el turno como si hubiera respondido un backend",
            hits = Counted(*hits, Noun::Hit)),
        RotationFinding::HitsAndTurns { take_turn: false, hits } => say!(language,
            en: "{hits} in between used up no turn", es: "{hits} de por medio no gastaron ningún turno",
            hits = Counted(*hits, Noun::Hit)),
    }
}
