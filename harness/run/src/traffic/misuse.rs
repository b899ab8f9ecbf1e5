//! What no honest client does with HTTP/2: streams reset as soon as they are opened, a head without an end, requests that are two in HTTP/1.1.
//!
//! `streams` has it done beside honest requests. Frames are written byte by byte, with fields as literals that no table is needed for; of
//! what comes back only kinds, errors and the status are read.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};

use super::client::Clients;
use crate::tls::{Shaken, Stream, Tls};
use harness_model::history::{EventKind, HandshakeEnd, MisuseEnd, Misused, NoConnection, Offered, Second};
use harness_model::plan::Misuse;

/// What opens a connection, and our settings, of which there are none (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Streams that are opened and reset.
const RESETS: u32 = 2_000;
/// Frames of a head that does not end, and the bytes of each.
const PARTS: u32 = 2_000;
const PART_BYTES: usize = 16 << 10;
/// A connection is opened within so long, its first settings included.
const OPENED_WITHIN: Duration = Duration::from_secs(8);
/// A proxy that has been told all of it has so long to end it.
const ENDED_WITHIN: Duration = Duration::from_secs(5);
/// Whether a connection with resets is ended is worth knowing, and not waited for.
const SEEN_WITHIN: Duration = Duration::from_secs(1);
/// After so many frames it is well under way.
const UNDER_WAY: u64 = 100;
/// So long a portion may be on its way.
const STOPPED_AFTER: Duration = Duration::from_secs(3);
/// One that reads slowly is left alone after so long.
const WRITTEN_WITHIN: Duration = Duration::from_secs(20);

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
const PADDED: u8 = 8;
// Errors (RFC 9113 §7): of a connection that ends in good order, and of a stream that is not needed any more.
const NO_ERROR: u32 = 0;
const CANCEL: u32 = 8;

/// What is sent on one connection.
struct Script {
    variant: Option<Second>,
    /// The last stream that is opened.
    last: u32,
    /// Whether a head stays open: until it ends nothing else may be sent, not even what is owed (RFC 9113 §6.10).
    in_head: bool,
    /// One that takes none of a portion for so long has stopped reading.
    stopped_after: Duration,
    /// One that has been told all of it has so long to end it.
    ended_within: Duration,
    /// Frames in portions that are written together.
    portions: Box<dyn Iterator<Item = Vec<Vec<u8>>> + Send>,
}

impl Script {
    fn new(last: u32, portions: impl Iterator<Item = Vec<Vec<u8>>> + Send + 'static) -> Script {
        let (stopped_after, ended_within) = (STOPPED_AFTER, ENDED_WITHIN);
        Script {
            variant: None,
            last,
            in_head: false,
            stopped_after,
            ended_within,
            portions: Box::new(portions),
        }
    }
}

/// What has left our hands.
#[derive(Default)]
struct Written {
    frames: u64,
    bytes: u64,
    /// The other side took no more.
    stopped: bool,
}

/// Does it, on as many connections as it takes at once, and writes down how each ended. Whoever is beside it is told when it is well under way.
///
/// # Errors
/// A task of ours broke.
pub(super) async fn run(clients: &Clients, misuse: Misuse, under_way: &Arc<Notify>) -> Result<(), JoinError> {
    let mut tasks = JoinSet::new();
    for script in scripts(clients, misuse) {
        let (clients, under_way) = (clients.clone(), under_way.clone());
        tasks.spawn(async move { carry_out(&clients, misuse, script, &under_way).await });
    }
    while let Some(done) = tasks.join_next().await {
        done?;
    }
    Ok(())
}

async fn carry_out(clients: &Clients, misuse: Misuse, script: Script, under_way: &Notify) {
    let began = clients.clock().now();
    let variant = script.variant;
    let connected = tokio::time::timeout(OPENED_WITHIN, connect(clients)).await;
    let (written, end) = match connected.unwrap_or(Err(NoConnection::NotInTime)) {
        Ok(stream) => played(stream, script, under_way).await,
        Err(why) => (Written::default(), MisuseEnd::Failed(why)),
    };
    let ended = clients.clock().now();
    let Written { frames, bytes, .. } = written;
    let misused = Misused { misuse, variant, frames, bytes, began, ended, end };
    clients.recorder().record(EventKind::Misused(Box::new(misused)));
    under_way.notify_one();
}

async fn connect(clients: &Clients) -> Result<Stream, NoConnection> {
    let said = |said: &dyn std::fmt::Display| NoConnection::Said(said.to_string());
    let tls = clients.tls().ok_or_else(|| said(&"no way by HTTPS"))?;
    let stream = clients.network().connect_async(tls.address()).await.map_err(|error| said(&error))?;
    let offered = Offered { version: None, protocols: vec!["h2".to_owned()] };
    let Shaken { stream, end } = tls.shake(stream, &offered).await;
    match (stream, end) {
        (Some(stream), HandshakeEnd::Made { protocol: Some(name), .. }) if name == "h2" => Ok(stream),
        (_, HandshakeEnd::Made { .. }) => Err(NoConnection::NotHttp2),
        (_, HandshakeEnd::Refused { .. }) => Err(NoConnection::Refused),
        (_, HandshakeEnd::Failed(why)) => Err(why),
    }
}

/// Writes all portions while what comes back is read; what was written, and how it ended.
async fn played(stream: Stream, script: Script, under_way: &Notify) -> (Written, MisuseEnd) {
    let (reader, mut writer) = tokio::io::split(stream);
    let (told, mut heard) = watch::channel(None::<MisuseEnd>);
    let (owe, mut owed) = unbounded_channel();
    let (last, in_head, ended_within) = (script.last, script.in_head, script.ended_within);
    let reading = tokio::spawn(async move {
        let end = listen(reader, last, &owe).await;
        let _ = told.send(Some(end));
    });
    let mut written = Written::default();
    let opened = tokio::time::timeout(OPENED_WITHIN, open(&mut writer, &mut owed)).await;
    if opened.is_ok() {
        let writing = write(&mut writer, script, &heard, &mut owed, under_way, &mut written);
        let _ = tokio::time::timeout(WRITTEN_WITHIN, writing).await;
    }
    let acknowledging = async {
        while let Some(frame) = owed.recv().await {
            if !in_head && (writer.write_all(&frame).await.is_err() || writer.flush().await.is_err()) {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        ended = tokio::time::timeout(ended_within, heard.wait_for(Option::is_some)) => ended,
        () = acknowledging => return (written, MisuseEnd::Closed),
    };
    let end = match ended {
        Ok(Ok(end)) => end.clone().unwrap_or(MisuseEnd::Closed),
        Ok(Err(_)) => MisuseEnd::Closed,
        Err(_) if opened.is_err() => MisuseEnd::Failed(NoConnection::NotInTime),
        Err(_) if written.stopped => MisuseEnd::StoppedReading,
        Err(_) => MisuseEnd::StillOpen,
    };
    reading.abort();
    (written, end)
}

/// Opens a connection: our settings, and what theirs are owed. An error of writing shows in reading too, after whatever the proxy still had to say.
async fn open(writer: &mut WriteHalf<Stream>, owed: &mut UnboundedReceiver<Vec<u8>>) {
    let opening = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    if writer.write_all(&opening).await.is_ok()
        && writer.flush().await.is_ok()
        && let Some(first) = owed.recv().await
    {
        let _ = writer.write_all(&first).await;
    }
}

/// Writes all portions, until somebody has ended it or takes no more. A portion counts once all of it has left our hands.
async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    script: Script,
    heard: &watch::Receiver<Option<MisuseEnd>>,
    owed: &mut UnboundedReceiver<Vec<u8>>,
    under_way: &Notify,
    written: &mut Written,
) {
    for portion in script.portions {
        if heard.borrow().is_some() {
            return;
        }
        let frames = portion.len() as u64;
        let portion = portion.concat();
        let bytes = portion.len() as u64;
        let mut before = Vec::new();
        while let (false, Ok(frame)) = (script.in_head, owed.try_recv()) {
            before.extend(frame);
        }
        let sent = async {
            writer.write_all(&[before, portion].concat()).await?;
            writer.flush().await
        };
        match tokio::time::timeout(script.stopped_after, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                written.stopped = true;
                return;
            }
        }
        written.frames += frames;
        written.bytes += bytes;
        if written.frames >= UNDER_WAY {
            under_way.notify_one();
        }
        // Whoever ends it has to be heard.
        tokio::task::yield_now().await;
    }
}

/// Reads frames until one of them ends the misuse, or an answer comes to the stream that is asked on; what has to be acknowledged is left for
/// the writer.
async fn listen(mut reader: ReadHalf<Stream>, last: u32, owed: &UnboundedSender<Vec<u8>>) -> MisuseEnd {
    let mut head = [0; 9];
    loop {
        if reader.read_exact(&mut head).await.is_err() {
            return MisuseEnd::Closed;
        }
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        if reader.read_exact(&mut payload).await.is_err() {
            return MisuseEnd::Closed;
        }
        match heard(head[3], head[4], stream, &payload, last) {
            Heard::End(end) => return end,
            // Nobody who has gone needs it.
            Heard::Owed(frame) => drop(owed.send(frame)),
            Heard::Nothing => {}
        }
    }
}

/// What a frame means.
#[derive(Debug, PartialEq)]
enum Heard {
    /// The end of the misuse.
    End(MisuseEnd),
    /// That this has to be sent.
    Owed(Vec<u8>),
    /// Neither.
    Nothing,
}

fn heard(kind: u8, flags: u8, stream: u32, payload: &[u8], last: u32) -> Heard {
    let number = |from: usize| {
        payload.get(from..from + 4).map_or(0, |it| u32::from_be_bytes([it[0], it[1], it[2], it[3]]))
    };
    match kind {
        // Whoever only takes no new streams goes on with those up to the one that it names (RFC 9113 §6.8).
        GOAWAY if number(4) == NO_ERROR && number(0) & (u32::MAX >> 1) >= last => Heard::Nothing,
        GOAWAY => Heard::End(MisuseEnd::GoAway(number(4))),
        // Resets of streams that we have reset ourselves say nothing.
        RST_STREAM if stream == ASKED => Heard::End(MisuseEnd::Reset(number(0))),
        HEADERS if stream == ASKED => {
            match status(payload.get(usize::from(flags & PADDED != 0)..).unwrap_or_default()) {
                // Another one comes after it (RFC 9110 §15.2).
                100..200 => Heard::Nothing,
                status => Heard::End(MisuseEnd::Answered { status }),
            }
        }
        SETTINGS if flags & ACK == 0 => Heard::Owed(frame(SETTINGS, ACK, 0, &[])),
        PING if flags & ACK == 0 => Heard::Owed(frame(PING, ACK, 0, payload)),
        _ => Heard::Nothing,
    }
}

/// The stream that an answer is read of.
const ASKED: u32 = 1;

fn scripts(clients: &Clients, misuse: Misuse) -> Vec<Script> {
    let authority = clients.tls().map(Tls::host).unwrap_or_default();
    match misuse {
        Misuse::UnreadStream => Vec::new(),
        Misuse::RapidResets => {
            let portions = (0..RESETS).map(move |number| {
                // Not the stream of which answers are read: each of these is given up.
                let stream = 2 * number + 3;
                let head = request(&authority, "GET", &format!("/reset/{number}"), &[]);
                let opened = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head);
                vec![opened, frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())]
            });
            vec![Script { ended_within: SEEN_WITHIN, ..Script::new(2 * RESETS + 1, portions) }]
        }
        Misuse::EndlessHead => {
            let begun = frame(HEADERS, END_STREAM, ASKED, &request(&authority, "GET", "/endless", &[]));
            let field = literal("x-endless", &"e".repeat(120));
            let part = field.repeat(PART_BYTES / field.len());
            let parts = (0..PARTS).map(move |_| vec![frame(CONTINUATION, 0, ASKED, &part)]);
            let portions = [vec![begun]].into_iter().chain(parts);
            vec![Script { in_head: true, ..Script::new(ASKED, portions) }]
        }
        Misuse::TwoInOne => Second::ALL.map(|variant| two_in_one(&authority, variant)).into(),
    }
}

/// The head of a request.
fn request(authority: &str, method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)];
    pseudo.iter().chain(more).flat_map(|(name, value)| literal(name, value)).collect()
}

/// A request that a proxy which writes it down in HTTP/1.1 as it is would make two of.
fn two_in_one(authority: &str, variant: Second) -> Script {
    let name = variant.name();
    let second = format!("GET /second/{name} HTTP/1.1\r\nHost: second\r\n\r\n");
    let first = format!("/first/{name}");
    let in_value = format!("a\r\n\r\n{second}");
    let (head, body) = match variant {
        Second::ContentLength => (request(authority, "POST", &first, &[("content-length", "0")]), second),
        Second::TransferEncoding => {
            let fields = [("transfer-encoding", "chunked")];
            (request(authority, "POST", &first, &fields), format!("0\r\n\r\n{second}"))
        }
        Second::FieldName => {
            let name = format!("x-first: {in_value}x-rest");
            (request(authority, "GET", &first, &[(&name, "a")]), String::new())
        }
        Second::FieldValue => (request(authority, "GET", &first, &[("x-first", &in_value)]), String::new()),
        Second::Method => {
            let method = format!("GET {first} HTTP/1.1\r\nHost: first\r\n\r\n{second}GET");
            (request(authority, &method, &first, &[]), String::new())
        }
        Second::Path => {
            let path = format!("{first} HTTP/1.1\r\nHost: first\r\n\r\n{second}");
            (request(authority, "GET", &path, &[]), String::new())
        }
        Second::Authority => {
            let authority = format!("{authority}\r\n\r\n{second}");
            (request(&authority, "GET", &first, &[]), String::new())
        }
    };
    let ends = if body.is_empty() { END_STREAM } else { 0 };
    let mut frames = vec![frame(HEADERS, ends | END_HEADERS, ASKED, &head)];
    if !body.is_empty() {
        frames.push(frame(DATA, END_STREAM, ASKED, body.as_bytes()));
    }
    Script { variant: Some(variant), ..Script::new(ASKED, [frames].into_iter()) }
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
    use super::*;

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

    #[test]
    fn who_only_takes_no_new_streams_has_ended_none_that_it_goes_on_with() {
        let goaway = |last: u32, error: u32| {
            heard(GOAWAY, 0, 0, &[last.to_be_bytes(), error.to_be_bytes()].concat(), 5)
        };
        assert_eq!(goaway(3, NO_ERROR), Heard::End(MisuseEnd::GoAway(NO_ERROR)));
        assert_eq!(goaway(5, NO_ERROR), Heard::Nothing);
        assert_eq!(goaway(u32::MAX >> 1, NO_ERROR), Heard::Nothing);
        assert_eq!(goaway(u32::MAX >> 1, 11), Heard::End(MisuseEnd::GoAway(11)));
    }

    #[test]
    fn an_answer_is_the_last_of_its_stream_and_what_is_padded_is_read_too() {
        let headers = |flags: u8, payload: &[u8]| heard(HEADERS, flags, ASKED, payload, ASKED);
        let ok = Heard::End(MisuseEnd::Answered { status: 200 });
        assert_eq!(headers(END_HEADERS, b"\x48\x03103"), Heard::Nothing);
        assert_eq!(headers(END_HEADERS, &[0x88]), ok);
        assert_eq!(headers(END_HEADERS | PADDED, &[1, 0x88, 0]), ok);
        assert_eq!(heard(HEADERS, END_HEADERS, ASKED + 2, &[0x88], ASKED), Heard::Nothing);
    }

    fn endless() -> Script {
        let parts = (0..1_000).map(|_| vec![frame(CONTINUATION, 0, ASKED, &[0; 1_000])]);
        Script { in_head: true, stopped_after: Duration::from_millis(1), ..Script::new(ASKED, parts) }
    }

    #[tokio::test]
    async fn what_nobody_reads_does_not_count_and_ends_the_writing() {
        // As the systems between us and a proxy do, this holds some of it.
        let (mut ours, _theirs) = tokio::io::duplex(10_000);
        let (_told, heard) = watch::channel(None);
        let (_owe, mut owed) = unbounded_channel();
        let mut written = Written::default();
        write(&mut ours, endless(), &heard, &mut owed, &Notify::new(), &mut written).await;
        assert!(written.stopped);
        // Nine frames of 1,009 bytes are in, the tenth is not whole.
        assert_eq!((written.frames, written.bytes), (9, 9 * 1_009));
    }

    #[tokio::test]
    async fn nothing_that_is_owed_is_sent_in_the_middle_of_a_head() {
        let (mut ours, mut theirs) = tokio::io::duplex(2_000_000);
        let (_told, heard) = watch::channel(None);
        let (owe, mut owed) = unbounded_channel();
        owe.send(frame(SETTINGS, ACK, 0, &[])).expect("somebody takes it");
        let mut written = Written::default();
        write(&mut ours, endless(), &heard, &mut owed, &Notify::new(), &mut written).await;
        assert_eq!(written.frames, 1_000);
        drop(ours);
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.expect("all of it");
        let kinds = sent.chunks(1_009).map(|frame| frame[3]);
        assert!(kinds.into_iter().all(|kind| kind == CONTINUATION));
    }
}
