//! The append-only record of everything that happened in a run.
//!
//! `conductor`, `traffic` and `proxy_under_test` write events, the writer puts them into `events.jsonl`, and
//! the checks and reports read them back. Nothing is ever changed or removed, and nothing is judged here.

mod beside;
mod conduct;
mod containment;
mod event;
mod fleet;
mod histogram;
mod interval_log;
mod manifest;
mod percentiles;
mod reader;
mod recorder;
mod run_folder;
mod rung;
mod secured;
mod step_problem;
mod tree;
mod watched;

pub use beside::{Beside, SourceFile, SourcePlace, SourceTree};
pub use conduct::{
    Adaptation, Because, BinaryBody, CutBy, FoundGone, HowLetGo, KeptOpen, LetGo, Look, NotAsked, Patience,
    PortGivenUp, Reconnected, Stuck, Trouble,
};
pub use containment::NotKept;
pub use event::{
    Anomaly, BodySeen, ConfigurationFile, ContentSeen, Cut, EngineCounters, Event, EventKind, Exchange,
    ExchangeEnd, HostNoise, LimitReached, LoadInterval, LogExcerpt, NOT_OVER, ProxyExit, Purpose,
    ResourceSample, ResponseSeen, WireBytes,
};
pub use fleet::{FleetDecision, FleetRun, FleetTick};
pub use histogram::{HIGHEST_NS, Histograms, Interval, LatencyHistogram, Measure, empty as empty_histogram};
pub use interval_log::{IntervalLog, read_intervals};
pub use manifest::{FileEntry, Manifest, ManifestFacts, hash_of_file};
pub use percentiles::percentile_text;
pub use reader::{Doubt, ReadProblem, Record, read, read_again};
pub use recorder::{Listener, Recorder};
pub use run_folder::{RunFolder, dated_folder, names};
pub use rung::{CapacityRung, PlaceUse, RungJudged};
pub use secured::{
    CertificateSeen, Handshake, HandshakeEnd, MisuseEnd, Misused, NoConnection, Offered, Second, Secured,
    TlsVersion,
};
pub use step_problem::StepProblem;
pub use tree::{files_beneath, hash_of_tree};
pub use watched::{Call, NotWatched, Watched};
