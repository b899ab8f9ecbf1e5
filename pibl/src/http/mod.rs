//! Bytes to messages and back: heads, bodies, hop-by-hop fields.
//!
//! `connection` reads requests through this module, `upstream` and `exchange` read responses.
//! It never knows of caches, backends or sockets.

pub mod body;
pub mod date;
pub mod encode;
pub mod fields;
mod guarded;
pub mod head;
pub mod hop_by_hop;
pub mod parse;
pub mod refusal;
mod target;

pub use body::{BodyDecoder, BodyFraming};
pub(crate) use body::{is_token, is_token_or_quoted};
pub use fields::{Fields, list_elements};
pub(crate) use guarded::{has_credentials, overrides};
pub use head::{Method, RequestHead, ResponseHead, Scheme, Version};
pub use parse::{BadResponse, HeadLimits, ReceivedRequest, ReceivedResponse};
pub use refusal::Refusal;
