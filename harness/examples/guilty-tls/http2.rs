//! The proxy to clients of HTTP/2: a library of frames, and a request of HTTP/1.1 for each stream.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use h2::server::{Builder, SendResponse};
use hyper::body::Bytes;
use hyper::http;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::Backends;
use crate::defects::{self, Defect};
use crate::misread::{self, Misread};

/// Streams that a connection may open for nothing before the proxy with that defect stands still.
const MOST_TO_BE_RESET: u32 = 100;

/// Serves a connection to its end.
pub async fn serve(
    client: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    backends: &Arc<Backends>,
    defect: Defect,
) -> io::Result<()> {
    if defect == Defect::ConnectionInAnswers {
        return misread::answers_with_connection(client).await;
    }
    let client = Misread::new(client, backends.clone(), defect);
    let mut builder = Builder::new();
    if defect == Defect::StandsStillAfterResets {
        builder.max_pending_accept_reset_streams(usize::MAX).max_concurrent_reset_streams(usize::MAX);
    }
    if defect == Defect::OneStreamAtATime {
        builder.max_concurrent_streams(1);
    }
    let mut connection = builder.handshake(client).await.map_err(io::Error::other)?;
    let (mut backend, mut to_be_reset, mut streams) = (None, 0, 0);
    let line = Arc::new(Mutex::new(()));
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted.map_err(io::Error::other)?;
        streams += 1;
        if defect == Defect::TenStreamsAConnection && streams == 10 {
            connection.graceful_shutdown();
        }
        if defect == Defect::StandsStillAfterResets && request.uri().path().starts_with("/reset/") {
            to_be_reset += 1;
            if to_be_reset > MOST_TO_BE_RESET {
                // One thread for all, and it does not look up.
                std::thread::sleep(Duration::from_secs(8));
            }
        }
        let chosen = match (defect, backend) {
            (Defect::TurnPerConnection, Some(chosen)) => chosen,
            _ => backends.turn(),
        };
        backend = Some(chosen);
        let answered = stream(request, respond, TcpStream::connect(chosen).await?, defect);
        let line = (defect == Defect::StreamsOneByOne).then(|| line.clone());
        tokio::spawn(async move {
            let _first = match &line {
                Some(line) => Some(line.lock().await),
                None => None,
            };
            answered.await
        });
    }
    Ok(())
}

/// Asks the backend and passes its answer on.
async fn stream(
    request: http::Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    mut backend: TcpStream,
    defect: Defect,
) -> io::Result<()> {
    let (parts, mut incoming) = request.into_parts();
    let mut body = Vec::new();
    while let Some(data) = incoming.data().await {
        let data = data.map_err(io::Error::other)?;
        body.extend_from_slice(&data);
        incoming.flow_control().release_capacity(data.len()).map_err(io::Error::other)?;
    }
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let host = parts.uri.authority().map_or("", http::uri::Authority::as_str);
    let mut head = format!("{} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", parts.method);
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "content-length") {
        head.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes())));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    backend.write_all(&[head.as_bytes(), b"\r\n", &body].concat()).await?;
    let mut answer = Vec::new();
    backend.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut body = answer.get(end + 4..).unwrap_or_default().to_vec();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or("502");
    let mut message = http::Response::builder().status(status);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        match name.to_ascii_lowercase().as_str() {
            "transfer-encoding" if value == "chunked" => body = unchunked(&body),
            "connection" | "keep-alive" | "proxy-connection" | "upgrade" | "transfer-encoding" => {}
            name => message = message.header(name, value),
        }
    }
    if let Some(most) = defects::longest_answer(defect) {
        body.truncate(most as usize);
    }
    let message = message.body(()).map_err(io::Error::other)?;
    let mut sending = respond.send_response(message, body.is_empty()).map_err(io::Error::other)?;
    if !body.is_empty() {
        let length = body.len();
        sending.reserve_capacity(length);
        let mut rest = Bytes::from(body);
        while !rest.is_empty() {
            let room = std::future::poll_fn(|context| sending.poll_capacity(context)).await;
            let room = room.unwrap_or(Ok(0)).map_err(io::Error::other)?.min(rest.len());
            if room == 0 {
                return Ok(());
            }
            let part = rest.split_to(room);
            sending.send_data(part, rest.is_empty()).map_err(io::Error::other)?;
        }
    }
    Ok(())
}

/// A body without its chunks.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(String::from_utf8_lossy(&body[..end]).trim(), 16).unwrap_or(0);
        let Some(data) = body.get(end + 2..end + 2 + length).filter(|data| !data.is_empty()) else { break };
        whole.extend_from_slice(data);
        body = body.get(end + 4 + length..).unwrap_or_default();
    }
    whole
}
