//! Figures as people write them: thousands apart, decimal point or comma, units.
//!
//! Every message passes its figures through [`InWords`]. Files for machines never do: they keep the point.

use super::Language;

/// Something that a message can contain.
pub trait InWords {
    /// Its words or digits in a language.
    fn in_words(&self, language: Language) -> String;
}

/// A number of milliseconds, written in milliseconds up to ten seconds: `2,003 ms`, `12.3 ms`, `0.45 ms`, `16.59 s`. Five digits
/// with a point in Spanish would be read as a little over sixteen.
#[derive(Clone, Copy, Debug)]
pub struct Milliseconds(pub f64);

/// A length of time in milliseconds, written in the unit that fits it: `2 s`, `500 ms`, `1.5 s`, `5 min`.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub f64);

/// A share between 0 and 1, written in percent.
#[derive(Clone, Copy, Debug)]
pub struct Percent(pub f64);

/// A number with up to this many decimals.
#[derive(Clone, Copy, Debug)]
pub struct Decimal(pub f64, pub usize);

/// A quantile between 0 and 1, written as `p99.9`.
#[derive(Clone, Copy, Debug)]
pub struct Quantile(pub f64);

/// A number of bytes, written in the binary unit that fits it.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub u64);

/// Several things, the last joined by "and".
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a, T>(pub &'a [T]);

/// So many of something: `1 request`, `2,003 requests`.
#[derive(Clone, Copy, Debug)]
pub struct Counted(pub u64, pub Noun);

/// Things that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// A request of a client.
    Request,
    /// An answer.
    Answer,
    /// A POST.
    Post,
    /// A resource in the cache.
    Resource,
    /// A request that looks whether an entry is still served.
    Probe,
    /// A request as a backend saw it.
    Attempt,
    /// An answer from the cache.
    Hit,
    /// A kill.
    Kill,
    /// A start.
    Start,
    /// A batch.
    Batch,
    /// A backend.
    Backend,
    /// A client.
    Client,
    /// A connection.
    Connection,
    /// A file.
    File,
    /// A line of a text.
    Line,
    /// A byte.
    Byte,
    /// A sample.
    Sample,
    /// A rotation.
    Rotation,
    /// A kind of client.
    ClientKind,
    /// A check.
    Check,
    /// A restart.
    Restart,
    /// An instance of a fleet.
    Instance,
    /// A check that decides.
    RequiredCheck,
    /// A scenario.
    Scenario,
}

impl Noun {
    fn forms(self) -> [&'static str; 4] {
        match self {
            Noun::Request => ["request", "requests", "petición", "peticiones"],
            Noun::Answer => ["answer", "answers", "respuesta", "respuestas"],
            Noun::Post => ["POST", "POSTs", "POST", "POST"],
            Noun::Resource => ["resource", "resources", "recurso", "recursos"],
            Noun::Probe => ["probe", "probes", "sondeo", "sondeos"],
            Noun::Attempt => ["attempt", "attempts", "intento", "intentos"],
            Noun::Hit => ["hit", "hits", "respuesta del caché", "respuestas del caché"],
            Noun::Kill => ["kill", "kills", "caída provocada", "caídas provocadas"],
            Noun::Start => ["start", "starts", "arranque", "arranques"],
            Noun::Batch => ["batch", "batches", "tanda", "tandas"],
            Noun::Backend => ["backend", "backends", "backend", "backends"],
            Noun::Connection => ["connection", "connections", "conexión", "conexiones"],
            Noun::Client => ["client", "clients", "cliente", "clientes"],
            Noun::File => ["file", "files", "archivo", "archivos"],
            Noun::Line => ["line", "lines", "línea", "líneas"],
            Noun::Byte => ["byte", "bytes", "byte", "bytes"],
            Noun::Sample => ["sample", "samples", "muestra", "muestras"],
            Noun::Rotation => ["rotation", "rotations", "rotación", "rotaciones"],
            Noun::ClientKind => ["kind of client", "kinds of client", "tipo de cliente", "tipos de cliente"],
            Noun::Check => ["check", "checks", "verificación", "verificaciones"],
            Noun::RequiredCheck => [
                "required check",
                "required checks",
                "verificación obligatoria",
                "verificaciones obligatorias",
            ],
            Noun::Scenario => ["scenario", "scenarios", "escenario", "escenarios"],
            Noun::Instance => ["instance", "instances", "instancia", "instancias"],
            Noun::Restart => ["restart", "restarts", "reinicio", "reinicios"],
        }
    }
}

impl InWords for str {
    fn in_words(&self, _language: Language) -> String {
        self.to_owned()
    }
}

impl InWords for String {
    fn in_words(&self, _language: Language) -> String {
        self.clone()
    }
}

impl<T: InWords + ?Sized> InWords for &T {
    fn in_words(&self, language: Language) -> String {
        (**self).in_words(language)
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => {$(
        impl InWords for $type {
            fn in_words(&self, language: Language) -> String {
                grouped(&self.to_string(), language)
            }
        }
    )+};
}
whole_numbers!(u16, u32, u64, usize);

impl InWords for i32 {
    fn in_words(&self, _language: Language) -> String {
        self.to_string()
    }
}

impl InWords for Decimal {
    fn in_words(&self, language: Language) -> String {
        let Decimal(value, places) = *self;
        let text = format!("{:.places$}", value.abs());
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let fraction = fraction.trim_end_matches('0');
        let sign = if value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { "−" } else { "" };
        let whole = grouped(whole, language);
        let point = language.choose('.', ',');
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}{point}{fraction}") }
    }
}

impl InWords for Milliseconds {
    fn in_words(&self, language: Language) -> String {
        if self.0.abs() >= 10_000.0 {
            return format!("{} s", Decimal(self.0 / 1_000.0, 2).in_words(language));
        }
        let places = match self.0.abs() {
            small if small < 1.0 => 3,
            small if small < 10.0 => 2,
            medium if medium < 100.0 => 1,
            _ => 0,
        };
        format!("{} ms", Decimal(self.0, places).in_words(language))
    }
}

impl InWords for Span {
    fn in_words(&self, language: Language) -> String {
        let milliseconds = self.0;
        if milliseconds.abs() < 1_000.0 {
            return Milliseconds(milliseconds).in_words(language);
        }
        if milliseconds >= 120_000.0 && milliseconds % 60_000.0 == 0.0 {
            return format!("{} min", Decimal(milliseconds / 60_000.0, 0).in_words(language));
        }
        let places = if milliseconds < 100_000.0 { 2 } else { 0 };
        format!("{} s", Decimal(milliseconds / 1_000.0, places).in_words(language))
    }
}

impl InWords for Percent {
    fn in_words(&self, language: Language) -> String {
        let percent = self.0 * 100.0;
        // A share that is not quite all must not be rounded up to all, nor one that is not nothing down to nothing.
        let shown = if percent < 100.0 { percent.min(99.99) } else { percent };
        let places = if (1.0..=99.0).contains(&shown) { 1 } else { 2 };
        let space = language.choose("", " ");
        if percent > 0.0 && percent < 0.01 {
            return format!("< {}{space}%", Decimal(0.01, 2).in_words(language));
        }
        format!("{}{space}%", Decimal(shown, places).in_words(language))
    }
}

impl InWords for Quantile {
    fn in_words(&self, language: Language) -> String {
        format!("p{}", Decimal(self.0 * 100.0, 6).in_words(language))
    }
}

impl InWords for Bytes {
    fn in_words(&self, language: Language) -> String {
        let Bytes(bytes) = *self;
        let (unit, size) = match bytes {
            0..1_024 => return Counted(bytes, Noun::Byte).in_words(language),
            1_024..1_048_576 => ("KiB", 1_024.0),
            1_048_576..1_073_741_824 => ("MiB", 1_048_576.0),
            _ => ("GiB", 1_073_741_824.0),
        };
        format!("{} {unit}", Decimal(bytes as f64 / size, 1).in_words(language))
    }
}

impl InWords for Counted {
    fn in_words(&self, language: Language) -> String {
        let Counted(number, noun) = *self;
        let [en_one, en_many, es_one, es_many] = noun.forms();
        let form =
            if number == 1 { language.choose(en_one, es_one) } else { language.choose(en_many, es_many) };
        format!("{} {form}", number.in_words(language))
    }
}

impl<T: InWords> InWords for Listed<'_, T> {
    fn in_words(&self, language: Language) -> String {
        let words: Vec<String> = self.0.iter().map(|one| one.in_words(language)).collect();
        match words.split_last() {
            None => "–".to_owned(),
            Some((only, [])) => only.clone(),
            Some((last, rest)) => {
                // Spanish "y" becomes "e" before the sound of i.
                let starts_with_i = last.to_lowercase().starts_with(['i', 'í']);
                let and = language.choose("and", if starts_with_i { "e" } else { "y" });
                format!("{} {and} {last}", rest.join(", "))
            }
        }
    }
}

/// Digits in groups of three. Spanish keeps four digits together (Ortografía de la lengua española, 2010), so that `1003 ms` is
/// never read as a little over one.
fn grouped(digits: &str, language: Language) -> String {
    if language == Language::Es && digits.len() <= 4 {
        return digits.to_owned();
    }
    let separator = language.choose(',', '.');
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{En, Es};

    #[test]
    fn numbers_have_the_separators_of_their_language() {
        assert_eq!(1_234_567_u64.in_words(En), "1,234,567");
        assert_eq!(1_234_567_u64.in_words(Es), "1.234.567");
        assert_eq!(Decimal(1234.5, 2).in_words(Es), "1234,5");
        assert_eq!(12_345_u64.in_words(Es), "12.345");
        assert_eq!(Decimal(-0.001, 1).in_words(En), "0");
        assert_eq!(Decimal(-2.5, 1).in_words(En), "−2.5");
    }

    #[test]
    fn durations_take_the_unit_that_fits() {
        assert_eq!(Milliseconds(2_003.4).in_words(En), "2,003 ms");
        assert_eq!(Milliseconds(0.45).in_words(Es), "0,45 ms");
        assert_eq!(Milliseconds(16_593.4).in_words(Es), "16,59 s");
        assert_eq!(Milliseconds(9_993.4).in_words(Es), "9993 ms");
        assert_eq!(Milliseconds(12.34).in_words(Es), "12,3 ms");
        assert_eq!(Span(2_000.0).in_words(En), "2 s");
        assert_eq!(Span(500.0).in_words(En), "500 ms");
        assert_eq!(Span(1_500.0).in_words(Es), "1,5 s");
        assert_eq!(Span(300_000.0).in_words(En), "5 min");
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(Percent(0.999_999).in_words(En), "99.99%");
        assert_eq!(Percent(1.0).in_words(Es), "100 %");
        assert_eq!(Percent(0.000_001).in_words(En), "< 0.01%");
        assert_eq!(Percent(0.0).in_words(En), "0%");
        assert_eq!(Percent(0.881).in_words(Es), "88,1 %");
    }

    #[test]
    fn counted_things_agree_with_their_number() {
        assert_eq!(Counted(1, Noun::Request).in_words(En), "1 request");
        assert_eq!(Counted(0, Noun::Request).in_words(Es), "0 peticiones");
        assert_eq!(Counted(1, Noun::Probe).in_words(Es), "1 sondeo");
        assert_eq!(Bytes(1).in_words(En), "1 byte");
        assert_eq!(Bytes(1_536).in_words(Es), "1,5 KiB");
    }

    #[test]
    fn lists_end_in_and() {
        assert_eq!(Listed(&["b1", "b2", "b3"]).in_words(En), "b1, b2 and b3");
        assert_eq!(Listed(&["b1"]).in_words(Es), "b1");
        assert_eq!(Listed(&["b1", "internet"]).in_words(Es), "b1 e internet");
    }

    #[test]
    fn quantiles_read_as_people_say_them() {
        assert_eq!(Quantile(0.999).in_words(En), "p99.9");
        assert_eq!(Quantile(0.5).in_words(Es), "p50");
    }
}
