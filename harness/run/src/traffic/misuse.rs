//! What no honest client does with HTTP/2: streams reset as soon as they are opened, a head without an end, requests that are two in HTTP/1.1.
//!
//! `streams` has it done beside honest requests. Frames are written byte by byte, with fields as literals that no table is needed for; of
//! what comes back only kinds, errors and the status are read.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Notify, watch};

use super::client::Clients;
use crate::tls::{Stream, Tls};
use harness_model::history::{EventKind, MisuseEnd, Misused, Offered};
use harness_model::plan::Misuse;

/// What opens a connection, and our settings, of which there are none (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Streams that are opened and reset.
const RESETS: u32 = 2_000;
/// Frames of a head that does not end, and the bytes of each.
const PARTS: u32 = 2_000;
const PART_BYTES: usize = 16 << 10;
/// A proxy that has been told all of it has so long to end it.
const ENDED_WITHIN: Duration = Duration::from_secs(2);
/// After so many frames it is well under way.
const UNDER_WAY: u64 = 100;
/// One that stops reading is left alone after so long.
const WRITTEN_WITHIN: Duration = Duration::from_secs(8);

// Kinds of frames (RFC 9113 §6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
// Flags of theirs.
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// The error of a stream that is not needed any more (RFC 9113 §7).
const CANCEL: u32 = 8;

/// What is sent on one connection.
struct Script {
    variant: Option<&'static str>,
    /// Frames in portions that are written together.
    portions: Box<dyn Iterator<Item = Vec<Vec<u8>>> + Send>,
}

/// Does it, and writes down how it ended. Whoever is beside it is told when it is well under way.
pub(super) async fn run(clients: &Clients, misuse: Misuse, under_way: &Notify) {
    for script in scripts(clients, misuse) {
        let began = clients.clock().now();
        let variant = script.variant.map(str::to_owned);
        let connected = tokio::time::timeout(WRITTEN_WITHIN, connect(clients)).await;
        let (frames, bytes, end) = match connected.unwrap_or_else(|_| Err("not in time".to_owned())) {
            Ok(stream) => carried_out(stream, script, under_way).await,
            Err(why) => (0, 0, MisuseEnd::Failed(why)),
        };
        let ended = clients.clock().now();
        let misused = Misused { misuse, variant, frames, bytes, began, ended, end };
        clients.recorder().record(EventKind::Misused(Box::new(misused)));
        under_way.notify_one();
    }
}

async fn connect(clients: &Clients) -> Result<Stream, String> {
    let tls = clients.tls().ok_or("no way by HTTPS")?;
    let stream = clients.network().connect_async(tls.address()).await.map_err(|error| error.to_string())?;
    let offered = Offered { version: None, protocols: vec!["h2".to_owned()] };
    tls.shake(stream, &offered).await.stream.ok_or_else(|| "no handshake".to_owned())
}

/// Writes all portions while what comes back is read; frames and bytes that were sent, and how it ended.
async fn carried_out(stream: Stream, script: Script, under_way: &Notify) -> (u64, u64, MisuseEnd) {
    let (reader, mut writer) = tokio::io::split(stream);
    let (told, mut heard) = watch::channel(None::<MisuseEnd>);
    let acknowledged = std::sync::Arc::new(tokio::sync::Mutex::new(Vec::new()));
    let answers = acknowledged.clone();
    let reading = tokio::spawn(async move {
        let end = listen(reader, &answers).await;
        let _ = told.send(Some(end));
    });
    let (mut frames, mut bytes) = (0, 0);
    let written = async {
        writer.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await?;
        for portion in script.portions {
            if heard.borrow().is_some() {
                break;
            }
            let owed = std::mem::take(&mut *acknowledged.lock().await);
            frames += portion.len() as u64;
            let portion = portion.concat();
            bytes += portion.len() as u64;
            writer.write_all(&[owed, portion].concat()).await?;
            writer.flush().await?;
            if frames >= UNDER_WAY {
                under_way.notify_one();
            }
            // Whoever ends it has to be heard.
            tokio::task::yield_now().await;
        }
        std::io::Result::Ok(())
    };
    // An error of writing shows in reading too, after whatever the proxy still had to say.
    let _ = tokio::time::timeout(WRITTEN_WITHIN, written).await;
    let ended = tokio::time::timeout(ENDED_WITHIN, heard.wait_for(Option::is_some)).await;
    let end = match ended {
        Ok(Ok(end)) => end.clone().unwrap_or(MisuseEnd::Closed),
        Ok(Err(_)) => MisuseEnd::Closed,
        Err(_) => MisuseEnd::StillOpen,
    };
    reading.abort();
    let _: WriteHalf<Stream> = writer;
    (frames, bytes, end)
}

/// Reads frames until one of them ends the misuse, or an answer comes to the last stream; what has to be acknowledged is left for the writer.
async fn listen(mut reader: ReadHalf<Stream>, owed: &tokio::sync::Mutex<Vec<u8>>) -> MisuseEnd {
    let mut head = [0; 9];
    loop {
        if reader.read_exact(&mut head).await.is_err() {
            return MisuseEnd::Closed;
        }
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        if reader.read_exact(&mut payload).await.is_err() {
            return MisuseEnd::Closed;
        }
        let number = |from: usize| {
            payload.get(from..from + 4).map_or(0, |it| u32::from_be_bytes([it[0], it[1], it[2], it[3]]))
        };
        match kind {
            GOAWAY => return MisuseEnd::GoAway(number(4)),
            // Resets of streams that we have reset ourselves say nothing.
            RST_STREAM if stream == ASKED => return MisuseEnd::Reset(number(0)),
            HEADERS if stream == ASKED => return MisuseEnd::Answered { status: status(&payload) },
            SETTINGS if flags & ACK == 0 => owed.lock().await.extend(frame(SETTINGS, ACK, 0, &[])),
            PING if flags & ACK == 0 => owed.lock().await.extend(frame(PING, ACK, 0, &payload)),
            _ => {}
        }
    }
}

/// The stream that an answer is read of.
const ASKED: u32 = 1;

fn scripts(clients: &Clients, misuse: Misuse) -> Vec<Script> {
    let authority = clients.tls().map(Tls::host).unwrap_or_default();
    let request = move |method: &str, path: &str, more: &[(&str, &str)]| {
        let pseudo = [(":method", method), (":scheme", "https"), (":authority", &authority), (":path", path)];
        pseudo.iter().chain(more).flat_map(|(name, value)| literal(name, value)).collect::<Vec<u8>>()
    };
    match misuse {
        Misuse::UnreadStream => Vec::new(),
        Misuse::RapidResets => {
            let portions = (0..RESETS).map(move |number| {
                // Not the stream of which answers are read: each of these is given up.
                let stream = 2 * number + 3;
                let head = request("GET", &format!("/reset/{number}"), &[]);
                let opened = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head);
                vec![opened, frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())]
            });
            vec![Script { variant: None, portions: Box::new(portions) }]
        }
        Misuse::EndlessHead => {
            let begun = frame(HEADERS, END_STREAM, ASKED, &request("GET", "/endless", &[]));
            let field = literal("x-endless", &"e".repeat(120));
            let part = field.repeat(PART_BYTES / field.len());
            let parts = (0..PARTS).map(move |_| vec![frame(CONTINUATION, 0, ASKED, &part)]);
            vec![Script { variant: None, portions: Box::new([vec![begun]].into_iter().chain(parts)) }]
        }
        Misuse::TwoInOne => two_in_one(request),
    }
}

/// Requests that a proxy which writes them down in HTTP/1.1 as they are would make two of.
fn two_in_one(request: impl Fn(&str, &str, &[(&str, &str)]) -> Vec<u8>) -> Vec<Script> {
    let second = |name: &str| format!("GET /second/{name} HTTP/1.1\r\nHost: second\r\n\r\n");
    let script = |variant: &'static str, head: Vec<u8>, body: &str| {
        let ends = if body.is_empty() { END_STREAM } else { 0 };
        let mut frames = vec![frame(HEADERS, ends | END_HEADERS, ASKED, &head)];
        if !body.is_empty() {
            frames.push(frame(DATA, END_STREAM, ASKED, body.as_bytes()));
        }
        Script { variant: Some(variant), portions: Box::new([frames].into_iter()) }
    };
    let longer = second("content-length");
    let chunks = format!("0\r\n\r\n{}", second("transfer-encoding"));
    let in_value = format!("a\r\n\r\n{}", second("field-value"));
    let in_path = format!("/first/path HTTP/1.1\r\nHost: first\r\n\r\n{}", second("path"));
    vec![
        script(
            "content-length",
            request("POST", "/first/content-length", &[("content-length", "0")]),
            &longer,
        ),
        script(
            "transfer-encoding",
            request("POST", "/first/transfer-encoding", &[("transfer-encoding", "chunked")]),
            &chunks,
        ),
        script("field-value", request("GET", "/first/field-value", &[("x-first", &in_value)]), ""),
        script("path", request("GET", &in_path, &[]), ""),
    ]
}

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field without an index, its name as it is (RFC 7541 §6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        push_length(&mut bytes, text.len());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// A length in front of a text (RFC 7541 §5.1, with a prefix of seven bits).
fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
    if length < 127 {
        bytes.push(length as u8);
        return;
    }
    bytes.push(127);
    length -= 127;
    while length >= 128 {
        bytes.push((length % 128 + 128) as u8);
        length /= 128;
    }
    bytes.push(length as u8);
}

/// The status that a head begins with: of the table, or written out, also in the code of Huffman (RFC 7541 §A and §B); zero where it is neither.
fn status(head: &[u8]) -> u16 {
    // A change of the size of a table may stand in front.
    let Some(&first) = head.iter().find(|&&byte| byte & 0xe0 != 0x20) else { return 0 };
    let indexed = [(0x88, 200), (0x89, 204), (0x8a, 206), (0x8b, 304), (0x8c, 400), (0x8d, 404), (0x8e, 500)];
    if let Some((_, status)) = indexed.iter().find(|(byte, _)| *byte == first) {
        return *status;
    }
    let place = head.iter().position(|&byte| byte == first).unwrap_or(0);
    let Some(&length) = head.get(place + 1) else { return 0 };
    let text = head.get(place + 2..place + 2 + usize::from(length & 0x7f)).unwrap_or_default();
    if length & 0x80 == 0 {
        return std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    }
    let bits: Vec<u8> =
        text.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1)).collect();
    let (mut at, mut number) = (0, 0u16);
    let value = |from: usize, count: usize| {
        bits.get(from..from + count).map(|bits| bits.iter().fold(0u16, |sum, bit| sum * 2 + u16::from(*bit)))
    };
    for _ in 0..3 {
        // The digits 0 to 2 take five bits, the others six.
        let Some(short) = value(at, 5) else { return 0 };
        let (digit, taken) = match short {
            0..=2 => (short, 5),
            _ => match value(at, 6) {
                Some(long @ 25..=31) => (long - 22, 6),
                _ => return 0,
            },
        };
        (at, number) = (at + taken, number * 10 + digit);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::{frame, literal, status};

    #[test]
    fn frames_and_fields_state_their_lengths() {
        assert_eq!(frame(1, 5, 3, b"ab"), [0, 0, 2, 1, 5, 0, 0, 0, 3, b'a', b'b']);
        assert_eq!(literal("a", "bc"), [0, 1, b'a', 2, b'b', b'c']);
        // 300 = 127 + 173, and 173 = 45 + 128 (RFC 7541 §5.1).
        assert_eq!(literal("", &"x".repeat(300))[2..5], [127, 45 + 128, 1]);
    }

    #[test]
    fn a_status_is_read_from_the_table_from_text_and_from_the_code_of_huffman() {
        assert_eq!(status(&[0x88]), 200);
        assert_eq!(status(&[0x20, 0x8c]), 400);
        assert_eq!(status(b"\x48\x03502"), 502);
        // RFC 7541 §C.6.1: `302` is 64 02.
        assert_eq!(status(&[0x48, 0x82, 0x64, 0x02]), 302);
        assert_eq!(status(&[]), 0);
    }
}
