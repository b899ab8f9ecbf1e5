//! Traffic that fills a proxy's cache while it is killed.
//!
//! The conductor starts it before a crash, kills the proxy, and stops it. Every client asks for one new key after the
//! other; an answer that the kill cuts short is what the step is for. It knows nothing of the process.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{FilledKey, Numbers, Request, Traffic, expand};
use harness_model::history::{ExchangeEnd, Purpose};
use harness_model::plan::CrashLoad;

/// A request that is under way when the proxy dies ends with it; one that does not is given up after this.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause of a client that finds no proxy any more.
const PAUSE: Duration = Duration::from_millis(5);

/// Most keys of a crash that are kept for reading them again.
const KEPT: usize = 256;

/// Clients that fill until they are stopped. Dropping them stops them at once.
#[derive(Debug)]
pub struct CrashTraffic {
    tasks: JoinSet<()>,
    stop: Arc<AtomicBool>,
    keys: Arc<Mutex<Vec<FilledKey>>>,
}

impl CrashTraffic {
    /// Starts the clients of a crash.
    pub fn start(traffic: &Traffic, cycle: u32, load: &CrashLoad) -> CrashTraffic {
        let (stop, keys) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let numbers = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..load.vus {
            let (clients, stop, keys) = (traffic.clients.clone(), stop.clone(), keys.clone());
            let (numbers, path) = (numbers.clone(), load.path.clone());
            tasks.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    let target = expand(&path, Numbers { n: number.into(), batch: 0, cycle });
                    let now = clients.clock().now();
                    let mut request = Request::get(Purpose::CrashLoad, number, target, now).in_group(cycle);
                    request.timeout = PATIENCE;
                    let exchange = clients.ask(&request).await;
                    if matches!(exchange.end, ExchangeEnd::NotConnected(_)) {
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                    keys.lock().unwrap_or_else(PoisonError::into_inner).push(FilledKey::of(&exchange));
                }
            });
        }
        CrashTraffic { tasks, stop, keys }
    }

    /// Lets every client finish what it is at, and returns the keys that the proxy was asked for, the last ones where they
    /// are many: what a crash tears is what was being written.
    pub async fn stop(mut self) -> Vec<FilledKey> {
        self.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        let mut keys = std::mem::take(&mut *self.keys.lock().unwrap_or_else(PoisonError::into_inner));
        keys.sort_by_key(|key| key.number);
        keys.split_off(keys.len().saturating_sub(KEPT))
    }
}
