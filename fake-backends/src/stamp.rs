//! The stamp of an answer: which backend gave it, and its number there.
//!
//! Backends write it into every response, clients read it back; so whether an answer came from a cache is visible
//! without trusting the proxy. A stamp is evidence of where bytes were made, never of when they were served.

use serde::{Deserialize, Serialize};

/// Name of the field that carries the backend's name.
pub const BACKEND_FIELD: &str = "X-Backend";
/// Name of the field that carries the number of the answer at that backend.
pub const ANSWER_FIELD: &str = "X-Answer";

/// Which answer of which backend this is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// The backend's name.
    pub backend: String,
    /// The how-manieth request of that backend it answers, from one.
    pub number: u64,
}

impl Stamp {
    /// Reads a stamp from the fields of a response; `None` where either field is missing or not as written here.
    pub fn read<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Option<Stamp> {
        let (mut backend, mut number) = (None, None);
        for (name, value) in fields {
            let text = std::str::from_utf8(value).ok().map(str::trim);
            if name.eq_ignore_ascii_case(BACKEND_FIELD) {
                backend = text.map(str::to_owned);
            } else if name.eq_ignore_ascii_case(ANSWER_FIELD) {
                number = text.and_then(|text| text.parse().ok());
            }
        }
        Some(Stamp { backend: backend?, number: number? })
    }

    /// Appends the two field lines, each with its line end.
    pub fn push_lines(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"X-Backend: ");
        out.extend_from_slice(self.backend.as_bytes());
        out.extend_from_slice(b"\r\nX-Answer: ");
        out.extend_from_slice(self.number.to_string().as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_whatever_the_case_of_its_names() {
        let stamp = Stamp { backend: "b2".into(), number: 17 };
        let mut lines = Vec::new();
        stamp.push_lines(&mut lines);
        assert_eq!(lines, format!("{BACKEND_FIELD}: b2\r\n{ANSWER_FIELD}: 17\r\n").into_bytes());
        assert_eq!(Stamp::read([("x-backend", &b"b2"[..]), ("X-ANSWER", &b" 17"[..])]), Some(stamp));
        assert_eq!(Stamp::read([("X-Backend", &b"b2"[..])]), None);
    }
}
