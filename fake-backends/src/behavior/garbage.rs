//! `garbage`: answers with bytes that are not HTTP, and closes.
//!
//! A proxy must make a 502 of it, and no cache may keep it. The bytes depend on the seed unless a text is given.

use serde::{Deserialize, Serialize};

use super::Occasion;
use super::parts::Persistence;
use super::quantity::Size;
use super::reply::Reply;

/// Longest garbage; more of it shows nothing more.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Settings of `garbage`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Garbage {
    /// How many bytes, at most 16 MiB.
    pub size: Size,
    /// This text instead of random bytes.
    pub text: Option<String>,
}

impl Default for Garbage {
    fn default() -> Self {
        Garbage { size: Size(64), text: None }
    }
}

impl Garbage {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let mut reply = Reply::bare(200);
        reply.persistence = Persistence::CloseSilently;
        reply.raw = Some(match &self.text {
            Some(text) => text.clone().into_bytes(),
            None => {
                // It is at most 16 MiB, so it fits. The first byte is none that HTTP could begin with.
                let size = self.size.0.min(LONGEST) as usize;
                (0..size)
                    .map(|at| if at == 0 { 0x80 } else { (occasion.random.next_u64() >> 56) as u8 })
                    .collect()
            }
        });
        reply
    }
}
