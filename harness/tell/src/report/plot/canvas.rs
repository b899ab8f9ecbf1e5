//! What every plot shares: fonts, palette, sizes, and the frame around the drawing.
//!
//! The figures of this module use it. The font is embedded, so that a plot looks the same on a machine without fonts.

use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, RGBColor, TextStyle, register_font};

/// The one family of all plots; SVG viewers replace it by their own.
const FAMILY: &str = "sans-serif";

static REGULAR: &[u8] = include_bytes!("../assets/DejaVuSans.subset.ttf");
static BOLD: &[u8] = include_bytes!("../assets/DejaVuSans-Bold.subset.ttf");

// The page's style sheet gives each of these its counterpart in the dark: change them together.
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
pub(super) const INK: RGBColor = RGBColor(0x1d, 0x21, 0x26);
pub(super) const SOFT: RGBColor = RGBColor(0x5f, 0x66, 0x6e);
pub(super) const GRID: RGBColor = RGBColor(0xe4, 0xe2, 0xdc);
pub(super) const BLUE: RGBColor = RGBColor(0x24, 0x57, 0xa6);
pub(super) const RED: RGBColor = RGBColor(0xb3, 0x26, 0x1e);
pub(super) const GREEN: RGBColor = RGBColor(0x1a, 0x7f, 0x4e);
pub(super) const AMBER: RGBColor = RGBColor(0x8a, 0x5a, 0x00);
pub(super) const BAND: RGBColor = RGBColor(0xdb, 0xe7, 0xf5);

/// An area to draw on, or a part of one.
pub(super) type Area<'a, DB> = DrawingArea<DB, Shift>;

/// What drawing returns; the message is the backend's.
pub(super) type Drawn = Result<(), String>;

/// The smallest letters of a plot, in units.
const SMALLEST: f64 = 12.0;
/// Height of a line over the size of its letters, as `plotters` has it.
const LINE: f64 = 1.24;

/// How large everything is and what is left out.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Look {
    /// Width and height in pixels.
    pub(in crate::report) size: (u32, u32),
    /// Pixels per unit: two for a sharp PNG.
    pub(in crate::report) unit: f64,
    /// Whether the title is drawn; pages have it as text.
    pub(in crate::report) titled: bool,
}

impl Look {
    /// An SVG file.
    pub(super) const FILE: Look = Look { size: (960, 540), unit: 1.0, titled: true };
    /// A PNG file.
    pub(super) const PICTURE: Look = Look { size: (1920, 1080), unit: 2.0, titled: true };
    /// In a page on a wide screen. No wider than the narrowest page that shows it: what is scaled down loses its letters first.
    pub(in crate::report) const WIDE: Look = Look { size: (640, 360), unit: 1.0, titled: false };
    /// In a page on a telephone.
    pub(in crate::report) const NARROW: Look = Look { size: (330, 340), unit: 1.0, titled: false };

    /// So many units in pixels.
    pub(super) fn px(&self, units: f64) -> i32 {
        (units * self.unit).round() as i32
    }

    /// Whether there is room for long labels.
    pub(super) fn roomy(&self) -> bool {
        f64::from(self.size.0) / self.unit >= 600.0
    }

    /// A text of this size in units, at least the smallest that can be read.
    pub(super) fn text<'a>(&self, units: f64, color: &'a RGBColor) -> TextStyle<'a> {
        TextStyle::from((FAMILY, self.letters(units))).color(color)
    }

    /// The same, bold.
    pub(super) fn bold<'a>(&self, units: f64, color: &'a RGBColor) -> TextStyle<'a> {
        TextStyle::from((FAMILY, self.letters(units), FontStyle::Bold)).color(color)
    }

    /// What `plotters` is to be told so that letters have this size: it takes the height of a line, and writes a 1.24th of it.
    fn letters(&self, units: f64) -> f64 {
        units.max(SMALLEST) * LINE * self.unit
    }

    /// A line of this width in units.
    pub(super) fn stroke(&self, color: RGBColor, units: f64) -> ShapeStyle {
        ShapeStyle {
            color: color.to_rgba(),
            filled: false,
            stroke_width: (units * self.unit).round().max(1.0) as u32,
        }
    }

    /// Fills the paper and writes the title; returns what is left to draw on, with a margin on the right so that the last
    /// label of an axis is not cut.
    pub(super) fn frame<DB: DrawingBackend>(
        &self,
        root: &Area<'_, DB>,
        title: &str,
    ) -> Result<DrawingArea<DB, Shift>, String> {
        register_fonts();
        root.fill(&PAPER).map_err(said)?;
        let mut inner = root.margin(self.px(10.0), self.px(8.0), self.px(8.0), 0);
        if self.titled {
            inner.draw_text(title, &self.bold(17.0, &INK), (self.px(8.0), self.px(4.0))).map_err(said)?;
            inner = inner.margin(self.px(34.0), 0, 0, 0);
        }
        Ok(inner)
    }
}

/// What a drawing backend says when it fails.
pub(super) fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Registers the embedded font under every style, once: a style that is not registered makes drawing fail.
pub(super) fn register_fonts() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        for (style, bytes) in [
            (FontStyle::Normal, REGULAR),
            (FontStyle::Oblique, REGULAR),
            (FontStyle::Italic, REGULAR),
            (FontStyle::Bold, BOLD),
        ] {
            // It is embedded and read by a test; were it unreadable, drawing would say so.
            let _ = register_font(FAMILY, style, bytes);
        }
    });
}

#[cfg(test)]
mod tests {
    use plotters::style::{FontStyle, register_font};

    #[test]
    fn the_embedded_fonts_are_fonts() {
        assert!(register_font("test", FontStyle::Normal, super::REGULAR).is_ok());
        assert!(register_font("test", FontStyle::Bold, super::BOLD).is_ok());
    }
}
