//! What must hold for every sequence of bytes that a parser of pibl is given.
//!
//! Each target of `fuzz_targets/` calls one function here, and `tests/corpora.rs` calls them with everything
//! that the fuzzer has found worth keeping. A property that does not hold is a panic.

use std::path::Path;

use pibl::cache::inspection;
use pibl::config::{File, Flags};
use pibl::http::{
    BodyDecoder, BodyFraming, Fields, HeadLimits, RequestHead, ResponseHead, Version, date, encode, parse,
};

fn is_token(name: &[u8]) -> bool {
    !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

fn assert_harmless(fields: &Fields) {
    for (name, value) in fields.iter() {
        assert!(is_token(name), "the name {:?}", String::from_utf8_lossy(name));
        assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "the value of {name:?}");
    }
}

/// The head of a request: whatever is accepted is unambiguous, harmless, independent of how it was cut into
/// pieces, and read again as the same when it is written out.
pub fn head(data: &[u8]) {
    let limits = HeadLimits::default();
    let mut head = RequestHead::default();
    let Ok(Some(received)) = parse::request_head(data, &limits, &mut head) else { return };
    assert!(received.consumed <= data.len());
    assert_harmless(&head.fields);
    assert!(!head.target.iter().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()));
    let count = |name: &str| head.fields.get_all(name).count();
    assert!(count("content-length") <= 1 && count("host") <= 1);
    assert!(head.version == Version::Http10 || count("host") == 1);
    assert!(count("content-length") == 0 || !head.fields.contains("transfer-encoding"));
    assert_eq!(received.framing == BodyFraming::Chunked, head.fields.contains("transfer-encoding"));

    let mut again = RequestHead::default();
    let whole = &data[..received.consumed];
    assert_eq!(parse::request_head(whole, &limits, &mut again), Ok(Some(received)));
    assert_eq!(again, head);
    for cut in [received.consumed - 1, received.consumed / 2, received.consumed / 3] {
        let result = parse::request_head(&data[..cut], &limits, &mut again);
        assert_eq!(result, Ok(None), "cut at {cut} of {}", received.consumed);
    }
    if head.version == Version::Http11 {
        let mut written = Vec::new();
        encode::request_line(&mut written, head.method.as_str(), &head.target);
        encode::fields(&mut written, &head.fields);
        written.extend_from_slice(b"\r\n");
        let unlimited = HeadLimits { head_bytes: 65_535, target_bytes: 65_535 };
        let reread = parse::request_head(&written, &unlimited, &mut again).expect("what was accepted");
        let reread = reread.expect("a whole head");
        assert_eq!((reread.framing, reread.upgrade), (received.framing, received.upgrade));
        assert_eq!((again.method, again.target, again.fields), (head.method, head.target, head.fields));
    }
}

/// The head of a response, likewise. The first byte says whether it answers a HEAD.
pub fn response(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let limits = HeadLimits::default();
    let mut head = ResponseHead::new(200);
    let to_head = first & 1 == 1;
    let Ok(Some(received)) = parse::response_head(data, &limits, to_head, &mut head) else { return };
    assert!(received.consumed <= data.len() && (100..1000).contains(&head.status));
    assert_harmless(&head.fields);
    assert!(!head.reason.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
    assert!(head.fields.get_all("content-length").count() <= 1 || received.framing == BodyFraming::Empty);
    let mut written = Vec::new();
    encode::status_line(&mut written, head.status, &head.reason);
    encode::fields(&mut written, &head.fields);
    written.extend_from_slice(b"\r\n");
    let mut again = ResponseHead::new(200);
    let unlimited = HeadLimits { head_bytes: 65_535, target_bytes: 65_535 };
    if head.version == Version::Http11 {
        let reread =
            parse::response_head(&written, &unlimited, to_head, &mut again).expect("what was accepted");
        assert_eq!(reread.expect("a whole head").framing, received.framing);
        assert_eq!((again.status, again.fields), (head.status, head.fields));
    }
}

/// Feeds a body as `exchange` does. Returns the content, and what was left behind its end; `None` when it
/// was refused.
fn decode(pieces: &[&[u8]]) -> Option<(Vec<u8>, bool, Vec<u8>)> {
    let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
    let (mut buffer, mut content) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while !decoder.is_done() && !buffer.is_empty() {
            let decoded = decoder.decode(&buffer).ok()?;
            assert!(decoded.content.end <= buffer.len() && decoded.consumed <= buffer.len());
            content.extend_from_slice(&buffer[decoded.content.clone()]);
            buffer.drain(..decoded.consumed);
            if decoded.consumed == 0 {
                break;
            }
        }
    }
    assert_harmless(decoder.trailers());
    Some((content, decoder.is_done(), buffer))
}

/// A chunked body: content, end and refusal do not depend on how it was cut into pieces, and content comes
/// out as it went in. The first byte says where it is cut.
pub fn chunk(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let whole = decode(&[data]);
    let (one, two) = data.split_at(usize::from(*first).min(data.len()));
    let cut = decode(&[one, two]);
    let bytes: Vec<&[u8]> = data.chunks(1).collect();
    let single = decode(&bytes);
    for other in [&cut, &single] {
        match (&whole, other) {
            (Some((content, true, rest)), Some((other, true, other_rest))) => {
                assert_eq!(content, other);
                assert!(rest.ends_with(other_rest));
            }
            (Some((content, false, _)), Some((other, false, _))) => assert_eq!(content, other),
            (None, None) => {}
            _ => panic!("the cut decides: {whole:?} but {other:?}"),
        }
    }
    let mut encoded = Vec::new();
    for piece in data.chunks(usize::from(*first) + 1) {
        encode::chunk_size(&mut encoded, piece.len());
        encoded.extend_from_slice(piece);
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend_from_slice(encode::LAST_CHUNK);
    assert_eq!(decode(&[&encoded]), Some((data.to_vec(), true, Vec::new())));
}

/// A stored file as it lies on the disk.
pub fn cache_file(data: &[u8]) {
    inspection::file(data);
}

/// A record that got past its checksum: a file of another program, or of an attacker.
pub fn cache_record(data: &[u8]) {
    if let Some(fields) = inspection::record(data) {
        assert_harmless(&fields);
    }
}

/// A configuration file: a configuration that can be used, or a complaint that can be shown.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let resolved = File::parse(Path::new("pibl.toml"), text.to_owned())
        .and_then(|file| pibl::config::resolve(&file, &Flags::default()));
    match resolved {
        Ok(config) => {
            assert!(!config.backends.is_empty() && config.workers > 0);
            assert!(config.backends.iter().all(|backend| backend.weight > 0));
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}

/// A date: what is read is written so that it is read as the same.
pub fn date(data: &[u8]) {
    const NOW: i64 = 1_800_000_000;
    if let Some(seconds) = date::parse(data, NOW) {
        let written = date::format(seconds);
        assert_eq!(date::parse(&written, NOW), Some(seconds), "{:?}", String::from_utf8_lossy(&written));
    }
}

/// `Cache-Control` and `CDN-Cache-Control`: two lines mean what one line with a comma means.
pub fn cache_control(data: &[u8]) {
    let clean: Vec<u8> = data.iter().copied().filter(|byte| !matches!(byte, b'\r' | 0)).collect();
    let lines: Vec<&[u8]> = clean.split(|byte| *byte == b'\n').collect();
    let many = inspection::directives(&lines);
    if !clean.contains(&b'"') {
        assert_eq!(many, inspection::directives(&[&lines.join(&b", "[..])]));
    }
}
