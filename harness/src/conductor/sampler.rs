//! A thread that looks at the proxy and at the host a few times a second while a run lasts.
//!
//! The conductor starts one per run, after the proxy, and takes a figure of the host's noise at the end of each step. What
//! is read from `/proc` takes milliseconds, so it must not be done on the thread that sends requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::pump::Pump;
use harness_model::history::{EventKind, HostNoise, Recorder};
use harness_platform::{Noise, NoiseSentinel, Timer};
use harness_run::proxy_under_test::ResourceProbe;
use harness_run::traffic::client::Strain;

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    sentinel: Arc<Mutex<NoiseSentinel>>,
    recorder: Recorder,
    /// Told how busy the host is, so that a request on a busy one is given more time.
    strain: Strain,
}

const TICK: Duration = Duration::from_millis(50);
/// Resources are read every fourth tick.
const RESOURCES_EVERY: u32 = 4;
/// The host's noise is read every twentieth, and at the end of each step.
const NOISE_EVERY: u32 = 20;

impl Sampler {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread can be started.
    pub(super) fn start(
        recorder: Recorder,
        probe: ResourceProbe,
        pump: Arc<Pump>,
        strain: Strain,
    ) -> std::io::Result<Sampler> {
        let sentinel = Arc::new(Mutex::new(NoiseSentinel::start(recorder.clock())?));
        let stop = Arc::new(AtomicBool::new(false));
        let told = strain.clone();
        let (stopped, shared, record) = (stop.clone(), sentinel.clone(), recorder.clone());
        let thread = std::thread::Builder::new().name("sampler".into()).spawn(move || {
            let mut tick = 0u32;
            while !stopped.load(Ordering::Relaxed) {
                pump.drain();
                if tick.is_multiple_of(RESOURCES_EVERY)
                    && let Some(sample) = probe.sample()
                {
                    record.record(EventKind::Resources(sample));
                }
                if tick % NOISE_EVERY == NOISE_EVERY - 1 {
                    record_noise(&record, &shared, &told);
                }
                tick = tick.wrapping_add(1);
                Timer::block(TICK);
            }
        })?;
        Ok(Sampler { stop, thread: Some(thread), sentinel, recorder, strain })
    }

    /// Records how quiet the host was since the last time.
    pub(super) fn note_noise(&self) {
        record_noise(&self.recorder, &self.sentinel, &self.strain);
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within a tick; its panic, if any, has been printed and concerns no verdict.
            let _ = thread.join();
        }
    }
}

fn record_noise(recorder: &Recorder, sentinel: &Mutex<NoiseSentinel>, strain: &Strain) {
    let Noise { worst_overshoot, p99_overshoot, steal, cpu_pressure } =
        sentinel.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(pressure) = cpu_pressure {
        strain.set(pressure);
    }
    recorder.record(EventKind::HostNoise(HostNoise { worst_overshoot, p99_overshoot, steal, cpu_pressure }));
}
