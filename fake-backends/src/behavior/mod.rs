//! What a backend does with a request, as data: one small file per behaviour.
//!
//! Scenarios and the command line write a [`Script`], `server` asks it for a [`Reply`] to each request and performs that.
//! Every behaviour is a function of the request, its number and a seed; nothing here touches a socket or waits.

mod application;
mod barrier;
mod close;
mod distribution;
mod echo;
mod error;
mod flaw;
mod garbage;
mod hang;
mod informational;
mod misframe;
mod occasion;
mod occupied;
mod parts;
mod plan;
mod quantity;
mod reply;
mod reset;
mod respond;
mod script;
mod sequence;
mod slow;
mod sometimes;
mod streaming;
mod truncate;

pub(crate) use application::REQUEST_BODY_LIMIT;
pub use application::{Answer, Application, ApplicationPlan, Applications, Asked, Working};
pub use barrier::BarrierPlan;
pub use close::Close;
pub use distribution::{Distribution, Random};
pub use echo::{Echo, Seen};
pub use error::ErrorPlan;
pub use flaw::Flaw;
pub use garbage::Garbage;
pub use hang::{Hang, Place};
pub use informational::Informational;
pub use misframe::Misframe;
pub use occasion::{Occasion, Received};
pub use occupied::Occupied;
pub use parts::{BodySpec, FieldLine, Persistence, ResponseFraming, Status};
pub use plan::Plan;
pub use quantity::{BadQuantity, Rate, Share, Size, Span};
pub use reply::{Before, Cut, CutHow, CutPlace, Pauses, Reply, Source};
pub use reset::Reset;
pub use respond::Respond;
pub use script::{Accept, Connections, PathPattern, Route, Script};
pub use sequence::Sequence;
pub use slow::Slow;
pub use sometimes::Sometimes;
pub use streaming::Streaming;
pub use truncate::Truncate;
