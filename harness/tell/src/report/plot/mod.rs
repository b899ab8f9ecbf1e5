//! Plots: each drawn once as SVG and once as PNG, in both languages, and as SVG in the pages.
//!
//! `pages` writes the files, `html` asks for the drawings. A figure is taken from the record first (and is absent where the
//! record has nothing to show), then drawn on whatever it is given; signs and line styles carry what colours say.

mod canvas;
mod capacity;
mod charts;
mod expiry;
mod figure;
mod files;
mod fleet;
mod life;
mod over_time;
mod overlay;
mod rotation;
mod scale;
mod spectrum;
mod spots;

pub(super) use canvas::Look;
pub(super) use figure::{Figure, figures};
pub(super) use files::{write_all, write_figures};
pub(super) use overlay::Overlay;
