//! `event`: a platform at which everybody arrives at once: log in, load a scene of large files, keep a data connection.
//!
//! Anybody who names himself may come in, as at an event; scenes are the same for everybody and may be cached. A data
//! connection is a long poll that is answered after its time. It keeps no state but the number of those connected.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use super::dialogue::{body, parameter, problem, route, text, token, wall_seconds, with_field};
use super::token::Authority;
use crate::behavior::{Answer, Application, Asked, Source, Working};
use crate::content::Kind;

const KEY: &[u8] = b"the key of the event platform";
const TOKEN_LIFETIME: Duration = Duration::from_secs(4 * 3600);
const LOGIN: Duration = Duration::from_millis(20);
const SCENE_BYTES: u64 = 1024 * 1024;
/// A data connection stays open so long where the client asks for nothing else.
const DATA: Duration = Duration::from_secs(5);
const LONGEST_DATA: Duration = Duration::from_secs(60);

/// The event platform.
pub struct Event {
    authority: Authority,
    connected: AtomicU64,
}

/// Counts one data connection as long as it lives, also when its task is dropped.
struct Connected<'a>(&'a AtomicU64);

impl Event {
    /// Nobody is there yet.
    pub fn new() -> Event {
        Event { authority: Authority::new(KEY, TOKEN_LIFETIME), connected: AtomicU64::new(0) }
    }

    async fn reply(&self, asked: Asked<'_>) -> Answer {
        let private = |answer| with_field(answer, "Cache-Control", "private, no-store");
        match route(&asked) {
            ("POST", "/login") => {
                tokio::time::sleep(LOGIN).await;
                let body = body(&asked).unwrap_or_default();
                private(match text(&body, "username") {
                    Some(user) => {
                        let token = self.authority.issue(user, wall_seconds(&asked));
                        Answer::json(200, &json!({ "access_token": token, "token_type": "bearer" }))
                    }
                    None => problem(401, "say who you are"),
                })
            }
            ("GET", path) if path.starts_with("/scene/") => {
                let content = asked.secret.content(path, 0, SCENE_BYTES, Kind::Binary);
                let fields = vec![
                    ("Content-Type".to_owned(), "model/gltf-binary".to_owned()),
                    ("Cache-Control".to_owned(), "public, max-age=3600".to_owned()),
                    ("ETag".to_owned(), format!("\"{:x}\"", content.seed())),
                ];
                Answer { status: 200, fields, body: Source::Content(content) }
            }
            ("GET", "/data") => {
                let known = token(&asked).map(|token| self.authority.verify(token, wall_seconds(&asked)));
                let Some(Ok(claims)) = known else { return private(problem(401, "a token is needed")) };
                let milliseconds = parameter(&asked, "ms").and_then(|ms| ms.parse().ok());
                let time = milliseconds.map_or(DATA, Duration::from_millis).min(LONGEST_DATA);
                let connected = Connected::one_more(&self.connected);
                tokio::time::sleep(time).await;
                let count = connected.count();
                private(Answer::json(200, &json!({ "user": claims.sub, "connected": count })))
            }
            _ => private(problem(404, "no such place")),
        }
    }
}

impl<'a> Connected<'a> {
    fn one_more(count: &'a AtomicU64) -> Connected<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Connected(count)
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Event {
    fn default() -> Event {
        Event::new()
    }
}

impl Application for Event {
    fn answer<'a>(&'a self, asked: Asked<'a>) -> Working<'a> {
        Box::pin(self.reply(asked))
    }
}
