//! A line for a shell that shows a failure without the harness: `curl` where it can say the same, `printf | nc` where not.
//!
//! The terminal and the pages print it, to be tried while `--hold` keeps proxy and backends up. It is made from the record
//! alone; what a shell could not hold safely gets no line.

use super::Source;
use super::attachments::quoted;
use super::mending::instance;
use harness_judge::check::Verdict;
use harness_model::catalogue::Shown;
use harness_model::history::{EventKind, Exchange, Handshake, Purpose, Secured, TlsVersion};
use harness_model::plan::{Over, StepKind};

/// The line for a verdict; `None` where one line cannot show it, such as a crash.
pub fn by_hand(source: &Source<'_>, verdict: &Verdict) -> Option<String> {
    if verdict.check.shown() == Shown::ByHandshake {
        return handshake(source, verdict);
    }
    let exchange = instance(source, verdict)?.exchange;
    let address = address(source)?;
    let url = url(&address, &exchange.target);
    match verdict.check.shown() {
        Shown::ByNoLine | Shown::ByHandshake => None,
        Shown::AroundTheTtl => {
            let ttl = source.plan().proxy.ttl?;
            let seconds = ttl.as_secs() + 1;
            let ask = format!("curl -s -o /dev/null -D - {} | grep -i ^x-answer", quoted(&url?));
            Some(format!("{ask}; sleep {seconds}; {ask}"))
        }
        Shown::Twice => {
            let url = quoted(&url?);
            Some(format!(
                "for i in 1 2; do curl -s -o body.$i -D - {url} | grep -i ^x-answer; done; cmp body.1 body.2"
            ))
        }
        Shown::InTurn => {
            let url = numbered(&url?)?;
            Some(format!("for i in $(seq 9); do curl -s -o /dev/null -D - {url} | grep -i ^x-backend; done"))
        }
        Shown::SlowAndFast => {
            let of = |purpose: Purpose| {
                let mut all = source.exchanges().map(|(_, exchange)| exchange);
                all.find(|exchange| exchange.purpose == purpose).map(|exchange| exchange.target.as_str())
            };
            let slow = quoted(&self::url(&address, of(Purpose::Slow)?)?);
            let fast = quoted(&self::url(&address, of(Purpose::Fast)?)?);
            Some(format!(
                "curl -s -o /dev/null {slow} & sleep 0.2; curl -s -o /dev/null -w '%{{time_total}} s\\n' {fast}; wait"
            ))
        }
        Shown::Together => {
            let url = numbered(&url?)?;
            Some(format!(
                "for i in $(seq 20); do curl -s -o /dev/null -w '%{{http_code}} %{{time_total}} s\\n' {url} & done; wait"
            ))
        }
        Shown::ByOneRequest if over(source, verdict) != Over::Plain => {
            by_https(source, exchange, over(source, verdict))
        }
        Shown::ByOneRequest => one_request(source, exchange, false),
        Shown::InSegments => one_request(source, exchange, true),
    }
}

/// One request, to the address at which the proxy listened last.
pub(super) fn one_request(source: &Source<'_>, exchange: &Exchange, in_segments: bool) -> Option<String> {
    let address = address(source)?;
    let head = std::str::from_utf8(&exchange.request_head.0).ok()?;
    let mut lines = head.trim_end_matches(['\r', '\n']).split("\r\n");
    let first = lines.next().unwrap_or_default();
    let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
    let known = ["host", "connection", "user-agent", "accept", "content-length"];
    let repeated = fields.iter().enumerate().any(|(place, (name, _))| {
        fields[..place].iter().any(|(earlier, _)| earlier.eq_ignore_ascii_case(name))
    });
    let chunked = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
    let plain = first.is_empty() || ["HTTP/1.1", "HTTP/2"].iter().any(|version| first.ends_with(version));
    let url = url(&address, &exchange.target);
    if let (Some(url), true, false, false, false) = (url, plain, repeated, chunked, in_segments) {
        let mut line = "curl -i".to_owned();
        match exchange.method.as_str() {
            "GET" => {}
            "HEAD" => line.push_str(" --head"),
            method => line.push_str(&format!(" -X {}", quoted(method))),
        }
        let own = |(name, _): &&(&str, &str)| !known.contains(&name.to_ascii_lowercase().as_str());
        for (name, value) in fields.iter().filter(own) {
            line.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
        }
        line.push_str(&format!(" {}", quoted(&url)));
        let bytes = exchange.request_body_bytes;
        return Some(if bytes > 0 { format!("{} | {line} --data-binary @-", filler(bytes)) } else { line });
    }
    if head.is_empty() {
        return None;
    }
    let (host, port) = address.rsplit_once(':')?;
    let mut parts = Vec::new();
    if in_segments && exchange.request_body_bytes == 0 {
        let half = (head.len() / 2..head.len()).find(|&place| head.is_char_boundary(place))?;
        parts.extend([printf(&head[..half]), "sleep 0.3".to_owned(), printf(&head[half..])]);
    } else {
        parts.push(printf(head));
    }
    if exchange.request_body_bytes > 0 {
        if in_segments {
            parts.push("sleep 0.3".to_owned());
        }
        let bytes = exchange.request_body_bytes;
        if chunked {
            parts.extend([printf(&format!("{bytes:x}\r\n")), filler(bytes), printf("\r\n0\r\n\r\n")]);
        } else {
            parts.push(filler(bytes));
        }
    }
    let sent = if parts.len() == 1 { parts.concat() } else { format!("{{ {}; }}", parts.join("; ")) };
    Some(format!("{sent} | nc -w 5 {host} {port}"))
}

/// A path as a shell takes it; the folder of the user is its own word.
fn in_shell(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("~/{}", quoted(rest)),
        None => quoted(path),
    }
}

/// What the exchanges of a check travelled over.
fn over(source: &Source<'_>, verdict: &Verdict) -> Over {
    let mut own = source.plan().steps.iter().map(|step| &step.kind);
    let own = own.find(|kind| matches!(kind, StepKind::Exact(exact) if exact.asks == verdict.check));
    own.map_or(Over::Plain, StepKind::over)
}

/// Where the proxy is asked by HTTPS.
fn secured<'a>(source: &Source<'a>) -> Option<&'a Secured> {
    source.events().iter().rev().find_map(|event| match &event.event {
        EventKind::Secured(secured) => Some(secured),
        _ => None,
    })
}

/// One request over TLS, as curl says it; what it would not send has no line.
fn by_https(source: &Source<'_>, exchange: &Exchange, over: Over) -> Option<String> {
    let Secured { listen, name, authority, .. } = secured(source)?;
    let asked = format!("{name}:{}", listen.port());
    let plain = one_request(source, exchange, false)?;
    let line = plain.strip_prefix("curl -i").filter(|_| exchange.request_body_bytes == 0)?;
    let version = if over == Over::Http2 { "--http2" } else { "--http1.1" };
    let resolved = format!("--resolve {asked}:{}", listen.ip());
    let line = line.replace(&format!("http://{}", address(source)?), &format!("https://{asked}"));
    Some(format!("curl -i --cacert {} {version} {resolved}{line}", in_shell(authority)))
}

/// A handshake as openssl makes it: that of the evidence, or a plain one.
fn handshake(source: &Source<'_>, verdict: &Verdict) -> Option<String> {
    let Secured { listen, name, authority, .. } = secured(source)?;
    let tried = verdict.evidence.iter().find_map(|&line| match &source.events().get(line)?.event {
        EventKind::Handshake(handshake) => Some(&**handshake),
        _ => None,
    });
    let mut line = format!(
        "openssl s_client -connect {listen} -servername {} -CAfile {} -showcerts",
        quoted(name),
        in_shell(authority)
    );
    if let Some(Handshake { offered, .. }) = tried {
        line.push_str(match offered.version {
            None => "",
            Some(TlsVersion::Tls10) => " -tls1 -cipher DEFAULT@SECLEVEL=0",
            Some(TlsVersion::Tls11) => " -tls1_1 -cipher DEFAULT@SECLEVEL=0",
            Some(TlsVersion::Tls12) => " -tls1_2",
            Some(TlsVersion::Tls13) => " -tls1_3",
        });
        if !offered.protocols.is_empty() {
            line.push_str(&format!(" -alpn {}", offered.protocols.join(",")));
        }
    }
    Some(line + " </dev/null")
}

/// Where the proxy listened last.
fn address(source: &Source<'_>) -> Option<String> {
    source.events().iter().rev().find_map(|event| match &event.event {
        EventKind::ProxyStarting { listen, .. } => Some(listen.to_string()),
        _ => None,
    })
}

/// A target that a shell or curl would change has no URL.
fn url(address: &str, target: &str) -> Option<String> {
    let changed = !target.starts_with('/')
        || target.chars().any(|c| c.is_control() || "[]{}#".contains(c))
        || ["/./", "/../"].iter().any(|dots| target.contains(dots));
    (!changed).then(|| format!("http://{address}{target}"))
}

/// A URL in double quotes with `$i` in it, so that each request asks for something else.
fn numbered(url: &str) -> Option<String> {
    if url.contains(['"', '$', '`', '\\', '!']) {
        return None;
    }
    let sign = if url.contains('?') { '&' } else { '?' };
    Some(format!("\"{url}{sign}by-hand=$i\""))
}

/// So many bytes of a body.
fn filler(bytes: u64) -> String {
    format!("head -c {bytes} /dev/zero | tr '\\0' x")
}

/// `printf` with a text in which nothing acts but the escapes that every shell knows.
fn printf(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'\r' => escaped.push_str("\\r"),
            b'\n' => escaped.push_str("\\n"),
            b'%' => escaped.push_str("%%"),
            b'\\' => escaped.push_str("\\\\"),
            b'\'' => escaped.push_str("'\\''"),
            b' '..=b'~' => escaped.push(char::from(byte)),
            byte => escaped.push_str(&format!("\\{byte:03o}")),
        }
    }
    format!("printf '{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::{by_hand, one_request, printf, url};
    use crate::report::testkit::{MadeUpRun, RunBuilder, verdict};
    use harness_judge::check::Outcome;
    use harness_model::catalogue::CheckId;
    use harness_model::history::{Exchange, WireBytes};

    fn run(check: CheckId) -> MadeUpRun {
        RunBuilder::new("ttl")
            .ready()
            .ttl(2_000, 12)
            .verdict(verdict(check, Outcome::Fail))
            .evidence_everything()
            .build()
    }

    fn first(run: &MadeUpRun) -> Exchange {
        run.source().exchanges().map(|(_, exchange)| exchange.clone()).next().expect("an exchange")
    }

    #[test]
    fn each_family_has_the_line_that_shows_it() {
        for (check, part) in [
            (CheckId::CacheHit, "cmp body.1 body.2"),
            (CheckId::TtlExpiry, "sleep 3;"),
            (CheckId::RotationSerialCycle, "?by-hand=$i\" | grep -i ^x-backend"),
            (CheckId::ConcurrencyOwnAnswers, "& done; wait"),
            (CheckId::CachePost, "curl -i"),
        ] {
            let run = run(check);
            let line = by_hand(&run.source(), &run.verdicts[0]).unwrap_or_default();
            assert!(line.contains(part) && line.contains("http://127.0.0.1:"), "{check}: {line}");
        }
        let run = run(CheckId::PersistenceSurvivesKill);
        assert_eq!(by_hand(&run.source(), &run.verdicts[0]), None);
    }

    #[test]
    fn what_curl_cannot_say_is_written_to_a_socket() {
        let run = run(CheckId::CachePost);
        let mut exchange = first(&run);
        exchange.target = "/k".to_owned();
        exchange.request_head = WireBytes(b"GET /k HTTP/1.0\r\nHost: a\r\n\r\n".to_vec());
        let line = one_request(&run.source(), &exchange, false).unwrap();
        assert!(
            line.starts_with("printf 'GET /k HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n' | nc -w 5 127.0.0.1 "),
            "{line}"
        );
        exchange.request_head =
            WireBytes(b"POST /k HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n".to_vec());
        exchange.method = "POST".to_owned();
        exchange.request_body_bytes = 9;
        let line = one_request(&run.source(), &exchange, true).unwrap();
        assert!(line.contains("; sleep 0.3; head -c 9 /dev/zero"), "{line}");
        let line = one_request(&run.source(), &exchange, false).unwrap();
        assert!(line.contains("| curl -i -X POST") && line.ends_with("--data-binary @-"), "{line}");
    }

    #[test]
    fn nothing_that_a_proxy_was_sent_acts_in_the_shell() {
        assert_eq!(printf("a'%\\\u{7}"), "printf 'a'\\''%%\\\\\\007'");
        assert_eq!(url("127.0.0.1:1", "/a\nb"), None);
        assert_eq!(url("127.0.0.1:1", "*"), None);
        assert_eq!(url("127.0.0.1:1", "/a?b=c").as_deref(), Some("http://127.0.0.1:1/a?b=c"));
    }
}
