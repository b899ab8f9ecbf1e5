//! The plots as files: `plots/<name>.<language>.svg` and `.png`.
//!
//! `pages` calls it. A drawing that fails half-way leaves half a picture, so each goes to a temporary file first and is
//! renamed when it is whole.

use std::io;
use std::path::{Path, PathBuf};

use plotters::prelude::*;

use super::canvas::Look;
use super::{Figure, figures};
use crate::language::Language;
use crate::report::Source;
use crate::report::pages::{ReportError, write};

/// The plots of a run as files.
#[derive(Debug, Default)]
pub(in crate::report) struct Plots {
    /// In the order of the report.
    pub(in crate::report) files: Vec<PathBuf>,
    /// Those that could not be drawn, and why.
    pub(in crate::report) problems: Vec<String>,
}

/// Writes every plot of a run. What an earlier drawing left there and
/// this one has no figure for is removed.
pub(in crate::report) fn write_all(folder: &Path, source: &Source<'_>) -> Result<Plots, ReportError> {
    write_figures(folder, &figures(source))
}

/// Writes these figures, in place of what was there.
pub(in crate::report) fn write_figures(folder: &Path, figures: &[Figure]) -> Result<Plots, ReportError> {
    let in_folder = |error: io::Error| ReportError::File { path: folder.to_owned(), error };
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(in_folder)?;
    }
    if figures.is_empty() {
        return Ok(Plots::default());
    }
    std::fs::create_dir_all(folder).map_err(in_folder)?;
    let mut plots = Plots::default();
    for figure in figures {
        for language in Language::ALL {
            let name = format!("{}.{}", figure.name(), language.code());
            match figure.svg(Look::FILE, language) {
                Ok(svg) => plots.files.push(write(folder, &format!("{name}.svg"), svg.as_bytes())?),
                Err(why) => plots.problems.push(format!("{name}.svg: {why}")),
            }
            match picture(figure, folder, &name, language) {
                Ok(path) => plots.files.push(path),
                Err(why) => plots.problems.push(format!("{name}.png: {why}")),
            }
        }
    }
    Ok(plots)
}

fn picture(figure: &Figure, folder: &Path, name: &str, language: Language) -> Result<PathBuf, String> {
    let path = folder.join(format!("{name}.png"));
    // The encoder goes by the extension.
    let temporary = folder.join(format!(".{name}.drawing.png"));
    let draw = || {
        let root = BitMapBackend::new(&temporary, Look::PICTURE.size).into_drawing_area();
        figure.draw(&root, Look::PICTURE, language)
    };
    let drawn = draw().and_then(|_| std::fs::rename(&temporary, &path).map_err(|error| error.to_string()));
    if drawn.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    drawn.map(|()| path)
}
