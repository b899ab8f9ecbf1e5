//! The steps of cloud cases, resolved.
//!
//! `conductor` hands them to `traffic` and `fleet`; checks read from them what was asked for.

use std::time::Duration;

use fake_backends::applications::CARELESS;
use serde::{Deserialize, Serialize};

use super::FleetPlan;
use super::duration_ns;
use crate::scenario::{DeliveriesStep, UsersStep};

/// Before and after a fleet step the proxy learns of its backends.
const AROUND_A_FLEET: Duration = Duration::from_millis(1_500);

/// A step of a cloud case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloudStep {
    /// Users with tokens ask for what is theirs.
    Users(Users),
    /// Orders are registered and looked for.
    Deliveries(Deliveries),
    /// Instances come and go under load.
    Fleet(FleetPlan),
}

/// Users with tokens ask for what is theirs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Users {
    /// How many.
    pub count: u32,
    /// Where they log in.
    pub login: String,
    /// Target, with `{kind}` and `{n}`.
    pub path: String,
    /// How often each kind is tried.
    pub rounds: u32,
    /// The kinds, by name.
    pub kinds: Vec<String>,
}

/// Orders are registered and looked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deliveries {
    /// Where the courier logs in.
    pub login: String,
    /// Where orders are registered.
    pub register: String,
    /// Where they are looked for with a token.
    pub look: Vec<String>,
    /// Where they are looked for without.
    pub look_openly: Vec<String>,
    /// How many.
    pub orders: u32,
    /// Time between two of them.
    #[serde(with = "duration_ns")]
    pub every: Duration,
    /// Time between two looks at a place.
    #[serde(with = "duration_ns")]
    pub look_every: Duration,
    /// How long in all.
    #[serde(with = "duration_ns")]
    pub duration: Duration,
    /// How long a token is good, where that is less than the step lasts.
    #[serde(default, with = "duration_ns::option")]
    pub lifetime: Option<Duration>,
}

impl Deliveries {
    /// What each order costs: the sum of all tells how many there are.
    pub const PRICE: f64 = 2.5;

    /// The identity of an order, in the form of a random UUID (RFC 9562 §5.4) that a run repeats.
    pub fn order_id(number: u32) -> String {
        format!("{number:08x}-0000-4000-8000-{number:012x}")
    }
}

impl CloudStep {
    /// From the step as written.
    pub fn of_users(written: &UsersStep) -> CloudStep {
        CloudStep::Users(Users {
            count: written.count.max(2),
            login: written.login.clone(),
            path: written.path.clone(),
            rounds: written.rounds.max(1),
            kinds: CARELESS.iter().map(|careless| careless.name.to_owned()).collect(),
        })
    }

    /// From the step as written.
    pub fn of_deliveries(written: &DeliveriesStep) -> CloudStep {
        CloudStep::Deliveries(Deliveries {
            login: written.login.clone(),
            register: written.register.clone(),
            look: written.look.clone(),
            look_openly: written.look_openly.clone(),
            orders: written.orders,
            every: written.every.0,
            look_every: written.look_every.0.max(Duration::from_millis(10)),
            duration: written.duration.0,
            lifetime: written.lifetime.map(|span| span.0),
        })
    }

    /// How long it takes, as far as the plan knows.
    pub fn estimated(&self) -> Duration {
        match self {
            CloudStep::Users(users) => {
                Duration::from_millis(10) * users.count * users.rounds * users.kinds.len() as u32
            }
            CloudStep::Deliveries(deliveries) => deliveries.duration,
            CloudStep::Fleet(fleet) => fleet.real_time() + AROUND_A_FLEET,
        }
    }

    /// Requests that it sends, where the plan knows.
    pub fn requests(&self) -> Option<u64> {
        match self {
            CloudStep::Users(users) => {
                Some(u64::from(users.count) * (1 + 2 * u64::from(users.rounds) * users.kinds.len() as u64))
            }
            CloudStep::Deliveries(_) | CloudStep::Fleet(_) => None,
        }
    }
}
