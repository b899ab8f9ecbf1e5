//! What the tasks of a backend share: its world, its script, and its counters.
//!
//! `backend` makes it, connections use it, the handle reads its counters. Everything in it may be used from any thread;
//! none of it waits.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::behavior::{Applications, Random, Script};
use crate::clock::RunClock;
use crate::content::Secret;
use crate::journal::Journal;
use crate::platform::Network;

use super::manner::Manners;
use super::meeting::MeetingPoints;
use super::versions::Versions;
use super::workplaces::Workplaces;

/// What all backends of a run have in common. Clones are cheap and mean the same.
#[derive(Clone, Debug)]
pub struct World {
    /// Where sockets are made.
    pub network: Network,
    /// The clock of the run.
    pub clock: RunClock,
    /// What its answers are proven by.
    pub secret: Secret,
    /// What happened.
    pub journal: Journal,
    /// Where requests meet at barriers, whichever backend they reached.
    pub meeting_points: MeetingPoints,
    /// Places at which requests are worked on.
    pub workplaces: Workplaces,
    /// Versions of the content, the same at every backend.
    pub versions: Versions,
    /// How connections and bodies are treated, whatever the scripts say.
    pub manners: Manners,
    /// What clients put in front of every target; a backend takes a target that begins with it for the rest.
    pub target_prefix: Arc<str>,
    /// Programs that answer.
    pub applications: Arc<Applications>,
}

impl World {
    /// A world with an empty journal, without applications and without a secret.
    pub fn new(network: Network, clock: RunClock) -> World {
        World {
            network,
            clock,
            secret: Secret::NONE,
            journal: Journal::new(clock),
            meeting_points: MeetingPoints::default(),
            workplaces: Workplaces::default(),
            versions: Versions::default(),
            manners: Manners::default(),
            target_prefix: Arc::from(""),
            applications: Arc::default(),
        }
    }
}

/// A backend to be started.
#[derive(Clone, Debug)]
pub struct BackendSpec {
    /// Its name, in stamps and in the journal: letters, digits and the like.
    pub name: String,
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// What it does.
    pub script: Script,
    /// Seed of its random choices.
    pub seed: u64,
    /// What is written down.
    pub recording: Recording,
    /// Connections that the system holds until they are accepted.
    pub backlog: i32,
}

impl BackendSpec {
    /// A backend on a free port of 127.0.0.1 that follows this script and records everything.
    pub fn new(name: impl Into<String>, script: Script) -> BackendSpec {
        BackendSpec {
            name: name.into(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            script,
            seed: 0,
            recording: Recording::Full,
            backlog: 4096,
        }
    }
}

/// What a backend writes down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// Every connection and every request, in the journal.
    #[default]
    Full,
    /// Numbers only: for load that no journal should hold.
    Counting,
}

/// How a backend is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    /// Nobody listens: connecting is refused. Open connections are closed, as when a process is killed.
    Refuse,
    /// Connections are accepted and closed at once. Open ones are closed.
    Close,
    /// Connections are accepted and reset at once. Open ones are reset.
    Reset,
    /// Connections are accepted and never read, open ones never answered: a process that is stopped.
    Hang,
}

/// What a backend has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted.
    pub connections_total: u64,
    /// Connections open now.
    pub connections_open: u64,
    /// Requests whose head was complete, or refused.
    pub requests: u64,
    /// Requests answered as told, whatever that was; counted after the last byte, so a client may know of it earlier.
    pub answered: u64,
    /// Bytes of answers.
    pub response_bytes: u64,
    /// Bytes of bodies of requests.
    pub request_body_bytes: u64,
}

/// What the tasks of a backend share.
#[derive(Debug)]
pub(super) struct Shared {
    pub name: String,
    pub world: World,
    pub counters: Counters,
    seed: u64,
    counting: AtomicBool,
    script: RwLock<Arc<Loaded>>,
}

/// A script and how often each of its routes was taken.
#[derive(Debug)]
pub(super) struct Loaded {
    pub script: Script,
    pub needs_whole_bodies: bool,
    taken: Vec<AtomicU64>,
}

/// Counters behind [`Counts`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub connections_total: AtomicU64,
    pub connections_open: AtomicU64,
    pub requests: AtomicU64,
    pub answered: AtomicU64,
    pub response_bytes: AtomicU64,
    pub request_body_bytes: AtomicU64,
}

impl Shared {
    pub fn new(spec: &BackendSpec, world: World) -> Shared {
        // The name is mixed in, so that backends of one seed do not throw the same dice.
        let seed = spec.seed ^ xxhash_rust::xxh3::xxh3_64(spec.name.as_bytes());
        Shared {
            name: spec.name.clone(),
            world,
            counters: Counters::default(),
            seed,
            counting: AtomicBool::new(spec.recording == Recording::Counting),
            script: RwLock::new(Arc::new(Loaded::new(spec.script.clone()))),
        }
    }

    pub fn script(&self) -> Arc<Loaded> {
        Arc::clone(&self.script.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set_script(&self, script: Script) {
        *self.script.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Loaded::new(script));
    }

    pub fn set_recording(&self, recording: Recording) {
        self.counting.store(recording == Recording::Counting, Ordering::Relaxed);
    }

    pub fn is_counting(&self) -> bool {
        self.counting.load(Ordering::Relaxed)
    }

    /// The number of the next request.
    pub fn next_number(&self) -> u64 {
        self.counters.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The dice of one request: they depend on seed and number, not on what other requests do meanwhile.
    pub fn random_for(&self, number: u64) -> Random {
        Random::new(self.seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connections_total: read(&self.counters.connections_total),
            connections_open: read(&self.counters.connections_open),
            requests: read(&self.counters.requests),
            answered: read(&self.counters.answered),
            response_bytes: read(&self.counters.response_bytes),
            request_body_bytes: read(&self.counters.request_body_bytes),
        }
    }
}

impl Loaded {
    fn new(script: Script) -> Loaded {
        let taken = std::iter::repeat_with(AtomicU64::default).take(script.routes.len() + 1).collect();
        Loaded { needs_whole_bodies: script.needs_whole_bodies(), script, taken }
    }

    /// Takes a route; the how-manieth time that is.
    pub fn take_route(&self, position: usize) -> u64 {
        self.taken.get(position).map_or(1, |taken| taken.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
