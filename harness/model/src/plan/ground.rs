//! What every part of resolving stands on: the scenario's text for places, and what a proxy can be told.

use std::path::PathBuf;
use std::sync::Arc;

use serde_saphyr::Spanned;

use super::{Health, ProxySettings, SourceLine};
use crate::adapter::Adapter;
use crate::scenario::{Place, PortFile, ProxyFile, place_of};

/// A file's text and name, for places.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub file: PathBuf,
    pub text: Arc<str>,
}

impl Source {
    pub fn place<T>(&self, value: &Spanned<T>) -> Place {
        place_of(value.defined, &self.text, &self.file)
    }

    pub fn line(&self, place: &Place) -> SourceLine {
        let (line, column) = place.line_and_column();
        SourceLine { file: self.file.clone(), line, column, text: place.line_text() }
    }
}

/// What a proxy is told: a TTL that is a constant of the program takes the place of the scenario's, and one that it cannot
/// be told is rounded up.
pub(super) fn settings(file: &ProxyFile, adapter: &Adapter) -> ProxySettings {
    ProxySettings {
        ttl: adapter.capabilities.ttl_for(file.ttl.map(|ttl| ttl.0)),
        backends: file.backends.as_ref().map(|told| told.value),
        another_port: file.port == Some(PortFile::Another),
        default_port: file.port == Some(PortFile::Default),
        balance: file.balance,
        throttle: file.throttle.filter(|rate| *rate > 0),
        allow: file.allow.clone(),
        health: file.health.as_ref().map(|health| Health {
            path: health.path.clone(),
            interval: health.interval.0,
            failures: health.failures,
            successes: health.successes,
        }),
    }
}
