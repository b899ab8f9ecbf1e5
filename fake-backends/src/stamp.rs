//! The stamp of an answer: which backend gave it, its number there, and a mark that proves it.
//!
//! Backends write it into every response, clients read it back; so whether an answer came from a cache is visible
//! without trusting the proxy. The mark follows from the secret of the run: a stamp that no backend gave is told from one of
//! theirs. A stamp is evidence of where bytes were made, never of when they were served.

use serde::{Deserialize, Serialize};

use crate::content::Secret;

/// Name of the field that carries the backend's name.
pub const BACKEND_FIELD: &str = "X-Backend";
/// Name of the field that carries the number of the answer at that backend and, where there is a secret, its mark.
pub const ANSWER_FIELD: &str = "X-Answer";

/// Which answer of which backend this is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// The backend's name.
    pub backend: String,
    /// The how-manieth request of that backend it answers, from one.
    pub number: u64,
}

/// What the fields of a response say of its backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing, or not all: a proxy may leave out what it likes.
    Nothing,
    /// A backend of this run gave it.
    Proven(Stamp),
    /// Both fields are there, and no backend of this run wrote them; how they read.
    Forged(String),
}

impl Stamp {
    /// Reads a stamp from the fields of a response; `None` where either field is missing or not as a backend of the run with this
    /// secret writes it.
    pub fn read<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>, secret: Secret) -> Option<Stamp> {
        Claim::read(fields, secret).into_stamp()
    }

    /// Appends the two field lines, each with its line end.
    pub fn push_lines(&self, out: &mut Vec<u8>, secret: Secret) {
        out.extend_from_slice(b"X-Backend: ");
        out.extend_from_slice(self.backend.as_bytes());
        out.extend_from_slice(b"\r\nX-Answer: ");
        out.extend_from_slice(self.number.to_string().as_bytes());
        if let Some(mark) = secret.mark_of(&self.backend, self.number) {
            out.extend_from_slice(format!("-{mark:016x}").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl Claim {
    /// The stamp that it proves.
    pub fn into_stamp(self) -> Option<Stamp> {
        match self {
            Claim::Proven(stamp) => Some(stamp),
            Claim::Nothing | Claim::Forged(_) => None,
        }
    }

    /// Reads what the fields of a response say. Without a secret nothing can be told from a stamp that somebody made up.
    pub fn read<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>, secret: Secret) -> Claim {
        let (mut backend, mut answer) = (None, None);
        for (name, value) in fields {
            let text = std::str::from_utf8(value).ok().map(str::trim);
            if name.eq_ignore_ascii_case(BACKEND_FIELD) {
                backend = text;
            } else if name.eq_ignore_ascii_case(ANSWER_FIELD) {
                answer = text;
            }
        }
        let (Some(backend), Some(answer)) = (backend, answer) else { return Claim::Nothing };
        let (number, mark) = match answer.split_once('-') {
            Some((number, mark)) => (number.parse().ok(), u64::from_str_radix(mark, 16).ok()),
            None => (answer.parse().ok(), None),
        };
        match number {
            Some(number) if mark == secret.mark_of(backend, number) => {
                Claim::Proven(Stamp { backend: backend.to_owned(), number })
            }
            _ if secret == Secret::NONE => Claim::Nothing,
            _ => Claim::Forged(format!("{backend} {answer}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(stamp: &Stamp, secret: Secret) -> String {
        let mut lines = Vec::new();
        stamp.push_lines(&mut lines, secret);
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn a_stamp_is_read_back_whatever_the_case_of_its_names() {
        let stamp = Stamp { backend: "b2".into(), number: 17 };
        assert_eq!(lines(&stamp, Secret::NONE), format!("{BACKEND_FIELD}: b2\r\n{ANSWER_FIELD}: 17\r\n"));
        let fields = [("x-backend", &b"b2"[..]), ("X-ANSWER", &b" 17"[..])];
        assert_eq!(Stamp::read(fields, Secret::NONE), Some(stamp));
        assert_eq!(Stamp::read([("X-Backend", &b"b2"[..])], Secret::NONE), None);
    }

    #[test]
    fn a_stamp_that_no_backend_of_the_run_gave_is_told_as_such() {
        let (secret, other) = (Secret::drawn(), Secret::drawn());
        let stamp = Stamp { backend: "b2".into(), number: 17 };
        let written = lines(&stamp, secret);
        let answer = written.lines().nth(1).unwrap().split_once(": ").unwrap().1.to_owned();
        let claim = |backend: &str, answer: &str, secret| {
            Claim::read([("X-Backend", backend.as_bytes()), ("X-Answer", answer.as_bytes())], secret)
        };
        assert_eq!(claim("b2", &answer, secret), Claim::Proven(stamp));
        let next = answer.replacen("17", "18", 1);
        for (backend, answer, secret) in
            [("b1", &*answer, secret), ("b2", &next, secret), ("b2", "17", secret), ("b2", &answer, other)]
        {
            assert!(matches!(claim(backend, answer, secret), Claim::Forged(_)), "{backend} {answer}");
        }
        assert_eq!(Claim::read([("X-Answer", answer.as_bytes())], secret), Claim::Nothing, "left out");
    }
}
