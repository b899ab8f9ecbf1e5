//! One plain GET, and what becomes of its connection once it is answered.
//!
//! The first look asks it, to learn what a proxy waits for. It belongs to no step and is not recorded.

use std::time::Duration;

use fake_backends::clock::Moment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Clients;
use super::observe::ResponseObserver;
use crate::traffic::request::Request;
use harness_model::history::{ExchangeEnd, Purpose};

/// What was seen of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watched {
    /// When its answer was complete; `None`: not in time.
    pub answered: Option<Moment>,
    /// When its connection was of use again: closed by the proxy, or the next request answered on it. `None`: not in time.
    pub free: Option<Moment>,
}

impl Clients {
    /// Asks for the first target on a fresh connection, then for the second one on the same where that is kept.
    pub async fn watch(&self, targets: [String; 2], patience: Duration) -> Watched {
        let mut watched = Watched::default();
        // What has been seen by then counts; an error of the connection ends it as time does.
        let _ = tokio::time::timeout(patience, self.watch_into(&targets, &mut watched)).await;
        watched
    }

    async fn watch_into(&self, targets: &[String; 2], watched: &mut Watched) -> std::io::Result<()> {
        let mut stream = self.network().connect_async(self.address()).await?;
        let closed = self.answer_on(&mut stream, &targets[0]).await?;
        watched.answered = Some(self.clock().now());
        let of_use = match closed {
            Kept::Closed => Ok(()),
            Kept::Open => self.answer_on(&mut stream, &targets[1]).await.map(drop),
            // It has said that it will close.
            Kept::ToBeClosed => stream.read(&mut [0; 64]).await.map(drop),
        };
        // A close or reset in the place of the next answer frees the client as well.
        let _ = of_use;
        watched.free = Some(self.clock().now());
        Ok(())
    }

    /// Sends a GET and reads its answer to the end.
    async fn answer_on(&self, stream: &mut TcpStream, target: &str) -> std::io::Result<Kept> {
        let request = Request::get(Purpose::Readiness, 0, target.to_owned(), self.clock().now());
        stream.write_all(&self.head_of(&request)).await?;
        let mut observer = ResponseObserver::new(&request.method, self.secret());
        let mut buffer = vec![0; 16 << 10];
        loop {
            let length = stream.read(&mut buffer).await?;
            if length == 0 {
                return match observer.closed(None) {
                    ExchangeEnd::Complete => Ok(Kept::Closed),
                    _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
                };
            }
            if observer.push(&buffer[..length], self.clock().now()) {
                return match observer.keeps_alive() {
                    true => Ok(Kept::Open),
                    false => Ok(Kept::ToBeClosed),
                };
            }
        }
    }
}

/// A connection after an answer.
enum Kept {
    Open,
    ToBeClosed,
    Closed,
}
