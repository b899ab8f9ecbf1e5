//! A raw reader and writer of HTTP/1.1 that keeps every byte in view and can be wrong on purpose.
//!
//! The backends read requests with it and the harness's client reads responses; both push bytes as they come, so it
//! works alike with blocking and asynchronous sockets. It never touches a socket, never reads a clock, and shares no code
//! with the proxy that this repository ships: a shared codec would hide a shared mistake.

mod body;
mod bytes;
mod head;
mod request;
mod response;
mod write;

pub use body::{BodyReader, Framing, Piece};
pub use bytes::WireBytes;
pub use head::{
    Field, HeadReader, Malformed, Version, fields_named, has_token, lines_of, split_field, value_of,
};
pub use request::{RequestEvent, RequestHead, RequestReader};
pub use response::{Ending, ResponseEvent, ResponseHead, ResponseReader};
pub(crate) use write::push_number;
pub use write::{LAST_CHUNK, push_chunk, push_field, push_request_line, push_status_line, reason_of};
