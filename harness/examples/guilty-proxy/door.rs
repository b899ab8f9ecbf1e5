//! Who may come in, and how often: a list of addresses, and a bucket of tokens for each of them.
//!
//! The server asks once for each request. What a defect makes of it is said in `defects::admission`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::defects::{Defect, admission};
use crate::http::Message;

/// The door.
pub struct Door {
    throttle: Option<u32>,
    allow: Vec<IpAddr>,
    defect: Defect,
    /// Tokens that are left, and when that was counted.
    buckets: Mutex<HashMap<IpAddr, (f64, Duration)>>,
}

impl Door {
    /// A door that lets these in; everybody where there are none.
    pub fn new(throttle: Option<u32>, allow: Vec<IpAddr>, defect: Defect) -> Door {
        Door { throttle, allow, defect, buckets: Mutex::default() }
    }

    /// The refusal of a request from an address, where it is refused.
    pub fn refusal(&self, address: IpAddr) -> Option<Message> {
        let listed = self.allow.is_empty() || self.allow.contains(&address);
        if !listed && !admission::lets_everybody_in(self.defect) {
            return Some(Message::own(403, "Forbidden"));
        }
        let rate = f64::from(self.throttle?);
        let now = clock::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let most = (rate / 10.0).max(1.0);
        let (tokens, counted) =
            buckets.entry(admission::bucket_of(self.defect, address)).or_insert((most, now));
        *tokens = (*tokens + now.saturating_sub(*counted).as_secs_f64() * rate).min(most);
        *counted = now;
        if *tokens >= 1.0 {
            *tokens -= 1.0;
            return None;
        }
        let mut refusal = Message::own(429, "Too Many Requests");
        refusal.fields.push(("Retry-After".to_owned(), "1".to_owned()));
        Some(refusal)
    }
}
