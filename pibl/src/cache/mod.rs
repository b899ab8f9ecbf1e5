//! What may be kept, until when, and where the bytes lie.
