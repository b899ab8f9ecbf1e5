//! Quantities as people write them: `500ms`, `64KiB`, `10%`, `1MiB/s`, each with its unit.
//!
//! Scripts and the command line use them. A number without a unit is an error that says which units there are; nothing
//! is ever assumed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Why a text is not a quantity: what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadQuantity(pub String);

/// A duration: `250us`, `500ms`, `2s`, `1m`, `1h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A number of bytes: `0B`, `40B`, `64KiB`, `5MB`, `1GiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A share of all cases: `0%` to `100%`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// Bytes per second: `64KiB/s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub u64);

const SPAN_UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 6e10),
    ("min", 6e10),
    ("h", 3.6e12),
];
const SIZE_UNITS: [(&str, f64); 7] = [
    ("B", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
];

/// Longest duration that is accepted: timers beyond it are a slip of the pen.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl FromStr for Span {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Span, BadQuantity> {
        let nanos = number_with_unit(text, &SPAN_UNITS, "a duration such as 500ms, 2s or 1m")?;
        let span = Duration::from_nanos(nanos.round() as u64);
        if span > LONGEST {
            return Err(BadQuantity(format!("`{text}` is longer than a day")));
        }
        Ok(Span(span))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let units =
            [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000)];
        let exact = units
            .into_iter()
            .chain([("us", 1000)])
            .find(|(_, size)| nanos > 0 && nanos.is_multiple_of(*size));
        match exact {
            Some((unit, size)) => write!(f, "{}{unit}", nanos / size),
            None if nanos == 0 => f.write_str("0s"),
            None => write!(f, "{nanos}ns"),
        }
    }
}

impl FromStr for Size {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Size, BadQuantity> {
        let bytes = number_with_unit(text, &SIZE_UNITS, "a size such as 40B, 64KiB or 5MB")?;
        Ok(Size(bytes.round() as u64))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units =
            [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000)];
        match units.into_iter().find(|(_, size)| self.0 > 0 && self.0.is_multiple_of(*size)) {
            Some((unit, size)) => write!(f, "{}{unit}", self.0 / size),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl FromStr for Share {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Share, BadQuantity> {
        let percent = number_with_unit(text, &[("%", 1.0)], "a share such as 10%")?;
        if percent > 100.0 {
            return Err(BadQuantity(format!("`{text}` is more than 100%")));
        }
        Ok(Share(percent / 100.0))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A share that was read from text is printed as that text, without the noise of binary fractions.
        write!(f, "{}%", (self.0 * 100.0 * 1e9).round() / 1e9)
    }
}

impl FromStr for Rate {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Rate, BadQuantity> {
        let wrong = || BadQuantity(format!("`{text}` is not a rate such as 64KiB/s"));
        let Size(bytes) = text.trim().strip_suffix("/s").ok_or_else(wrong)?.parse().map_err(|_| wrong())?;
        if bytes == 0 {
            return Err(BadQuantity("a rate of 0B/s would never end; `hang` does that".into()));
        }
        Ok(Rate(bytes))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Size(self.0))
    }
}

/// Reads `12.5ms` as 12.5 times the unit's factor.
fn number_with_unit(text: &str, units: &[(&str, f64)], wanted: &str) -> Result<f64, BadQuantity> {
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let unit = unit.trim_start();
    let Ok(number) = number.parse::<f64>() else {
        return Err(BadQuantity(format!("`{text}` is not {wanted}")));
    };
    if unit.is_empty() {
        return Err(BadQuantity(format!("`{text}` has no unit: write {wanted}")));
    }
    let exact = units.iter().find(|(name, _)| *name == unit);
    match exact.or_else(|| units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))) {
        Some((_, factor)) => Ok(number * factor),
        None => {
            let known: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
            Err(BadQuantity(format!("`{unit}` in `{text}` is not one of the units {}", known.join(", "))))
        }
    }
}

/// Gives a type that is written as text its place in scripts and schemas.
macro_rules! written_as_text {
    ($type:ty, $name:literal, $example:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "examples": [$example] })
            }
        }
    };
}
pub(crate) use written_as_text;

written_as_text!(Span, "Span", "500ms");
written_as_text!(Size, "Size", "64KiB");
written_as_text!(Share, "Share", "10%");
written_as_text!(Rate, "Rate", "64KiB/s");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_survive_being_written_and_read() {
        for text in ["0s", "500ms", "2s", "90s", "1m", "1h", "1500us", "3ns"] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span, "{text}");
        }
        for (text, bytes) in
            [("0B", 0), ("40B", 40), ("3KiB", 3072), ("5MB", 5_000_000), ("1GiB", 1 << 30), ("1.5KiB", 1536)]
        {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.0, bytes);
            assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
        }
        assert_eq!("10%".parse::<Share>().unwrap().to_string(), "10%");
        assert_eq!("0.1%".parse::<Share>().unwrap().to_string(), "0.1%");
        assert_eq!("64KiB/s".parse::<Rate>().unwrap().to_string(), "64KiB/s");
    }

    #[test]
    fn a_quantity_without_a_unit_is_refused_with_advice() {
        let said = "500".parse::<Span>().unwrap_err().to_string();
        assert_eq!(said, "`500` has no unit: write a duration such as 500ms, 2s or 1m");
        let said = "5 furlongs".parse::<Span>().unwrap_err().to_string();
        assert!(said.contains("`furlongs`") && said.contains("ms"), "{said}");
        for wrong in ["", "ms", "-1s", "1e3s", "1..5s", "3000h"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
        for wrong in ["10", "101%", "ten%"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
        assert!("64KiB".parse::<Rate>().is_err() && "0B/s".parse::<Rate>().is_err());
    }
}
