//! A run without a proxy: the load steps of a plan, straight at the first backend.
//!
//! `harness compare --sut direct` calls it for what everything else is measured against. It leaves the same folder as a run;
//! steps other than load are left out, since there is no proxy to do them with.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fake_backends::clock::RunClock;
use fake_backends::server::Recording;

use super::closing::RunProblem;
use super::interruption::Interruption;
use super::run::facts_of;
use super::setting::{Backends, RunNetwork, keep_apart};
use harness_model::adapter::RequestShape;
use harness_model::history::{EventKind, IntervalLog, Manifest, ManifestFacts, Recorder, RunFolder};
use harness_model::plan::{Plan, StepKind};
use harness_run::traffic::{Clients, Traffic, load};

/// Carries out the load steps of a plan at its first backend; the folder of the run.
///
/// # Errors
/// The record could not be kept, or a step not be carried out.
pub fn run_direct(plan: Plan, out: &Path, interruption: Interruption) -> Result<PathBuf, RunProblem> {
    let out = out.to_owned();
    // A thread of its own, because it enters the network of the run and stays there.
    let thread = std::thread::Builder::new().name("direct".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(RunProblem::Setting)?.block_on(measure(&plan, &out, &interruption))
    });
    thread.map_err(RunProblem::Setting)?.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

async fn measure(plan: &Plan, out: &Path, interruption: &Interruption) -> Result<PathBuf, RunProblem> {
    keep_apart(plan).map_err(RunProblem::Setting)?;
    let clock = RunClock::start();
    let folder = RunFolder::create(out, plan, clock).map_err(RunProblem::Folder)?;
    let path = folder.path().to_path_buf();
    let log = Mutex::new(IntervalLog::begin(folder.intervals, clock).map_err(RunProblem::Folder)?);
    let recorder = Recorder::begin(folder.events, clock).map_err(RunProblem::Setting)?;
    let network = RunNetwork::choose(&plan.adapter, false);
    network.network.enter().map_err(RunProblem::Setting)?;
    let backends =
        Backends::start(plan, network.network.clone(), clock, &recorder).map_err(RunProblem::Setting)?;
    backends.set_recording(Recording::Counting);
    let Some(address) = backends.addresses().first().and_then(|backend| backend.address.parse().ok()) else {
        return Err(RunProblem::Setting(std::io::Error::other("there is no backend to ask")));
    };
    let traffic = Traffic {
        clients: Clients::new(address, network.network.clone(), recorder.clone()).with(
            RequestShape::default(),
            backends.world.secret,
            None,
        ),
        journal: backends.world.journal.clone(),
        capabilities: plan.adapter.capabilities.clone(),
        seed: plan.seed,
        second_try: false,
    };
    for step in &plan.steps {
        let StepKind::Load(load) = &step.kind else { continue };
        recorder.enter_step(Some(step.index));
        recorder.record(EventKind::StepStarted);
        let result = tokio::select! {
            result = load::run(&traffic, step, load, &log, &|| None) => result,
            cause = interruption.wait() => {
                recorder.record(cause.event());
                break;
            }
        };
        recorder.record(EventKind::StepEnded { problem: result.err() });
    }
    let kept = |error| RunProblem::Record { path: path.clone(), error };
    log.lock().unwrap_or_else(PoisonError::into_inner).flush().map_err(kept)?;
    recorder.close().map_err(kept)?;
    let facts = ManifestFacts { seconds: clock.now().0 as f64 / 1e9, ..facts_of(plan, &[], clock, &network) };
    Manifest::write(&path, facts).map_err(kept)?;
    Ok(path)
}
