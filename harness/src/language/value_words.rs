//! What is wrong with a value (`2`, `5 parsecs`, `120%`), in Spanish; English comes from who refused it.
//!
//! `input_words` calls it for a value that cannot be used. Whatever it does not recognise stays as the parser said it.

/// Sentences without a value in them.
const FIXED: [(&str, &str); 5] = [
    (
        "a proxy without backends has nothing to forward to: count is at least 1",
        "un proxy sin backends no tiene a quién reenviar: count es al menos 1",
    ),
    (
        "a name is a folder of reports: letters, digits, `-` and `_` only",
        "el nombre es una carpeta de informes: solo letras, dígitos, `-` y `_`",
    ),
    ("`from` is more than `to`", "`from` es más que `to`"),
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
    if let Some((value, example)) =
        why.split_once(" is not a threshold: write a percentile and a time, such as ")
    {
        return Some(format!("{value} no es un umbral: escriba un percentil y un tiempo, como {example}"));
    }
    if let Some((times, most)) = why.split_once(" rounds are too many: at most ") {
        return Some(format!("{times} rondas son demasiadas: como máximo {most}"));
    }
    let (value, wanted) = why.split_once(" is not ")?;
    Some(format!("{value} no es {}", form(wanted)?))
}

/// `a duration such as 500ms, 2s or 1m`.
fn form(wanted: &str) -> Option<String> {
    let (kind, examples) = wanted.split_once(" such as ")?;
    let kind = match kind {
        "a duration" => "una duración",
        "a size" => "un tamaño",
        "a share" => "un porcentaje",
        "a rate" => "un caudal",
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
        for sentence in sentences {
            assert!(recognised(&sentence).is_some(), "{sentence}");
        }
        assert_eq!(
            in_spanish("`2` has no unit: write a duration such as 500ms, 2s or 1m"),
            "`2` no tiene unidad: escriba una duración como 500ms, 2s o 1m"
        );
    }
}
