//! Bodies that prove themselves: content = f(key, version, size), with its identity and a checksum inside.
//!
//! Every backend of a run makes the same bytes for the same key, as three instances of one application would, and the
//! harness's client checks what it got without trusting anyone. Nothing here knows of HTTP; memory is constant.
//!
//! Two shapes. *Named*: `FB1 <kind> <size> <version> <length of key> <key> <seed>\n`, then the stream of that seed.
//! *Anonymous*, where the name does not fit: the seed itself (eight bytes, or sixteen hexadecimal digits in text), then
//! the stream; the client knows the key it asked for and makes the same bytes. The seed hashes key, version, size and
//! kind, and the secret of the run where one was drawn, so that nobody else can make an answer of its own; it is the checksum of
//! the name; the stream is determined by it, so each wrong byte is found at its offset.
//! Binary content has a NUL and a 0xFF right after that beginning, since those are what C programs stumble over.

mod damage;
mod generate;
mod name;
mod secret;
mod verify;

pub use damage::Damage;
pub use generate::{Content, Kind};
pub use secret::Secret;
pub use verify::{Identity, Verifier, verify};
