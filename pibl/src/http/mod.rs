//! Bytes to messages and back: heads, bodies, hop-by-hop fields.
//!
//! `connection` reads requests through this room, `upstream` and `exchange` read responses.
//! It never knows of caches, backends or sockets.

pub mod fields;
pub mod head;

pub use fields::{Fields, list_elements};
pub use head::{Method, RequestHead, ResponseHead, Version};
