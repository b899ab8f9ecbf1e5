//! `voting`: a voting platform. Users sign up, log in, upload videos and vote once for each; anybody may see the rankings.
//!
//! Routes, statuses and times are those of a system whose access log we have. Uploads go through a queue to a worker with
//! durations of its own, and into an object store. It never answers one user with what belongs to another.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::accounts::{Accounts, NoAccount};
use super::dialogue::{body, parameter, problem, route, text, token, wall_seconds, with_field};
use super::worker::Worker;
use crate::behavior::{Answer, Application, Asked, Source, Working};
use crate::clock::Moment;
use crate::content::{Kind, Secret};

const KEY: &[u8] = b"the key of the voting platform";
const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
const HASHING: Duration = Duration::from_millis(70);
/// What the log showed for an upload, from the last byte of the body to the answer.
const UPLOAD: Duration = Duration::from_millis(700);
const LIST: Duration = Duration::from_micros(900);
const RANKING: Duration = Duration::from_micros(1300);
/// What the worker took for three videos.
const PROCESSING: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(3), Duration::from_secs(16)];
const MOST_WAITING: usize = 100;
/// A queue that was shortened keeps so many places.
const FEWEST_WAITING: usize = 12;
const VIDEO_BYTES: u64 = 256 * 1024;

/// The voting platform.
pub struct Voting {
    accounts: Accounts,
    upload: Duration,
    state: Mutex<State>,
}

struct State {
    videos: Vec<Video>,
    by_id: HashMap<String, usize>,
    voted: HashSet<(String, usize)>,
    worker: Worker,
}

struct Video {
    id: String,
    owner: String,
    city: String,
    job: usize,
    votes: u64,
}

impl Voting {
    /// A platform without users and videos.
    pub fn new() -> Voting {
        Voting::faster(1)
    }

    /// The same, so many times as fast where it takes long: hashing, uploads, the worker; its queue is shorter by as much,
    /// but not beyond a dozen, so that it is full as soon as the real one would be.
    pub fn faster(times: u32) -> Voting {
        let times = times.max(1);
        let processing = PROCESSING.map(|duration| duration / times).to_vec();
        let most_waiting = (MOST_WAITING / times as usize).max(FEWEST_WAITING.min(MOST_WAITING));
        let worker = Worker::new(1, processing, most_waiting);
        let state = State { videos: Vec::new(), by_id: HashMap::new(), voted: HashSet::new(), worker };
        let accounts = Accounts::new(KEY, TOKEN_LIFETIME, HASHING / times);
        Voting { accounts, upload: UPLOAD / times, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reply(&self, asked: Asked<'_>) -> Answer {
        let now = asked.clock.now();
        match route(&asked) {
            ("GET", "/api/public/videos") => {
                tokio::time::sleep(LIST).await;
                for_everybody(self.state().processed(now))
            }
            ("GET", "/api/public/rankings") => {
                tokio::time::sleep(RANKING).await;
                for_everybody(self.state().ranking(&asked))
            }
            ("GET", path) if path.starts_with("/store/") => {
                self.stored(&path["/store/".len()..], now, asked.secret)
            }
            ("GET", "/swagger/favicon-32x32.png") => picture(asked.secret),
            ("POST", "/api/auth/signup") => self.sign_up(&asked).await,
            ("POST", "/api/auth/login") => self.log_in(&asked).await,
            ("GET", "/api/worker") => self.state().work(now),
            (method, path) => {
                let user =
                    token(&asked).and_then(|token| self.accounts.user_of(token, wall_seconds(&asked)).ok());
                match user {
                    Some(user) => for_one(self.reply_to(&user, method, path, &asked, now).await),
                    None => for_one(problem(401, "a token is needed")),
                }
            }
        }
    }

    async fn reply_to(&self, user: &str, method: &str, path: &str, asked: &Asked<'_>, now: Moment) -> Answer {
        match (method, path) {
            ("GET", "/api/auth/profile") => Answer::json(200, &json!({ "user": user })),
            ("GET", "/api/videos") => {
                let state = self.state();
                let own = state.videos.iter().filter(|video| video.owner == user);
                let list: Vec<Value> = own.map(|video| state.describe(video, now)).collect();
                Answer::json(200, &json!({ "user": user, "videos": list }))
            }
            ("GET", "/api/user/votes") => {
                let state = self.state();
                let mut votes: Vec<&str> = (state.voted.iter())
                    .filter(|(voter, _)| voter == user)
                    .map(|(_, video)| state.videos[*video].id.as_str())
                    .collect();
                votes.sort_unstable();
                Answer::json(200, &json!({ "user": user, "votes": votes }))
            }
            ("POST", "/api/videos/upload") => {
                tokio::time::sleep(self.upload).await;
                self.upload(user, asked)
            }
            ("POST", path) => {
                let id = path.strip_prefix("/api/public/videos/").and_then(|rest| rest.strip_suffix("/vote"));
                id.map_or_else(|| problem(404, "no such place"), |id| self.state().vote(user, id))
            }
            _ => problem(404, "no such place"),
        }
    }

    fn upload(&self, user: &str, asked: &Asked<'_>) -> Answer {
        let mut state = self.state();
        match state.worker.enqueue(asked.clock.now()) {
            Ok(job) => {
                // Numbers that nobody guesses do not matter here; numbers that a run repeats do.
                let id = format!("{:08x}-0000-4000-8000-{:012x}", asked.request.body_hash as u32, job);
                let city = parameter(asked, "city").unwrap_or("Bogot%C3%A1").to_owned();
                let video = Video { id: id.clone(), owner: user.to_owned(), city, job, votes: 0 };
                let place = state.videos.len();
                state.by_id.insert(id.clone(), place);
                state.videos.push(video);
                Answer::json(201, &json!({ "id": id, "state": "queued" }))
            }
            Err(refused) => {
                let seconds = refused.try_again_after.as_secs() + 1;
                with_field(problem(503, "the queue is full"), "Retry-After", seconds.to_string())
            }
        }
    }

    fn stored(&self, id: &str, now: Moment, secret: Secret) -> Answer {
        let state = self.state();
        let video = state.by_id.get(id).map(|&place| &state.videos[place]);
        match video.and_then(|video| state.worker.job(video.job)) {
            Some(job) if job.done <= now => {
                let fields = vec![
                    ("Content-Type".to_owned(), "video/mp4".to_owned()),
                    ("Cache-Control".to_owned(), "public, max-age=31536000, immutable".to_owned()),
                ];
                // Named after its target, so that whoever gets it can tell that it is the right one.
                let content = secret.content(&format!("/store/{id}"), 0, VIDEO_BYTES, Kind::Binary);
                Answer { status: 200, fields, body: Source::Content(content) }
            }
            Some(_) => problem(404, "not processed yet"),
            None => problem(404, "no such object"),
        }
    }

    async fn sign_up(&self, asked: &Asked<'_>) -> Answer {
        let body = body(asked).unwrap_or_default();
        let (name, password) = (text(&body, "username").unwrap_or(""), text(&body, "password").unwrap_or(""));
        match self.accounts.sign_up(name, password).await {
            Ok(()) => for_one(Answer::json(201, &json!({ "user": name }))),
            Err(NoAccount::Taken) => for_one(problem(400, "the name is taken")),
            Err(NoAccount::TooShort) => for_one(problem(400, "name or password is too short")),
        }
    }

    async fn log_in(&self, asked: &Asked<'_>) -> Answer {
        let body = body(asked).unwrap_or_default();
        let (name, password) = (text(&body, "username").unwrap_or(""), text(&body, "password").unwrap_or(""));
        match self.accounts.log_in(name, password, wall_seconds(asked)).await {
            Some(token) => {
                for_one(Answer::json(200, &json!({ "access_token": token, "token_type": "bearer" })))
            }
            None => for_one(problem(401, "wrong name or password")),
        }
    }
}

impl State {
    fn describe(&self, video: &Video, now: Moment) -> Value {
        let state = self.worker.job(video.job).map_or("lost", |job| job.state(now));
        json!({ "id": video.id, "state": state, "votes": video.votes })
    }

    fn processed(&self, now: Moment) -> Value {
        let done = self.videos.iter().filter(|v| self.worker.job(v.job).is_some_and(|job| job.done <= now));
        done.map(|video| self.describe(video, now)).collect()
    }

    fn ranking(&self, asked: &Asked<'_>) -> Value {
        let city = parameter(asked, "city");
        let limit = parameter(asked, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(50);
        let mut videos: Vec<&Video> =
            self.videos.iter().filter(|video| city.is_none_or(|city| video.city == city)).collect();
        videos.sort_by(|a, b| b.votes.cmp(&a.votes).then_with(|| a.id.cmp(&b.id)));
        videos.iter().take(limit).map(|video| json!({ "id": video.id, "votes": video.votes })).collect()
    }

    fn vote(&mut self, user: &str, id: &str) -> Answer {
        let Some(&place) = self.by_id.get(id) else { return problem(404, "no such video") };
        if !self.voted.insert((user.to_owned(), place)) {
            return problem(409, "you have voted for it already");
        }
        self.videos[place].votes += 1;
        Answer::json(200, &json!({ "user": user, "votes": self.videos[place].votes }))
    }

    fn work(&self, now: Moment) -> Answer {
        let times = self.worker.times_to_processed(now);
        let at = |share: f64| {
            let rank = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len().max(1)) - 1;
            times.get(rank).map(Duration::as_secs_f64)
        };
        let body = json!({
            "waiting": self.worker.waiting(now), "processed": times.len(), "p50_seconds": at(0.5), "p95_seconds": at(0.95),
        });
        for_one(Answer::json(200, &body))
    }
}

/// What a shared cache may keep: the same for everybody, and a little old is no harm.
fn for_everybody(body: Value) -> Answer {
    with_field(Answer::json(200, &body), "Cache-Control", "public, max-age=5")
}

/// What it must never keep.
fn for_one(answer: Answer) -> Answer {
    with_field(answer, "Cache-Control", "private, no-store")
}

fn picture(secret: Secret) -> Answer {
    let fields = vec![
        ("Content-Type".to_owned(), "image/png".to_owned()),
        ("Cache-Control".to_owned(), "public, max-age=86400".to_owned()),
    ];
    Answer {
        status: 200,
        fields,
        body: Source::Content(secret.content("/swagger/favicon-32x32.png", 0, 628, Kind::Binary)),
    }
}

impl Default for Voting {
    fn default() -> Voting {
        Voting::new()
    }
}

impl Application for Voting {
    fn answer<'a>(&'a self, asked: Asked<'a>) -> Working<'a> {
        Box::pin(self.reply(asked))
    }
}
