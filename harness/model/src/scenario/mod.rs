//! The YAML that people write – scenarios here, adapters next door – as written, every value with its place.
//!
//! `cli` reads files into it, `plan` resolves it. It checks shape and units; what a name refers to is looked up in
//! `plan`. Nothing here knows a proxy, and `written` alone opens files.

mod cases;
mod checks;
mod cloud;
mod file;
mod fleet;
mod load;
mod overrides;
mod problem;
mod steps;
mod values;
mod written;
mod yaml;

pub use cases::{CallersStep, OriginsStep, OverloadStep, UploadsStep, VotesStep};
pub use checks::{CheckFile, CheckMap, Severity};
pub use cloud::{DeliveriesStep, UsersStep};
pub use file::{BackendsFile, PortFile, ProxyFile, ScenarioFile};
pub use fleet::{FleetStep, InstancesFile, PolicyFile, StageFile};
pub use load::{ExecutorFile, LoadStep, MixFile, RateStageFile, VuStageFile};
pub use overrides::apply as apply_overrides;
pub use problem::{Forbidden, NameKind, Place, Problem, Shape, Slip, What, closest};
pub use steps::{
    BackendsStep, BatchesStep, CrashStep, ExchangeStep, FillStep, HandshakesStep, OverlapStep, OvertakeStep,
    ProbeStep, RepeatStep, RereadKeys, RereadStep, RestartStep, SerialStep, SlideStep, StepFile, TimeRange,
    Which,
};
pub use values::{is_folder_name, refusals};
pub use written::{Encoding, decoded, read, read_bytes};
pub use yaml::{find_key, outermost_keys, parse, place_of};
