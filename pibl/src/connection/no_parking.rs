//! The place of `parking` where the system has nothing to watch many sockets with: nobody is parked.

use std::rc::Rc;
use std::time::Duration;

use super::{Guest, Hall};
use crate::wire::Resting;

pub(super) struct Parking;

impl Parking {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) fn is_open(&self) -> bool {
        false
    }

    pub(super) fn park(&self, _resting: Resting, _guest: Guest, _patience: Duration) {}
}

pub(super) async fn watch_for_ever(_hall: Rc<Hall>) {}
