//! The steps of cloud cases about the balancer itself, resolved.
//!
//! `conductor` hands them to `traffic`; checks read from them what was asked for. Nothing here sends.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::resolve_load::some;
use super::{Connections, Executor, Load, LoadShape, RateStage, duration_ns};
use crate::scenario::{CallersStep, OriginsStep, OverloadStep, UploadsStep, VotesStep};

/// A step of a case about the balancer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStep {
    /// Requests from several addresses.
    Callers(Callers),
    /// More than can be done for a while.
    Overload(Box<Overload>),
    /// Uploads to a queue.
    Uploads(Uploads),
    /// Browsers of several origins.
    Origins(Origins),
    /// Votes at the same instant.
    Votes(Votes),
}

/// Browsers of several origins that ask for the same, each with its preflight.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Origins {
    /// What they ask for.
    pub path: String,
    /// Origins that the application lets in. The number of a request is the place in this list, from one; behind them come
    /// the strangers, and zero has no origin.
    pub allowed: Vec<String>,
    /// Origins that it does not.
    pub strangers: Vec<String>,
    /// How often all of them ask.
    pub rounds: u32,
}

impl Origins {
    /// The origin of a request by its number.
    pub fn of(&self, number: u32) -> Option<&str> {
        let place = (number as usize).checked_sub(1)?;
        self.allowed.iter().chain(&self.strangers).nth(place).map(String::as_str)
    }

    /// Whether the application lets it in.
    pub fn lets_in(&self, number: u32) -> bool {
        (1..=self.allowed.len()).contains(&(number as usize))
    }
}

/// Users that vote for videos at the same instant, while others look.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Votes {
    /// How many users.
    pub users: u32,
    /// How many videos.
    pub videos: u32,
    /// How often each user votes for each video.
    pub at_once: u32,
    /// Where a POST makes an account.
    pub signup: String,
    /// Where a POST gives a token.
    pub login: String,
    /// Where a POST uploads.
    pub upload: String,
    /// Where a POST votes, with `{key}`.
    pub vote: String,
    /// Where the uploads of a user are listed.
    pub list: String,
    /// What belongs to one user, the votes first. The number of a request is that of the user, its group the place in this list.
    pub own: Vec<String>,
    /// The ranking, with `{n}`.
    pub ranking: String,
    /// What is for everybody, with `{key}`.
    pub open: Vec<String>,
    /// Time between two looks.
    #[serde(with = "duration_ns")]
    pub look_every: Duration,
}

/// How long the votes for one video may take as far as the plan knows, and the uploads before and the looks after.
const VOTES_FOR_ONE: Duration = Duration::from_millis(250);
const AROUND_VOTES: Duration = Duration::from_secs(3);

/// Requests from several addresses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Callers {
    /// Where they come from; the number of a request is the place in this list.
    pub from: Vec<IpAddr>,
    /// Target, with `{n}`.
    pub path: String,
    /// Requests of each.
    pub requests: u32,
    /// Whether they also try to reach every backend without the proxy.
    pub past_the_proxy: bool,
}

/// More than can be done for a while, by one of two clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overload {
    /// The beginning of the tags of both clients.
    pub label: String,
    /// What the backends can do, in requests per second.
    pub capacity_per_second: f64,
    /// The client that asks for no more than its share.
    pub modest: Caller,
    /// The client that asks for far more for a while.
    pub greedy: Caller,
    /// An answer that comes later is of no use.
    #[serde(with = "duration_ns")]
    pub within: Duration,
    /// Time before the overload.
    #[serde(with = "duration_ns")]
    pub before: Duration,
    /// How long it lasts.
    #[serde(with = "duration_ns")]
    pub duration: Duration,
    /// Time after it.
    #[serde(with = "duration_ns")]
    pub after: Duration,
}

/// A client of an overload: where it comes from and its load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Caller {
    /// Its address.
    pub from: IpAddr,
    /// What it asks for during the overload, in requests per second.
    pub over_per_second: f64,
    /// All of what it sends.
    pub load: Load,
}

/// Uploads to a queue with a worker behind it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Uploads {
    /// Where a POST makes an account.
    pub signup: String,
    /// Where a POST gives a token.
    pub login: String,
    /// Where a POST uploads.
    pub upload: String,
    /// Where the uploads of a user are listed.
    pub list: String,
    /// Where the depth of the queue is told.
    pub queue: String,
    /// How many uploads.
    pub uploads: u32,
    /// Time between two of them.
    #[serde(with = "duration_ns")]
    pub every: Duration,
    /// Time between two looks.
    #[serde(with = "duration_ns")]
    pub look_every: Duration,
    /// How long in all.
    #[serde(with = "duration_ns")]
    pub duration: Duration,
}

/// What a client gives up after, in uses of an answer.
const PATIENCE: u32 = 6;
/// Most requests of a client in flight.
const MOST_IN_FLIGHT: u32 = 2_000;

impl CaseStep {
    /// From the step as written.
    pub fn of_callers(written: &CallersStep) -> CaseStep {
        CaseStep::Callers(Callers {
            from: written.from.clone(),
            path: written.path.clone(),
            requests: written.requests,
            past_the_proxy: written.past_the_proxy,
        })
    }

    /// From the step as written.
    ///
    /// # Errors
    /// What is wrong with a rate.
    pub fn of_overload(written: &OverloadStep) -> Result<CaseStep, String> {
        let caller = |name: &str, from: IpAddr, rate: &str, over: &str| -> Result<Caller, String> {
            let (rest, over_per_second) = (some(rate)?, some(over)?);
            let stage = |to_per_second, duration| RateStage { to_per_second, duration };
            // Without a length the rate jumps.
            let stages = vec![
                stage(rest, written.before.0),
                stage(over_per_second, Duration::ZERO),
                stage(over_per_second, written.duration.0),
                stage(rest, Duration::ZERO),
                stage(rest, written.after.0),
            ];
            let executor = Executor::RampingArrivalRate {
                start_per_second: rest,
                stages,
                max_in_flight: MOST_IN_FLIGHT,
            };
            let load = Load {
                executor,
                method: "GET".to_owned(),
                path: written.path.replace("{client}", name),
                keys: 0,
                warmup: Duration::ZERO,
                tag: format!("{}-{name}", written.label),
                timeout: written.within.0 * PATIENCE,
                connections: Connections::One,
                shape: LoadShape::default(),
            };
            Ok(Caller { from, over_per_second, load })
        };
        let (modest, greedy) = (&written.modest, &written.greedy);
        Ok(CaseStep::Overload(Box::new(Overload {
            label: written.label.clone(),
            capacity_per_second: some(&written.capacity)?,
            modest: caller("modest", modest.from, &modest.rate, &modest.rate)?,
            greedy: caller("greedy", greedy.from, &greedy.rate, &greedy.over)?,
            within: written.within.0,
            before: written.before.0,
            duration: written.duration.0,
            after: written.after.0,
        })))
    }

    /// From the step as written.
    pub fn of_uploads(written: &UploadsStep) -> CaseStep {
        CaseStep::Uploads(Uploads {
            signup: written.signup.clone(),
            login: written.login.clone(),
            upload: written.upload.clone(),
            list: written.list.clone(),
            queue: written.queue.clone(),
            uploads: written.uploads,
            every: written.every.0,
            look_every: written.look_every.0.max(Duration::from_millis(10)),
            duration: written.duration.0,
        })
    }

    /// From the step as written.
    pub fn of_origins(written: &OriginsStep) -> CaseStep {
        CaseStep::Origins(Origins {
            path: written.path.clone(),
            allowed: written.allowed.clone(),
            strangers: written.strangers.clone(),
            rounds: written.rounds,
        })
    }

    /// From the step as written.
    pub fn of_votes(written: &VotesStep) -> CaseStep {
        CaseStep::Votes(Votes {
            users: written.users,
            videos: written.videos,
            at_once: written.at_once,
            signup: written.signup.clone(),
            login: written.login.clone(),
            upload: written.upload.clone(),
            vote: written.vote.clone(),
            list: written.list.clone(),
            own: written.own.clone(),
            ranking: written.ranking.clone(),
            open: written.open.clone(),
            look_every: written.look_every.0.max(Duration::from_millis(10)),
        })
    }

    /// How long it takes, as far as the plan knows.
    pub fn estimated(&self) -> Duration {
        match self {
            CaseStep::Origins(origins) => {
                let each = 1 + origins.allowed.len() + origins.strangers.len();
                Duration::from_millis(20) * origins.rounds * each as u32
            }
            CaseStep::Votes(votes) => AROUND_VOTES + VOTES_FOR_ONE * votes.videos,
            CaseStep::Callers(callers) => {
                Duration::from_millis(2) * callers.requests * callers.from.len() as u32
            }
            CaseStep::Overload(overload) => overload.before + overload.duration + overload.after,
            CaseStep::Uploads(uploads) => uploads.duration,
        }
    }
}
