//! Parts of a drawing that tell their figures to whoever points at them or walks through them by keyboard.
//!
//! A figure returns them beside its drawing, in pixels; `figure` puts them over its SVG. A PNG has none.

use std::fmt::Write as _;

use plotters::prelude::*;

use super::charts::Chart;
use super::figure::escaped;

/// One part, as a rectangle in pixels, and what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    left: i32,
    top: i32,
    width: u32,
    height: u32,
    pub(super) says: String,
}

/// Upright parts of a chart from edge to edge, each from one value of the lower axis to another.
pub(super) fn upright<DB: DrawingBackend>(
    chart: &Chart<'_, DB>,
    parts: impl Iterator<Item = ((f64, f64), String)>,
) -> Vec<Spot> {
    let (across, upwards) = chart.plotting_area().get_pixel_range();
    let low = chart.y_range().start;
    let at = |x: f64| chart.backend_coord(&(x, low)).0.clamp(across.start, across.end);
    parts
        .map(|((from, to), says)| {
            let left = at(from);
            // What is narrower could not be met by a pointer.
            let width = at(to).abs_diff(left).max(3);
            Spot { left, top: upwards.start, width, height: upwards.end.abs_diff(upwards.start), says }
        })
        .collect()
}

/// The parts as elements of an SVG: a name for those who hear it, a tip for a pointer, one stop for the keyboard.
pub(super) fn elements(spots: &[Spot]) -> String {
    let mut text = String::from("<g class=\"spots\">");
    for (place, Spot { left, top, width, height, says }) in spots.iter().enumerate() {
        let (says, stop) = (escaped(says), if place == 0 { 0 } else { -1 });
        let _ = write!(
            text,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"none\" pointer-events=\"all\" \
             tabindex=\"{stop}\" role=\"img\" aria-label=\"{says}\"><title>{says}</title></rect>"
        );
    }
    text + "</g>"
}
