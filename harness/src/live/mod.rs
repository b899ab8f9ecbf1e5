//! The page of a run while it lasts, and of an old one: a server on loopback that reads run folders and nothing else.
//!
//! The command line starts it (`--live`, `harness live`) and tells it of run folders. What it shows is what lies on the disk, so a run
//! of this moment and one of last year take the same way. It holds no part of the record in common with the run, hands it nothing but
//! what a button asks (`Desk`), and gives way to it for every slice of CPU time.

mod door;
mod feed;
mod server;
mod shown;

pub use feed::{messages, saved_page, verdict};
pub use server::Server;
