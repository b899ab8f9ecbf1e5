//! One stream: its request goes into a wire in memory as HTTP/1.1, and the answer comes out of it as frames.
//!
//! The exchange at the other end of that wire is the one of every request: cache, balancer, log and refusals are the same.
//! Three things go on at once here: the exchange, what is still sent, what is answered.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::header::CONTENT_LENGTH;
use http::request::Parts;

use super::super::serve_once;
use super::Place;
use super::message::{self, ResponseHead};
use super::outflow::{Ledger, PART, Piece, Turn};
use crate::http::{BodyDecoder, encode};
use crate::wire::{Far, Wire};

/// Why a stream ends before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// The client has reset it, or the connection is gone.
    Left,
    /// The client does not take what it has asked for.
    Stuck,
    /// The answer is incomplete, which only a reset can say (RFC 9113 §8.1.1).
    Incomplete,
}

/// Serves one request. A malformed one ends its stream and nothing else.
pub(super) async fn serve(
    place: Place,
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Piece>,
) {
    let ledger = Ledger::new(place);
    // Reset before anybody saw it.
    if poll_fn(|context| Poll::Ready(respond.poll_reset(context).is_ready())).await {
        return ledger.carrier().give_up();
    }
    let (parts, body) = request.into_parts();
    let has_body = !body.is_end_stream();
    let mut head = Vec::new();
    let is_chunked = match message::request_head(&parts, has_body, &mut head) {
        Ok(is_chunked) => is_chunked,
        Err(reason) => return respond.send_reset(reason),
    };
    let (wire, far) = Wire::in_memory();
    let is_empty = has_body && parts.headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0");
    let upload = Upload { head, is_chunked, is_empty, body };
    if let Err(Broken::Left) = converse(&ledger, &parts, upload, &mut respond, wire, &far).await {
        ledger.carrier().give_up();
    }
}

/// What the client sends.
struct Upload {
    head: Vec<u8>,
    is_chunked: bool,
    /// Whether it says that it has no body, although the head was not the end.
    is_empty: bool,
    body: RecvStream,
}

/// Drives the exchange until it has ended and its answer has gone out, or nobody wants that any more.
async fn converse(
    ledger: &Rc<Ledger>,
    parts: &Parts,
    upload: Upload,
    respond: &mut SendResponse<Piece>,
    wire: Wire,
    far: &Far,
) -> Result<(), Broken> {
    let carrier = ledger.carrier();
    let worker = &carrier.worker;
    let patience = worker.config().timeouts.request_body;
    let mut exchange = Some(Box::pin(async move { serve_once(worker, &wire, carrier.peer).await }));
    let mut download = pin!(download(ledger, respond, far, parts.method == http::Method::HEAD, patience));
    let mut upload = pin!(upload.run(far));
    let mut is_uploading = true;
    let mut result = None;
    poll_fn(|context| {
        if is_uploading && let Poll::Ready(uploaded) = upload.as_mut().poll(context) {
            is_uploading = false;
            if uploaded.is_err() {
                far.leave();
            }
        }
        if let Some(running) = &mut exchange
            && running.as_mut().poll(context).is_ready()
        {
            // Its end of the wire goes with it, which ends the answer.
            exchange = None;
        }
        if result.is_none()
            && let Poll::Ready(downloaded) = download.as_mut().poll(context)
        {
            if downloaded.is_err() {
                far.leave();
            }
            result = Some(downloaded);
        }
        match (&exchange, result) {
            (None, Some(result)) => Poll::Ready(result),
            (Some(_), Some(_)) => {
                // Whatever it may still write must not make it wait for somebody who reads it.
                let _: Poll<()> = far.poll_pull(context, |bytes, _| {
                    bytes.clear();
                    None
                });
                Poll::Pending
            }
            _ => Poll::Pending,
        }
    })
    .await
}

impl Upload {
    /// Hands the request to the exchange, no faster than that takes it: the client may send so much more and not more.
    async fn run(mut self, far: &Far) -> Result<(), Broken> {
        if self.is_empty {
            // A body would make the request malformed (RFC 9113 §8.1.1), so nobody hears of it before there is none.
            while self.next_data().await?.is_some() {}
        }
        far.start(std::mem::take(&mut self.head));
        while let Some(data) = self.next_data().await? {
            if self.is_chunked && !data.is_empty() {
                let mut line = Vec::new();
                encode::chunk_size(&mut line, data.len());
                push(far, &line).await;
                push(far, &data).await;
                push(far, b"\r\n").await;
            } else {
                push(far, &data).await;
            }
            let _ = self.body.flow_control().release_capacity(data.len());
        }
        if self.is_chunked {
            let trailers = poll_fn(|context| self.body.poll_trailers(context)).await;
            let mut end = Vec::new();
            message::last_chunk(trailers.map_err(|_| Broken::Left)?.as_ref(), &mut end);
            push(far, &end).await;
        }
        far.end();
        Ok(())
    }

    async fn next_data(&mut self) -> Result<Option<Bytes>, Broken> {
        let data = poll_fn(|context| self.body.poll_data(context)).await;
        data.transpose().map_err(|_| Broken::Left)
    }
}

/// Hands over everything. An exchange that has ended wants no more, which is its own affair.
async fn push(far: &Far, mut bytes: &[u8]) {
    poll_fn(|context| {
        while !bytes.is_empty() {
            match std::task::ready!(far.poll_push(context, bytes)) {
                Ok(taken) => bytes = &bytes[taken..],
                Err(_) => break,
            }
        }
        Poll::Ready(())
    })
    .await;
}

/// Passes the answer on.
async fn download(
    ledger: &Rc<Ledger>,
    respond: &mut SendResponse<Piece>,
    far: &Far,
    to_head: bool,
    patience: Duration,
) -> Result<(), Broken> {
    let head = final_head(respond, far, to_head).await.inspect_err(|broken| {
        if *broken == Broken::Incomplete {
            respond.send_reset(Reason::INTERNAL_ERROR);
        }
    })?;
    far.narrow();
    let mut decoder = BodyDecoder::new(head.framing);
    let mut stream = respond.send_response(head.response, decoder.is_done()).map_err(|_| Broken::Left)?;
    if decoder.is_done() {
        return Ok(());
    }
    let sent = content(ledger, &mut stream, far, &mut decoder, patience).await;
    match sent {
        Err(Broken::Incomplete) => stream.send_reset(Reason::INTERNAL_ERROR),
        Err(Broken::Stuck) => stream.send_reset(Reason::CANCEL),
        Ok(()) | Err(Broken::Left) => {}
    }
    sent
}

/// Heads until one is final (RFC 9110 §15.2).
async fn final_head(
    respond: &mut SendResponse<Piece>,
    far: &Far,
    to_head: bool,
) -> Result<ResponseHead, Broken> {
    loop {
        let head = poll_fn(|context| {
            if respond.poll_reset(context).is_ready() {
                return Poll::Ready(Err(Broken::Left));
            }
            far.poll_pull(context, |bytes, is_ended| match message::take_response_head(bytes, to_head) {
                Some(head) => Some(head.ok_or(Broken::Incomplete)),
                None => is_ended.then_some(Err(Broken::Incomplete)),
            })
        });
        let head = head.await?;
        if !head.response.status().is_informational() {
            return Ok(head);
        }
        respond.send_informational(head.response).map_err(|_| Broken::Left)?;
    }
}

/// The body, and what stands behind it.
async fn content(
    ledger: &Rc<Ledger>,
    stream: &mut SendStream<Piece>,
    far: &Far,
    decoder: &mut BodyDecoder,
    patience: Duration,
) -> Result<(), Broken> {
    while !decoder.is_done() {
        let piece = poll_fn(|context| {
            if stream.poll_reset(context).is_ready() {
                return Poll::Ready(Err(Broken::Left));
            }
            far.poll_pull(context, |bytes, is_ended| take_content(bytes, decoder, is_ended))
        });
        let piece = piece.await?;
        let is_last = decoder.is_done() && decoder.trailers().is_empty();
        send(ledger, stream, piece, is_last, patience).await?;
    }
    if !decoder.trailers().is_empty() {
        stream.send_trailers(message::trailers(decoder.trailers())).map_err(|_| Broken::Left)?;
    }
    Ok(())
}

/// The content that is there, up to the end if that is there as well. `None`: nothing yet.
fn take_content(
    bytes: &mut BytesMut,
    decoder: &mut BodyDecoder,
    is_ended: bool,
) -> Option<Result<Bytes, Broken>> {
    let mut content = BytesMut::new();
    while !decoder.is_done() {
        let Ok(decoded) = decoder.decode(bytes) else { return Some(Err(Broken::Incomplete)) };
        if decoded.consumed == 0 {
            break;
        }
        let mut taken = bytes.split_to(decoded.consumed);
        let found = taken.split_off(decoded.content.start).split_to(decoded.content.len());
        match content.is_empty() {
            true => content = found,
            false => content.unsplit(found),
        }
    }
    match content.is_empty() && !decoder.is_done() {
        false => Some(Ok(content.freeze())),
        true => is_ended.then_some(Err(Broken::Incomplete)),
    }
}

/// Sends content as the client makes room for it.
async fn send(
    ledger: &Rc<Ledger>,
    stream: &mut SendStream<Piece>,
    mut content: Bytes,
    is_last: bool,
    patience: Duration,
) -> Result<(), Broken> {
    if content.is_empty() && is_last {
        return stream.send_data(Piece::new(content, ledger), true).map_err(|_| Broken::Left);
    }
    let outflow = &ledger.carrier().outflow;
    while !content.is_empty() {
        let mut part = content.split_to(content.len().min(PART));
        // For the whole part, however little of it the client has room for at a time.
        let mut turn = None;
        while !part.is_empty() {
            stream.reserve_capacity(part.len());
            let room = poll_fn(|context| match ledger.poll_room(stream, part.len(), context) {
                Poll::Ready(room) => Poll::Ready(room.ok_or(Broken::Left)),
                Poll::Pending => {
                    let turn = turn.get_or_insert_with(|| Turn::new(outflow, patience));
                    match turn.poll_is_over(outflow, context) {
                        true => Poll::Ready(Err(Broken::Stuck)),
                        false => Poll::Pending,
                    }
                }
            });
            let piece = part.split_to(room.await?);
            let is_end = is_last && part.is_empty() && content.is_empty();
            stream.send_data(Piece::new(piece, ledger), is_end).map_err(|_| Broken::Left)?;
        }
    }
    Ok(())
}
