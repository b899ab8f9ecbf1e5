//! The runs that a server shows: their folders, and which of them is over.
//!
//! The command line adds them, the threads that tell of them look here. A run that is not over may still write.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use harness_model::plan::Plan;
use harness_tell::language::Language;
use harness_tell::report::live::Message;

/// A run folder that is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) folder: PathBuf,
    pub(super) plan: Plan,
    /// Whether it lasted when it was added.
    pub(super) lasts: bool,
    over: AtomicBool,
    /// What its verdict is, in the order of [`Language::ALL`], where somebody has said it.
    verdict: OnceLock<[Vec<Message>; 2]>,
}

impl Shown {
    pub(super) fn new(folder: PathBuf, plan: Plan, lasts: bool) -> Shown {
        Shown { folder, plan, lasts, over: AtomicBool::new(!lasts), verdict: OnceLock::new() }
    }

    /// What its verdict is, where somebody has said it.
    pub(super) fn verdict(&self, language: Language) -> Option<&[Message]> {
        let place = Language::ALL.iter().position(|known| *known == language)?;
        Some(&self.verdict.get()?[place])
    }

    /// Whether everything that it will ever write is on the disk.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

/// All of them, numbered from one.
#[derive(Debug, Default)]
pub(super) struct Book {
    runs: RwLock<Vec<Arc<Shown>>>,
    closed: AtomicBool,
    /// Browsers that did not read what they were sent, and were left behind.
    pub(super) left_behind: AtomicUsize,
    /// Browsers that are being told.
    pub(super) told: AtomicUsize,
}

impl Book {
    pub(super) fn add(&self, shown: Shown) {
        self.runs.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(shown));
    }

    pub(super) fn newest(&self) -> usize {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn get(&self, number: usize) -> Option<Arc<Shown>> {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        number.checked_sub(1).and_then(|place| runs.get(place).cloned())
    }

    /// Whether any of them may still write.
    pub(super) fn any_lasts(&self) -> bool {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        runs.iter().any(|run| !run.is_over())
    }

    /// The run of this folder writes no more.
    pub(super) fn is_over(&self, folder: &Path, verdict: Option<[Vec<Message>; 2]>) {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        let Some(run) = runs.iter().find(|run| run.folder == folder) else { return };
        if let Some(verdict) = verdict {
            // Said once; a second time is the same.
            let _ = run.verdict.set(verdict);
        }
        run.over.store(true, Ordering::Release);
    }

    /// There will be no other run.
    pub(super) fn close(&self) {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        runs.iter().for_each(|run| run.over.store(true, Ordering::Release));
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
