//! What the checks of this module saw, typed.
//!
//! The checks fill it in, the module `language` has the words (`case_words`). Nothing here is a sentence.

use serde::{Deserialize, Serialize};

/// What a check of the balancer of a cloud case saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "case")]
pub enum CaseFinding {
    /// How many connections carried how much.
    Multiplexing(MultiplexingSeen),
    /// How much so many instances serve.
    Capacity {
        /// One for each search, the fewest instances first.
        searches: Vec<CapacitySeen>,
        /// Share of so many single instances below which the scaling has stopped.
        share: f64,
    },
    /// Which instances requests went to.
    Balance {
        /// One for each load, in the order of the run.
        loads: Vec<BalanceSeen>,
        /// Share of requests that is to go to one of the least busy.
        wanted: f64,
    },
    /// Who was let in.
    Admission(AdmissionSeen),
    /// What became of more requests than could be served.
    Overloads {
        /// One for each overload, in the order of the run.
        overloads: Vec<OverloadSeen>,
        /// Share of the capacity that is to be left as useful work.
        share: f64,
        /// Time within which all is to be as before, in milliseconds.
        within_ms: f64,
    },
    /// How instances were watched, left and taken back.
    Health(HealthSeen),
    /// What became of votes.
    Votes(VotesSeen),
    /// Who got what belongs to one user.
    Own(OwnSeen),
    /// What became of tokens at their end.
    Expiry(TokenEndSeen),
    /// Which browsers got what was made for others.
    Cors(CorsSeen),
    /// What became of uploads.
    Worker {
        /// What was seen.
        seen: WorkerSeen,
        /// Time within which 95 % are to be processed, in milliseconds.
        within_ms: f64,
    },
}

/// Which instances the requests of a load went to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceSeen {
    /// The tag of the load.
    pub tag: String,
    /// Whether it is judged, or only shown beside.
    pub judged: bool,
    /// Requests at the instances.
    pub requests: u64,
    /// Share of them that went to one of the least busy.
    pub to_least_busy: f64,
    /// 99th percentile from the intended instant, where there were samples enough.
    pub latency_ms: Option<f64>,
    /// What each instance got.
    pub shares: Vec<InstanceShare>,
}

/// What an instance got of a load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceShare {
    /// Its name.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// Median time that it took for one, in milliseconds.
    pub median_ms: f64,
}

/// Who was let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionSeen {
    /// Requests from addresses that are allowed.
    pub welcome: u64,
    /// Of them, those that were answered with success.
    pub served: u64,
    /// Requests from other addresses.
    pub strangers: u64,
    /// Of them, those that reached an instance or were answered with success.
    pub let_in: u64,
    /// Of them, those that were refused with a status: the status, and how many.
    pub refused_with: Vec<(u16, u64)>,
    /// Of them, those that got no answer.
    pub closed: u64,
    /// Requests to an instance without the proxy.
    pub past_the_proxy: u64,
    /// Of them, those that got an answer.
    pub answered_past: u64,
}

/// What became of more requests than could be served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverloadSeen {
    /// Its label.
    pub label: String,
    /// Whether it is judged, or only shown beside.
    pub judged: bool,
    /// What can be served, in requests per second.
    pub capacity_per_second: f64,
    /// What both clients asked for meanwhile.
    pub asked_per_second: f64,
    /// Answers that were of use, of both.
    pub useful_per_second: f64,
    /// Requests of the modest client meanwhile.
    pub modest_asked: u64,
    /// Share of them that were of use.
    pub modest_useful: f64,
    /// The same of the greedy one.
    pub greedy_useful: f64,
    /// Requests in all, before and after too.
    pub asked: u64,
    /// Refusals in words: the status (429 or 503), and how many.
    pub refused_with: Vec<(u16, u64)>,
    /// Of them, those that said when to try again.
    pub told_when: u64,
    /// Requests that were cut off, or answered wrongly.
    pub silent: u64,
    /// Time until all was as before, to within a second; `None` where it did not come to that.
    pub recovered_ms: Option<f64>,
}

/// How instances were watched, left and taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthSeen {
    /// What they were to be asked for.
    pub path: String,
    /// How often, in milliseconds from one time to the next.
    pub interval_ms: f64,
    /// Bad answers in a row after which one is left.
    pub failures: u32,
    /// Good ones in a row after which it is taken back.
    pub successes: u32,
    /// One an instance.
    pub instances: Vec<InstanceWatched>,
    /// Requests of clients meanwhile.
    pub asked: u64,
    /// Of them, those that did not end well.
    pub lost: u64,
}

/// How an instance was watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceWatched {
    /// Its name.
    pub name: String,
    /// How often it was asked.
    pub probes: u64,
    /// How often it answered badly, or not at all.
    pub bad: u64,
    /// Median time from one question to the next, in milliseconds.
    pub median_ms: Option<f64>,
    /// Longest time without one, in milliseconds.
    pub longest_ms: f64,
    /// How often it went without requests before it had answered badly often enough.
    pub too_early: u64,
    /// Times at which it was to be left out.
    pub absences: Vec<AbsenceSeen>,
}

/// What became of votes that came at the same instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VotesSeen {
    /// Pairs of user and video.
    pub pairs: u64,
    /// Votes sent, several of each pair.
    pub sent: u64,
    /// Pairs that were told more than once that the vote counts.
    pub told_twice: u64,
    /// Pairs that were not told so once.
    pub never_told: u64,
    /// Votes that were answered neither with 200 nor with 409.
    pub otherwise: u64,
    /// Requests at the instances beyond those that were sent.
    pub sent_twice: u64,
    /// Votes that were answered without an instance.
    pub from_cache: u64,
    /// Votes in the ranking at the end.
    pub in_the_ranking: u64,
}

/// Who got what belongs to one user, and what is for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSeen {
    /// Answers about what belongs to one user.
    pub own: u64,
    /// Of them, those that were made for another one.
    pub of_another: u64,
    /// Lists of one's own votes after the last vote.
    pub lists_at_the_end: u64,
    /// Of them, those that lack a vote that their user had been told counts.
    pub out_of_date: u64,
    /// Answers about what is for everybody.
    pub open: u64,
    /// Of them, those that no instance gave.
    pub open_from_cache: u64,
    /// Of them, objects of the store.
    pub objects: u64,
    /// Of those, the ones that are not whole, or another one.
    pub spoilt: u64,
}

/// What became of tokens at their end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenEndSeen {
    /// How long a token is good, in milliseconds.
    pub lifetime_ms: f64,
    /// Requests with one that was certainly good.
    pub good: u64,
    /// Of them, those with the successor of one that had ended.
    pub renewed: u64,
    /// Of those with a good one, those that were refused.
    pub refused_good: u64,
    /// Requests with one that had certainly ended.
    pub ended: u64,
    /// Of them, those that were answered with success all the same.
    pub outlived: u64,
    /// How the others were refused: the status, and how many.
    pub refused_with: Vec<(u16, u64)>,
    /// Answers of instances that arrived with another status.
    pub changed: u64,
}

/// What browsers of several origins got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorsSeen {
    /// Answers to their requests.
    pub answers: u64,
    /// Of them, those that no instance gave.
    pub from_cache: u64,
    /// Of them, those that were made for another origin.
    pub of_another: u64,
    /// Of them, those that do not say that they depend on the origin.
    pub without_vary: u64,
    /// Preflights.
    pub preflights: u64,
    /// Of them, those that were answered otherwise than by the application.
    pub wrong_preflights: u64,
    /// Of them, those that were answered without an instance.
    pub kept_preflights: u64,
}

/// A time at which an instance was to be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AbsenceSeen {
    /// From its first bad answer to its last request, in milliseconds.
    pub left_ms: f64,
    /// Requests that it got after it was to be left.
    pub late: u64,
    /// Whether it went on getting its share until the end.
    pub never_left: bool,
    /// From its first good answer to its next request, in milliseconds; `None` where neither came.
    pub returned_ms: Option<f64>,
    /// Requests that another instance got after this one was to be taken back and before it was, where those are many.
    pub missed: u64,
}

/// What became of uploads to a queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerSeen {
    /// Uploads tried.
    pub uploads: u64,
    /// Accepted into the queue.
    pub accepted: u64,
    /// Refused with 503 because it was full.
    pub refused: u64,
    /// Of those, without a word on when to try again.
    pub not_told_when: u64,
    /// Answered in another way.
    pub otherwise: u64,
    /// Accepted and never seen processed.
    pub never_processed: u64,
    /// Most that waited.
    pub most_waiting: u64,
    /// What waited at the last look.
    pub waiting_at_end: u64,
    /// What waited at the beginning of each second.
    pub waiting_by_second: Vec<u64>,
    /// Half were processed within this time, in milliseconds.
    pub p50_ms: Option<f64>,
    /// 95 % were.
    pub p95_ms: Option<f64>,
}

/// What a search for a capacity came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacitySeen {
    /// Its tag.
    pub tag: String,
    /// Instances that were up.
    pub instances: u64,
    /// The quantile that was limited.
    pub quantile: f64,
    /// Its limit in milliseconds.
    pub limit_ms: f64,
    /// Highest rate that was kept, in requests per second.
    pub kept: Option<f64>,
    /// Latency there, in milliseconds.
    pub kept_latency_ms: Option<f64>,
    /// Lowest rate above it that was refused.
    pub refused: Option<f64>,
    /// Lowest rate that could not be measured, where there was one.
    pub unmeasured: Option<f64>,
    /// What so many instances can serve by their own model, in requests per second; `None` where they have none.
    #[serde(default)]
    pub modelled: Option<f64>,
    /// By which factor a brief rung may be kept above what can be served for ever.
    #[serde(default)]
    pub leeway: f64,
    /// Whether the scaling has stopped here.
    pub stopped: bool,
    /// How this size stands by itself.
    #[serde(default)]
    pub size: SizeSeen,
    /// What was full when that rate was refused.
    pub reason: Option<Bottleneck>,
}

/// How the capacity of a number of instances stands by itself, whatever other numbers serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeSeen {
    /// As much as they can, as far as that is known.
    #[default]
    AsModelled,
    /// Less than they can.
    Below,
    /// More than they can: something else has answered.
    Beyond,
    /// More instances served more than in proportion, so it was held back here.
    Outgrown,
}

/// What was full when a rate was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bottleneck {
    /// Something that all instances share.
    Shared {
        /// Its name.
        name: String,
        /// Share of its time, between 0 and 1.
        busy: f64,
    },
    /// All instances.
    Instances {
        /// Mean share of their time.
        busy: f64,
    },
    /// One instance, while another had little to do.
    Uneven {
        /// Share of the time of the busiest.
        busiest: f64,
        /// Share of the time of the idlest.
        idlest: f64,
    },
    /// The CPU of the proxy.
    Proxy {
        /// Of one CPU.
        cpu: f64,
    },
    /// Nothing was full, and requests did not end well.
    Errors {
        /// Share of them.
        share: f64,
    },
    /// Nothing was full.
    Unexplained {
        /// Share of the time of the busiest instance.
        busy: f64,
    },
}

/// Client connections, and the backend connections that carried their requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultiplexingSeen {
    /// Client connections that were opened.
    pub clients: u64,
    /// Backend connections that carried a request.
    pub backend_connections: u64,
    /// Requests at the backends.
    pub requests: u64,
    /// Most requests inside each backend at the same instant, added up; no proxy of HTTP/1.1 can do with fewer connections.
    pub most_at_once: u64,
    /// Requests that half of the backend connections did not exceed.
    pub median_requests: u64,
    /// Client connections of which enough requests were sampled.
    pub sampled_clients: u64,
    /// Of them, those whose requests went over backend connections that carried nobody else's.
    pub pinned: u64,
    /// Client connections for each backend connection that are wanted.
    pub wanted: f64,
}

impl MultiplexingSeen {
    /// Client connections for each backend connection.
    pub fn ratio(&self) -> f64 {
        self.clients as f64 / self.backend_connections.max(1) as f64
    }
}
