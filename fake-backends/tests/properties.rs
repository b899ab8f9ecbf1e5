//! What holds for all inputs: the codec never panics and never depends on how bytes were cut; scripts survive documents.

use fake_backends::behavior::{Distribution, Random, Script, Span};
use fake_backends::content::{Content, Kind, Secret, Verifier, verify};
use fake_backends::wire::{
    LAST_CHUNK, Malformed, RequestEvent, RequestReader, ResponseEvent, ResponseReader, push_chunk,
    push_field, push_status_line,
};
use proptest::prelude::*;

/// Cuts bytes at these places, in order.
fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place % (bytes.len() + 1)).collect();
    places.sort_unstable();
    let ends = places.iter().copied().chain([bytes.len()]);
    let begins = [0].into_iter().chain(places.iter().copied());
    begins.zip(ends).map(|(begin, end)| &bytes[begin..end]).collect()
}

/// Body and bytes left over of a response that comes in pieces; an error where it is malformed.
fn response(pieces: &[&[u8]]) -> Result<(Vec<u8>, Vec<u8>, bool), Malformed> {
    let mut reader = ResponseReader::new(10_000, false);
    let (mut body, mut left) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        while let Some(event) = reader.next(&mut input)? {
            if let ResponseEvent::Body(data) = event {
                body.extend_from_slice(data);
            }
        }
        left.extend_from_slice(input);
    }
    Ok((body, left, reader.is_complete()))
}

/// Heads, body and completion of a request that comes in pieces.
fn request(pieces: &[&[u8]]) -> Result<(usize, Vec<u8>, bool), Malformed> {
    let mut reader = RequestReader::new(10_000);
    let (mut heads, mut body, mut complete) = (0, Vec::new(), false);
    for piece in pieces {
        let mut input = *piece;
        while let Some(event) = reader.next(&mut input)? {
            match event {
                RequestEvent::Head(_) => heads += 1,
                RequestEvent::Body(data) => body.extend_from_slice(data),
                RequestEvent::Trailers(_) => {}
                RequestEvent::Complete => complete = true,
            }
        }
    }
    Ok((heads, body, complete))
}

proptest! {
    #[test]
    fn a_chunked_response_is_read_back_however_it_is_chunked_and_cut(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..8),
        places in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        let mut bytes = Vec::new();
        push_status_line(&mut bytes, 200, "OK");
        push_field(&mut bytes, "Transfer-Encoding", "chunked");
        bytes.extend_from_slice(b"\r\n");
        chunks.iter().for_each(|chunk| push_chunk(&mut bytes, chunk));
        bytes.extend_from_slice(LAST_CHUNK);
        bytes.extend_from_slice(b"beyond");
        let (body, left, complete) = response(&cut(&bytes, &places)).unwrap();
        prop_assert_eq!(body, chunks.concat());
        // What was left over of a piece in which the response ended, and all pieces after it.
        prop_assert_eq!(left, b"beyond".to_vec());
        prop_assert!(complete);
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), places in prop::collection::vec(any::<usize>(), 0..4)) {
        let pieces = cut(&bytes, &places);
        let _ = response(&pieces);
        let _ = request(&pieces);
        let mut verifier = Verifier::new(Secret::NONE);
        pieces.iter().for_each(|piece| verifier.push(piece));
        let _ = verifier.finish();
    }

    #[test]
    fn nearly_right_requests_do_not_depend_on_how_they_are_cut(
        length in "[0-9+, ]{0,4}", coding in "(chunked|gzip|chunked, chunked|)", body in "[0-9a-f\r\n]{0,30}",
        places in prop::collection::vec(any::<usize>(), 0..5),
    ) {
        let text = format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nTransfer-Encoding: {coding}\r\n\r\n{body}");
        let text = text.replace("Content-Length: \r\n", "").replace("Transfer-Encoding: \r\n", "");
        let (whole, pieces) = (request(&[text.as_bytes()]), request(&cut(text.as_bytes(), &places)));
        prop_assert_eq!(whole.is_ok(), pieces.is_ok());
        if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
            prop_assert_eq!(whole, pieces);
        }
    }

    #[test]
    fn content_is_recognised_and_any_change_is_noticed(
        key in "/[a-z0-9/?=&%é]{0,40}", version in 0u64..1000, size in 0u64..3000, text in any::<bool>(), at in any::<usize>(), by in 1u8..,
    ) {
        let kind = if text { Kind::Text } else { Kind::Binary };
        let mut bytes = Content::new(&key, version, size, kind).to_vec();
        prop_assert!(verify(&bytes, Secret::NONE).unwrap().is_of(&key, version, Secret::NONE));
        if size > 0 {
            let at = at % bytes.len();
            bytes[at] ^= by;
            // A changed body is damaged, or too short to prove anything and then not that of the key.
            prop_assert!(verify(&bytes, Secret::NONE).map_or(true, |identity| !identity.is_of(&key, version, Secret::NONE)));
        }
    }

    #[test]
    fn spans_survive_being_written(nanos in 0u64..86_400_000_000_000) {
        let span = Span(std::time::Duration::from_nanos(nanos));
        prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
    }

    #[test]
    fn draws_are_never_negative_nor_endless(seed in any::<u64>(), choice in 0usize..5) {
        let text = ["uniform(0s,1s)", "normal(1ms,1s)", "lognormal(1s,9)", "exponential(1h)", "pareto(1s,0.01)"][choice];
        let distribution: Distribution = text.parse().unwrap();
        prop_assert!(distribution.draw(&mut Random::new(seed)).as_secs() <= 3600);
    }
}

#[test]
fn the_schema_of_scripts_knows_every_behaviour() {
    let schema = serde_json::to_string(&schemars::schema_for!(Script)).unwrap();
    for behavior in ["echo", "respond", "slow", "error", "barrier", "misframe", "application", "lognormal"] {
        assert!(schema.contains(behavior), "{behavior}");
    }
}
