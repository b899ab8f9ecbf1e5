//! Ends a proxy that fills the disk.
//!
//! `launching` sets it on a proxy whose directory has a limit. It looks once a second and never removes anything.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::directory::WorkingDirectory;
use super::process::Process;
use super::subject::EventSink;
use harness_model::history::{Anomaly, EventKind, LimitReached};

/// Time between two looks; a disk takes a few hundred megabytes in that time.
const EVERY: Duration = Duration::from_secs(1);

/// Kills everything of the process once its directory holds more than `limit` bytes. Ends with the process.
pub(super) fn watch(process: &Arc<Process>, directory: &WorkingDirectory, limit: u64, sink: EventSink) {
    let (process, folders) = (Arc::downgrade(process), directory.folders());
    let look = move || until_it_ends(&process, &folders, limit, &sink);
    // Without a thread there is no guard of the disk; the limit on the length of each file remains.
    let _ = std::thread::Builder::new().name("disk-guard".into()).spawn(look);
}

fn until_it_ends(process: &Weak<Process>, folders: &[PathBuf], limit: u64, sink: &EventSink) {
    loop {
        std::thread::sleep(EVERY);
        let Some(living) = process.upgrade().filter(|process| process.guard().state().lives()) else {
            return;
        };
        let processes = living.guard().program_processes();
        drop(living);
        if harness_platform::disk_use(folders, &processes, limit) > limit {
            let what = format!("the proxy wrote more than {limit} bytes into its directory and was killed");
            sink(EventKind::Anomaly(Anomaly { what, exchange: None }));
            sink(EventKind::LimitReached(LimitReached::Written(limit)));
            if let Some(process) = process.upgrade() {
                process.guard().kill_all();
            }
            return;
        }
    }
}
