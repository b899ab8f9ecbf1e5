//! The words of the load engine: what it is doing now, and whether it reached the rate it was asked for.
//!
//! The live display and the section about performance print them.

use super::{Decimal, InWords as _, Language, Milliseconds};
use crate::{messages, say};
use harness_model::history::LoadInterval;

messages! {
    /// The schedule asked for more than was sent.
    pub fn rate_missed(tag: &str, asked: Decimal, reached: Decimal) {
        en: "“{tag}” was to send {asked} requests a second and reached {reached}: what it shows is the latency of a lower rate.",
        es: "«{tag}» debía enviar {asked} peticiones por segundo y llegó a {reached}: lo que muestra es la latencia de una tasa menor.",
    }
    /// Arrivals that found no connection until the engine gave up.
    pub fn never_sent(tag: &str, count: u64) {
        en: "{count} arrivals of “{tag}” never found a free connection; they count as time-outs.",
        es: "{count} llegadas de «{tag}» nunca encontraron una conexión libre; cuentan como tiempos agotados.",
    }
}

/// The last second of a load, for the live display.
pub fn live(language: Language, second: &LoadInterval) -> String {
    let seconds = second.duration.as_secs_f64().max(1e-3);
    let rate = Decimal(second.ended as f64 / seconds, 0).in_words(language);
    let ms = |value: Option<std::time::Duration>| {
        value.map_or_else(
            || "–".to_owned(),
            |value| Milliseconds(value.as_secs_f64() * 1e3).in_words(language),
        )
    };
    let mut line = format!("{rate}/s · p50 {} · p99 {}", ms(second.p50), ms(second.p99));
    if second.errors > 0 {
        line.push_str(
            &say!(language, en: " · {errors} errors", es: " · {errors} errores", errors = second.errors),
        );
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_of_load_is_one_line() {
        let second = LoadInterval {
            tag: "t".into(),
            duration: Duration::from_secs(1),
            ended: 500,
            errors: 3,
            in_flight: 2,
            p50: Some(Duration::from_micros(1500)),
            p99: None,
        };
        assert_eq!(live(Language::En, &second), "500/s · p50 1.5 ms · p99 – · 3 errors");
        assert!(live(Language::Es, &second).ends_with("3 errores"));
    }
}
