//! A thread that looks at the proxy and at the host a few times a second while a run lasts.
//!
//! The conductor starts one per run, after the proxy, and takes a figure of the host's noise at the end of each step. What
//! is read from `/proc` takes milliseconds, so it must not be done on the thread that sends requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fake_backends::clock::Moment;

use super::pump::Pump;
use harness_model::history::{EventKind, HostNoise, Recorder};
use harness_platform::{NoiseSentinel, Timer};
use harness_run::proxy_under_test::ResourceProbe;
use harness_run::traffic::client::Strain;

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    watched: Arc<Mutex<Watched>>,
    recorder: Recorder,
    /// Told how busy the host is, so that a request on a busy one is given more time.
    strain: Strain,
}

/// The host, and what the program under test has to do with its being busy.
#[derive(Debug)]
struct Watched {
    sentinel: NoiseSentinel,
    own: OwnCpu,
}

/// The CPU time of the program under test between two figures of the host's noise.
#[derive(Debug)]
struct OwnCpu {
    cpus: f64,
    latest: Option<(Duration, Moment)>,
    before: Option<(Duration, Moment)>,
    share: Option<f64>,
}

impl OwnCpu {
    fn of(cpus: f64) -> OwnCpu {
        OwnCpu { cpus, latest: None, before: None, share: None }
    }

    fn saw(&mut self, cpu: Duration, at: Moment) {
        self.latest = Some((cpu, at));
    }

    /// Its share of the time of all CPUs since this was asked last; that of the time before where nothing was seen since.
    fn share(&mut self) -> Option<f64> {
        let (cpu, at) = self.latest?;
        if let Some((cpu_before, before)) = self.before
            && at > before
        {
            // One that was started again begins with nothing.
            let used = cpu.saturating_sub(cpu_before).as_secs_f64();
            self.share = Some((used / at.since(before).as_secs_f64() / self.cpus).min(1.0));
        }
        self.before = self.latest;
        self.share
    }
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
        let cpus = std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
        let sentinel = NoiseSentinel::start(recorder.clock())?;
        let watched = Arc::new(Mutex::new(Watched { sentinel, own: OwnCpu::of(cpus) }));
        let stop = Arc::new(AtomicBool::new(false));
        let told = strain.clone();
        let (stopped, shared, record) = (stop.clone(), watched.clone(), recorder.clone());
        let thread = std::thread::Builder::new().name("sampler".into()).spawn(move || {
            let mut tick = 0u32;
            while !stopped.load(Ordering::Relaxed) {
                pump.drain();
                if tick.is_multiple_of(RESOURCES_EVERY)
                    && let Some(sample) = probe.sample()
                {
                    let mut seen = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.own.saw(sample.cpu, record.clock().now());
                    drop(seen);
                    record.record(EventKind::Resources(sample));
                }
                if tick % NOISE_EVERY == NOISE_EVERY - 1 {
                    record_noise(&record, &shared, &told);
                }
                tick = tick.wrapping_add(1);
                Timer::block(TICK);
            }
        })?;
        Ok(Sampler { stop, thread: Some(thread), watched, recorder, strain })
    }

    /// Records how quiet the host was since the last time.
    pub(super) fn note_noise(&self) {
        record_noise(&self.recorder, &self.watched, &self.strain);
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

fn record_noise(recorder: &Recorder, watched: &Mutex<Watched>, strain: &Strain) {
    let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
    let noise = HostNoise { own_cpu: watched.own.share(), ..watched.sentinel.take().into() };
    drop(watched);
    if let Some(pressure) = noise.pressure_of_others() {
        strain.set(pressure);
    }
    recorder.record(EventKind::HostNoise(noise));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_waits_busily_makes_the_pressure_itself() {
        let at = |seconds: u64| Moment(seconds * 1_000_000_000);
        let mut own = OwnCpu::of(2.0);
        assert_eq!(own.share(), None);
        own.saw(Duration::from_secs(1), at(1));
        assert_eq!(own.share(), None, "since when?");
        own.saw(Duration::from_millis(2_800), at(2));
        assert_eq!(own.share(), Some(0.9), "1.8 of 2 CPUs");
        assert_eq!(own.share(), Some(0.9), "not seen again since");
        own.saw(Duration::ZERO, at(3));
        assert_eq!(own.share(), Some(0.0), "started again");
        let noise = HostNoise { cpu_pressure: Some(0.9), own_cpu: Some(0.8), ..HostNoise::default() };
        assert!(noise.pressure_of_others().is_some_and(|share| (share - 0.1).abs() < 1e-9));
    }
}
