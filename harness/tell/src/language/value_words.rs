//! What is wrong with a value (`2`, `5 parsecs`, `120%`), in Spanish; English comes from who refused it.
//!
//! `input_words` calls it for a value that cannot be used. Whatever it does not recognise stays as the parser said it.

/// Sentences without a value in them.
const FIXED: [(&str, &str); 10] = [
    ("a load of 0 users sends nothing: at least 1", "una carga de 0 usuarios no envía nada: al menos 1"),
    (
        "no answer takes no time: the limit of `slo` is more than 0",
        "ninguna respuesta tarda cero: el límite de `slo` es mayor que 0",
    ),
    (
        "a search never ends with a precision of 0%: 1% is the finest",
        "una búsqueda no termina con una precisión de 0%: la más fina es 1%",
    ),
    (
        "a search for a capacity has limits of its own, `slo` and `errors`: a threshold is for other loads",
        "una búsqueda de capacidad tiene sus propios límites, `slo` y `errors`: un umbral es para otras cargas",
    ),
    (
        "a name is a folder of reports: letters, digits, `-` and `_` only",
        "el nombre es una carpeta de informes: solo letras, dígitos, `-` y `_`",
    ),
    (
        "memory per connection is measured on a proxy that was just started: its load must be the first step and keep at least 500 connections open (so many users, `spread: true`, `connections: one`)",
        "la memoria por conexión se mide en un proxy recién arrancado: su carga debe ser la primera etapa y mantener abiertas al menos 500 conexiones (tantos usuarios, `spread: true`, `connections: one`)",
    ),
    ("`from` is more than `to`", "`from` es más que `to`"),
    (
        "`misuse` is something that is done with `over: http2`",
        "`misuse` es algo que se hace con `over: http2`",
    ),
    ("`least` is longer than `most`", "`least` es más largo que `most`"),
    (
        "a rate of 0B/s would never end; `hang` does that",
        "un caudal de 0B/s no terminaría nunca; para eso está `hang`",
    ),
];

/// The sentence in Spanish; the sentence itself where nobody has translated it.
pub(super) fn in_spanish(why: &str) -> String {
    recognised(why).unwrap_or_else(|| why.to_owned())
}

fn recognised(why: &str) -> Option<String> {
    if let Some((value, wanted)) = why.split_once(" has no unit: write ") {
        return Some(format!("{value} no tiene unidad: escriba {}", form(wanted)?));
    }
    if let Some((rest, known)) = why.split_once(" is not one of the units ") {
        let (unit, value) = rest.split_once(" in ")?;
        return Some(format!("{unit} en {value} no es ninguna de las unidades {known}"));
    }
    if let Some((cut, rest)) = why.split_once(" would never happen, the body has ") {
        let (name, after) = cut.split_once(" after ")?;
        let has = rest.strip_suffix(": make it longer, or break off earlier")?;
        return Some(format!(
            "{name} tras {after} no ocurriría nunca, el cuerpo tiene {has}: hágalo más largo o corte antes"
        ));
    }
    if let Some(value) = why.strip_suffix(" is longer than a day") {
        return Some(format!("{value} es más que un día"));
    }
    if let Some(value) = why.strip_suffix(" is more than 100%") {
        return Some(format!("{value} es más que 100%"));
    }
    if let Some((_, spanish)) = FIXED.iter().find(|(english, _)| *english == why) {
        return Some((*spanish).to_owned());
    }
    if let Some((value, example)) = why.split_once(" is not a rate: write arrivals per time, such as ") {
        let example = example.replace(" or ", " o ");
        return Some(format!("{value} no es una tasa: escriba llegadas por tiempo, como {example}"));
    }
    if let Some((value, why)) = why.split_once(" is not a threshold: ") {
        return Some(format!("{value} no es un umbral: {}", threshold(why)?));
    }
    if let Some(refused) = of_a_step(why) {
        return Some(refused);
    }
    let (value, wanted) = why.split_once(" is not ")?;
    Some(format!("{value} no es {}", form(wanted)?))
}

/// What a step asks for and no run can hold, or no request line.
fn of_a_step(why: &str) -> Option<String> {
    if let Some((what, most)) = why.split_once(" too many: at most ") {
        let spanish = [
            (" rounds are", " rondas son demasiadas"),
            (" requests are", " peticiones son demasiadas"),
            (" bytes of a request are", " bytes de una petición son demasiados"),
            (" steps are", " pasos son demasiados"),
            (" is", " es demasiado"),
        ];
        let (value, words) =
            spanish.iter().find_map(|(english, words)| Some((what.strip_suffix(english)?, words)))?;
        return Some(format!("{value}{words}: como máximo {most}"));
    }
    if let Some((value, least)) = why.split_once(" is too few: at least ") {
        return Some(format!("{value} es muy poco: al menos {least}"));
    }
    if let Some((bytes, most)) = why.split_once(" bytes is too long: at most ") {
        let bytes = bytes.strip_prefix("a target of ")?;
        return Some(format!("un destino (target) de {bytes} bytes es demasiado largo: como máximo {most}"));
    }
    if let Some((pause, least)) = why.split_once(" between two of them is too short: at least ") {
        return Some(format!("{pause} entre uno y otro es muy poco: al menos {least}"));
    }
    if let Some(value) = why.strip_suffix(" is no target: it begins with `/`") {
        return Some(format!("{value} no es un destino (target): comienza por `/`"));
    }
    if let Some((odd, rest)) = why.split_once(" cannot stand in a target: write ") {
        let escaped = rest.strip_suffix(" for it")?;
        return Some(format!("{odd} no puede estar en un destino (target): escriba {escaped} en su lugar"));
    }
    if let Some((name, known)) = why.split_once(" is no placeholder of a target: ") {
        return Some(format!("{name} no es un comodín de un destino (target): {known}"));
    }
    let (value, example) = why.split_once(" is no method: write a word such as ")?;
    Some(format!("{value} no es un método: escriba una palabra como {example}"))
}

/// Why something is no threshold.
fn threshold(why: &str) -> Option<String> {
    if let Some(example) = why.strip_prefix("write a percentile and a time, such as ") {
        return Some(format!("escriba un percentil y un tiempo, como {example}"));
    }
    if let Some(form) = why.strip_prefix("write ") {
        let (form, example) = form.split_once(", such as ")?;
        return Some(format!("escriba {form}, por ejemplo {example}"));
    }
    if let Some(example) = why.strip_prefix("say beside what latency is added: ") {
        return Some(format!("diga respecto a qué se añade latencia: {example}"));
    }
    if let Some(example) = why.strip_prefix("say of which load step: ") {
        return Some(format!("diga de qué etapa de carga: {example}"));
    }
    if let Some(metric) = why.strip_suffix(" belongs to the proxy, not to a tag") {
        return Some(format!("{metric} es del proxy, no de una etiqueta"));
    }
    if why == "a brace is not closed" {
        return Some("falta cerrar una llave".to_owned());
    }
    if let Some((braces, example)) = why.split_once(" names no side: write ") {
        return Some(format!("{braces} no nombra ningún lado: escriba {example}"));
    }
    if let Some((name, known)) = why.split_once(" is no metric; there are ") {
        return Some(format!("{name} no es una métrica; existen {}", known.replace(" and ", " y ")));
    }
    if let Some((word, metric)) = why.split_once(" does not belong to ") {
        return Some(format!("{word} no corresponde a {metric}"));
    }
    if let Some(example) = why.strip_prefix("a latency needs its percentile, such as ") {
        return Some(format!("una latencia necesita su percentil, como {example}"));
    }
    if let Some(rest) = why.strip_prefix("a ratio has a factor for a limit, such as ") {
        let (examples, value) = rest.split_once(", not ")?;
        return Some(format!(
            "el límite de una razón es un factor, como {}, no {value}",
            examples.replace(" or ", " o ")
        ));
    }
    let (metric, rest) = why.split_once(" is limited by ")?;
    let (unit, value) = rest.split_once(", not by ")?;
    Some(format!("{metric} se limita con {}, no con {value}", form(unit)?))
}

/// `a duration such as 500ms, 2s or 1m`.
fn form(wanted: &str) -> Option<String> {
    let (kind, examples) = wanted.split_once(" such as ")?;
    let kind = match kind.trim_end_matches(',') {
        "a duration" => "una duración",
        "a time" => "un tiempo",
        "a size" => "un tamaño",
        "a share" => "un porcentaje",
        "a rate" if examples.contains("/s`") => "una tasa",
        "a rate" => "un caudal",
        "a count" => "un número",
        _ => return None,
    };
    Some(format!("{kind} como {}", examples.replace(" or ", " o ")))
}

#[cfg(test)]
mod tests {
    use fake_backends::behavior::{Rate, Share, Size, Span};

    use super::*;

    #[test]
    fn every_sentence_of_the_parser_of_quantities_has_its_spanish() {
        let mut sentences: Vec<String> = Vec::new();
        for text in ["2", "soon", "5 parsecs", "48h"] {
            sentences.push(text.parse::<Span>().unwrap_err().to_string());
        }
        for text in ["2", "much", "5 pages"] {
            sentences.push(text.parse::<Size>().unwrap_err().to_string());
        }
        for text in ["2", "120%"] {
            sentences.push(text.parse::<Share>().unwrap_err().to_string());
        }
        for text in ["2", "0B/s"] {
            sentences.push(text.parse::<Rate>().unwrap_err().to_string());
        }
        for text in [
            "hits: latency p(99)",
            "hits: latency < 50ms",
            "hits: latency p(99) < 50",
            "latency p(99) < 50ms",
            "hits: rss_peak < 1MiB",
            "hits: speed < 1ms",
            "hits: rate p(99) < 1/s",
            "hits: added_latency p(50) < 1ms",
            "hits: latency{nginx} p(50) < 1x",
            "hits: latency{vs:nginx p(50) < 1x",
            "hits: rate > 500",
            "rss_peak < 64",
            "rr.spread < 1%",
            "hits: error_rate < 2",
            "hits: cpu_per_request{vs:nginx} < 5us",
        ] {
            sentences.push(text.parse::<harness_model::plan::Gate>().unwrap_err());
        }
        sentences.extend(harness_model::scenario::refusals());
        sentences.push(harness_model::plan::TOO_FEW_HELD.to_owned());
        for sentence in sentences {
            assert!(recognised(&sentence).is_some(), "{sentence}");
        }
        assert_eq!(
            in_spanish("`2` has no unit: write a duration such as 500ms, 2s or 1m"),
            "`2` no tiene unidad: escriba una duración como 500ms, 2s o 1m"
        );
    }
}
