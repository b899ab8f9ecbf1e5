//! Parts of a drawing that tell their figures to whoever points at them or walks through them by keyboard.
//!
//! A figure returns them beside its drawing, in pixels; `figure` puts them over its SVG. A PNG has none.

use std::fmt::Write as _;

use plotters::prelude::*;

use super::canvas::Area;
use super::charts::Chart;
use super::figure::escaped;

/// What drawing a figure returns: what can be pointed at in it; the message is the backend's.
pub(super) type Told = Result<Vec<Spot>, String>;

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

/// The same over a whole area: what its panels tell of one time is one part.
pub(super) fn upright_across<DB: DrawingBackend>(
    area: &Area<'_, DB>,
    chart: &Chart<'_, DB>,
    parts: impl Iterator<Item = ((f64, f64), String)>,
) -> Vec<Spot> {
    let (top, height) = (area.get_base_pixel().1, area.dim_in_pixel().1);
    let across = |spot: Spot| Spot { top, height, ..spot };
    upright(chart, parts).into_iter().map(across).collect()
}

/// A part of an area, by its upper left corner and its size there.
pub(super) fn part_of<DB: DrawingBackend>(
    area: &Area<'_, DB>,
    (left, top): (i32, i32),
    (width, height): (i32, i32),
    says: String,
) -> Spot {
    let base = area.get_base_pixel();
    let size = |length: i32| u32::try_from(length).unwrap_or(0).max(3);
    Spot { left: base.0 + left, top: base.1 + top, width: size(width), height: size(height), says }
}

/// A square around a point of a chart that reaches so many pixels to each side.
pub(super) fn around<DB: DrawingBackend>(
    chart: &Chart<'_, DB>,
    point: (f64, f64),
    reach: i32,
    says: String,
) -> Spot {
    let (x, y) = chart.backend_coord(&point);
    let side = reach.unsigned_abs() * 2;
    Spot { left: x - reach, top: y - reach, width: side, height: side, says }
}

/// From where to where each of these places reaches: half-way to its neighbours, and to the ends. `places` ascend.
pub(super) fn half_way(places: &[f64], (low, high): (f64, f64)) -> impl Iterator<Item = (f64, f64)> + '_ {
    (0..places.len()).map(move |place| {
        let between = |a: usize, b: usize| f64::midpoint(places[a], places[b]);
        let from = if place == 0 { low } else { between(place - 1, place) };
        let to = if place + 1 == places.len() { high } else { between(place, place + 1) };
        (from, to)
    })
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
