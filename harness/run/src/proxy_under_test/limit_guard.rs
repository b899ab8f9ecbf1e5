//! Ends a program that takes more of disk or memory than it may, and records why one has ended that did.
//!
//! `launching` and `preparing` set it on whatever they start. A disk of its own says by itself whether it is full; where there is none
//! what lies in its folders is counted, once a second. Nothing is ever removed here.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::process::Process;
use super::subject::EventSink;
use harness_model::history::{Anomaly, EventKind, LimitReached};
use harness_platform::{ControlGroup, OwnDisk};

/// Time between two looks at all that lies in its folders; a disk takes a few hundred megabytes in that time.
const EVERY: Duration = Duration::from_secs(1);
/// Time between two looks at a disk of its own, which cost nothing.
const OWN_EVERY: Duration = Duration::from_millis(100);

/// The limits of one launch, or of one command of a build.
#[derive(Debug)]
pub(super) struct LimitGuard {
    folders: Vec<PathBuf>,
    disk: Option<Arc<OwnDisk>>,
    written: Option<u64>,
    group: Option<Arc<ControlGroup>>,
    memory: Option<u64>,
    /// Processes that the kernel had ended for their memory before.
    killed_before: u64,
    told: AtomicBool,
}

impl LimitGuard {
    /// For something that is about to start: what it writes into, the disk of its own that these lie on, and what it may write; its
    /// control group, and the memory that all in it may take.
    pub(super) fn new(
        (folders, disk, written): (Vec<PathBuf>, Option<Arc<OwnDisk>>, Option<u64>),
        (group, memory): (Option<Arc<ControlGroup>>, Option<u64>),
    ) -> Arc<LimitGuard> {
        let killed_before = group.as_ref().map_or(0, |group| group.killed_for_memory());
        let told = AtomicBool::new(false);
        Arc::new(LimitGuard { folders, disk, written, group, memory, killed_before, told })
    }

    /// Kills everything of the process once it has taken more than it may. Ends with the process.
    pub(super) fn watch(self: &Arc<Self>, process: &Arc<Process>, sink: EventSink) {
        let Some(written) = self.written else { return };
        let (guard, process) = (self.clone(), Arc::downgrade(process));
        // Without a thread nobody looks; what the kernel limits by itself remains.
        let look = move || guard.until_it_ends(&process, written, &sink);
        let _ = std::thread::Builder::new().name("limit-guard".into()).spawn(look);
    }

    /// Records why it has ended, if by a limit, and nobody has said so yet.
    pub(super) fn at_the_end(&self, sink: &EventSink) {
        let killed = self.group.as_ref().map_or(0, |group| group.killed_for_memory()) - self.killed_before;
        if killed > 0 {
            self.record(LimitReached::Memory, sink);
        } else if let (Some(written), true) =
            (self.written, self.disk.as_ref().is_some_and(|disk| disk.is_full()))
        {
            self.record(LimitReached::Written(written), sink);
        }
    }

    fn until_it_ends(&self, process: &Weak<Process>, written: u64, sink: &EventSink) {
        loop {
            std::thread::sleep(if self.disk.is_some() { OWN_EVERY } else { EVERY });
            let Some(living) = process.upgrade().filter(|process| process.guard().state().lives()) else {
                return;
            };
            let reached = match &self.disk {
                Some(disk) if disk.is_full() => Some(LimitReached::Written(written)),
                // What lies on its disk is memory as well, and the group allows for both.
                Some(_) => self.private_memory_is_used_up().then_some(LimitReached::Memory),
                None => {
                    let processes = living.guard().program_processes();
                    let used = harness_platform::disk_use(&self.folders, &processes, written);
                    (used > written).then_some(LimitReached::Written(written))
                }
            };
            drop(living);
            if let Some(reached) = reached {
                self.record(reached, sink);
                if let Some(process) = process.upgrade() {
                    process.guard().kill_all();
                }
                return;
            }
        }
    }

    fn private_memory_is_used_up(&self) -> bool {
        let used = self.group.as_ref().and_then(|group| group.private_bytes());
        used.zip(self.memory).is_some_and(|(used, most)| used > most)
    }

    fn record(&self, reached: LimitReached, sink: &EventSink) {
        if self.told.swap(true, Ordering::SeqCst) {
            return;
        }
        let what = match reached {
            LimitReached::Written(most) => {
                format!("the proxy wrote more than {most} bytes into its directory and was ended")
            }
            LimitReached::Memory => {
                "the proxy used up the memory that it is allowed and was ended".to_owned()
            }
        };
        sink(EventKind::Anomaly(Anomaly { what, exchange: None }));
        sink(EventKind::LimitReached(reached));
    }
}
