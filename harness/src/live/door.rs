//! Who is let in: whoever knows the token, by the address that was printed, from this page or from nowhere.
//!
//! `server` asks it before anything else. A page of another site cannot know the token; should it learn it, the browser says where the
//! request comes from, and a name of its own that leads to loopback is not ours.

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::{Method, Uri};

use harness_model::catalogue::CheckId;
use harness_tell::language::Language;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The page of the newest run.
    Newest,
    /// The page of a run.
    Page(usize, Language),
    /// Its script.
    Script,
    /// What there is to tell of a run, as it comes.
    Events(usize, Language),
    /// Hold the run.
    Hold(Language),
    /// Let it go on.
    GoOn(Language),
    /// Repeat a check.
    Repeat(CheckId, Language),
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Another name of this address, another site, or no token: which of them is not said.
    Forbidden,
    /// There is no such thing.
    Unknown,
    /// It is there, but not by this method.
    Method,
}

/// The door of one server.
#[derive(Clone, Debug)]
pub(super) struct Door {
    token: String,
    port: u16,
    language: Language,
}

impl Door {
    pub(super) fn new(token: String, port: u16, language: Language) -> Door {
        Door { token, port, language }
    }

    /// The address to be printed.
    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.token)
    }

    /// What a request asks for, if it may.
    pub(super) fn open(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Asked, Refused> {
        self.comes_from_here(headers)?;
        let mut parts = uri.path().trim_start_matches('/').splitn(2, '/');
        let (token, rest) = (parts.next().unwrap_or_default(), parts.next());
        // In a time that does not tell how much of it was right.
        let differs = token.bytes().zip(self.token.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        if token.len() != self.token.len() || differs != 0 {
            return Err(Refused::Forbidden);
        }
        let rest = rest.ok_or(Refused::Unknown)?;
        let said = |name: &str| {
            let pairs = uri.query().unwrap_or_default().split('&');
            pairs
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        let language = self.language_of(said("lang"), headers);
        if rest.is_empty() {
            return only(method, &Method::GET, Asked::Newest);
        }
        let (run, what) = rest.split_once('/').ok_or(Refused::Unknown)?;
        let run: usize = run.parse().map_err(|_| Refused::Unknown)?;
        match what {
            "" => only(method, &Method::GET, Asked::Page(run, language)),
            "live.js" => only(method, &Method::GET, Asked::Script),
            "events" => only(method, &Method::GET, Asked::Events(run, language)),
            "hold" => only(method, &Method::POST, Asked::Hold(language)),
            "continue" => only(method, &Method::POST, Asked::GoOn(language)),
            "repeat" => {
                let check = said("check").and_then(|name| name.parse().ok()).ok_or(Refused::Unknown)?;
                only(method, &Method::POST, Asked::Repeat(check, language))
            }
            _ => Err(Refused::Unknown),
        }
    }

    /// Exactly one `Host`, and ours; `Origin` and `Sec-Fetch-Site`, where a browser sends them, name this page or nobody.
    fn comes_from_here(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let ours = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        let one = |name: HeaderName| {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some(value), None) => value.to_str().map(Some).map_err(|_| Refused::Forbidden),
                (Some(_), Some(_)) => Err(Refused::Forbidden),
            }
        };
        let host = one(HOST)?.ok_or(Refused::Forbidden)?;
        let known = ours.iter().any(|ours| ours == host);
        let same = |origin: &str| origin.strip_prefix("http://") == Some(host);
        let origin = one(ORIGIN)?.is_none_or(same);
        let fetched = one(HeaderName::from_static("sec-fetch-site"))?;
        // `same-site` is another port of this machine.
        let fetched = fetched.is_none_or(|site| matches!(site, "same-origin" | "none"));
        if known && origin && fetched { Ok(()) } else { Err(Refused::Forbidden) }
    }

    /// As the address says, otherwise as the browser does where a button was pressed, otherwise that of the terminal.
    fn language_of(&self, said: Option<&str>, headers: &HeaderMap) -> Language {
        let known = |code: &str| Language::ALL.into_iter().find(|language| language.code() == code);
        let button = headers.get(hyper::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        said.and_then(known).or_else(|| button.and_then(known)).unwrap_or(self.language)
    }
}

fn only(method: &Method, wanted: &Method, asked: Asked) -> Result<Asked, Refused> {
    if method == wanted { Ok(asked) } else { Err(Refused::Method) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Asked, Refused> {
        let door = Door::new("0123abcd".into(), 4000, Language::En);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        door.open(&method.parse().unwrap(), &path.parse().unwrap(), &map)
    }

    const HERE: (&str, &str) = ("host", "127.0.0.1:4000");

    #[test]
    fn who_knows_the_token_and_comes_from_here_is_let_in() {
        assert_eq!(ask("GET", "/0123abcd/", &[HERE]), Ok(Asked::Newest));
        let typed = ("sec-fetch-site", "none");
        assert_eq!(ask("GET", "/0123abcd/1/?lang=es", &[HERE, typed]), Ok(Asked::Page(1, Language::Es)));
        let by_name = ("host", "localhost:4000");
        assert_eq!(ask("GET", "/0123abcd/1/events", &[by_name]), Ok(Asked::Events(1, Language::En)));
        let page = [HERE, ("origin", "http://127.0.0.1:4000"), ("sec-fetch-site", "same-origin")];
        assert_eq!(ask("POST", "/0123abcd/1/hold", &page), Ok(Asked::Hold(Language::En)));
        assert_eq!(
            ask("POST", "/0123abcd/1/repeat?check=ttl.expiry", &page),
            Ok(Asked::Repeat(CheckId::TtlExpiry, Language::En))
        );
    }

    #[test]
    fn who_does_not_know_the_token_is_refused() {
        for path in ["/", "/0123abc/", "/0123abce/", "/0123abcd0/", "/1/events", "/../0123abcd/"] {
            assert_eq!(ask("GET", path, &[HERE]), Err(Refused::Forbidden), "{path}");
        }
        assert_eq!(ask("GET", "/0123abcd", &[HERE]), Err(Refused::Unknown));
    }

    #[test]
    fn another_site_is_refused_even_with_the_token() {
        let foreign: [&[(&str, &str)]; 9] = [
            &[],
            &[("host", "attacker.example:4000")],
            &[("host", "127.0.0.1")],
            &[("host", "127.0.0.1:4001")],
            &[HERE, ("host", "attacker.example")],
            &[HERE, ("origin", "http://attacker.example")],
            &[HERE, ("origin", "null")],
            &[HERE, ("sec-fetch-site", "cross-site")],
            &[HERE, ("sec-fetch-site", "same-site")],
        ];
        for headers in foreign {
            for (method, path) in
                [("GET", "/0123abcd/"), ("GET", "/0123abcd/1/events"), ("POST", "/0123abcd/1/hold")]
            {
                assert_eq!(ask(method, path, headers), Err(Refused::Forbidden), "{headers:?}");
            }
        }
    }

    #[test]
    fn nothing_is_changed_by_a_link() {
        for path in ["/0123abcd/1/hold", "/0123abcd/1/continue", "/0123abcd/1/repeat?check=ttl.expiry"] {
            assert_eq!(ask("GET", path, &[HERE]), Err(Refused::Method), "{path}");
        }
        assert_eq!(ask("POST", "/0123abcd/1/repeat?check=rm", &[HERE]), Err(Refused::Unknown));
    }
}
