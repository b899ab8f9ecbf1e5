//! Marks that others report about one backend, and what they add up to.
//!
//! `exchange` reports what real requests met, the active checks what they found. Nothing is asked of the
//! network here, and time comes in as milliseconds.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::config::HealthSettings;

/// Whether a backend takes part in the rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It has its turns.
    #[default]
    InService,
    /// It failed too often in a row and is left out, but for single trials.
    Ejected,
}

impl std::fmt::Display for Standing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::InService => "in service",
            Self::Ejected => "ejected",
        })
    }
}

/// Each further ejection in a row doubles the time out, up to this many doublings.
const MOST_DOUBLINGS: u32 = 4;
const NO_TRIAL: u64 = u64::MAX;

/// What was reported about one backend.
#[derive(Debug)]
pub(super) struct Marks {
    counts: Mutex<Counts>,
    /// Nothing bad is remembered, so that the report of a success costs one load.
    is_clean: AtomicBool,
    /// When the next single request may try an ejected backend.
    trial_due: AtomicU64,
}

#[derive(Debug, Default)]
struct Counts {
    standing: Standing,
    failures_in_a_row: u32,
    /// Counted apart: a backend that says of itself that it is sick must not be kept by good traffic.
    failed_checks_in_a_row: u32,
    successes_in_a_row: u32,
    ejections_in_a_row: u32,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            counts: Mutex::default(),
            is_clean: AtomicBool::new(true),
            trial_due: AtomicU64::new(NO_TRIAL),
        }
    }
}

impl Marks {
    pub(super) fn is_clean(&self) -> bool {
        self.is_clean.load(Ordering::Relaxed)
    }

    pub(super) fn standing(&self) -> Standing {
        self.lock().standing
    }

    /// Takes the single trial that is due, if one is.
    pub(super) fn take_trial(&self, now_millis: u64) -> bool {
        let due = self.trial_due.load(Ordering::Relaxed);
        due <= now_millis
            && due != NO_TRIAL
            && self.trial_due.compare_exchange(due, NO_TRIAL, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    pub(super) fn give_trial_again(&self) {
        if self.lock().standing == Standing::Ejected {
            self.trial_due.store(0, Ordering::Release);
        }
    }

    /// A good answer. Returns whether the standing changed.
    pub(super) fn succeed(&self, settings: &HealthSettings, is_check: bool, now_millis: u64) -> bool {
        let mut counts = self.lock();
        match is_check {
            true => counts.failed_checks_in_a_row = 0,
            false => counts.failures_in_a_row = 0,
        }
        if counts.standing == Standing::InService {
            let is_clean = counts.failures_in_a_row == 0 && counts.failed_checks_in_a_row == 0;
            self.is_clean.store(is_clean, Ordering::Relaxed);
            return false;
        }
        // Where active checks are made, only they bring a backend back: they ask what the operator chose.
        if settings.path.is_some() && !is_check {
            return false;
        }
        counts.successes_in_a_row += 1;
        if counts.successes_in_a_row < settings.successes {
            if !is_check {
                self.trial_due.store(now_millis, Ordering::Release);
            }
            return false;
        }
        *counts = Counts::default();
        self.trial_due.store(NO_TRIAL, Ordering::Release);
        self.is_clean.store(true, Ordering::Relaxed);
        true
    }

    /// A failure. Returns whether the standing changed.
    pub(super) fn fail(&self, settings: &HealthSettings, is_check: bool, now_millis: u64) -> bool {
        let mut counts = self.lock();
        self.is_clean.store(false, Ordering::Relaxed);
        counts.successes_in_a_row = 0;
        let in_a_row = match is_check {
            true => &mut counts.failed_checks_in_a_row,
            false => &mut counts.failures_in_a_row,
        };
        *in_a_row = in_a_row.saturating_add(1);
        let is_too_often = *in_a_row >= settings.failures;
        let was_in_service = counts.standing == Standing::InService;
        if was_in_service && !is_too_often {
            return false;
        }
        if !is_check || was_in_service {
            let doublings = counts.ejections_in_a_row.min(MOST_DOUBLINGS);
            counts.ejections_in_a_row = counts.ejections_in_a_row.saturating_add(1);
            let pause = u64::try_from(settings.eject_for.as_millis()).unwrap_or(u64::MAX / 64) << doublings;
            let due = if settings.path.is_some() { NO_TRIAL } else { now_millis.saturating_add(pause) };
            self.trial_due.store(due, Ordering::Release);
        }
        counts.standing = Standing::Ejected;
        was_in_service
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
