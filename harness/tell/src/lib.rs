//! Every word and every page that a reader sees: sentences in two languages (`language`), and the terminal, HTML, JSON, JUnit,
//! Markdown and plots made with them (`report`).
//!
//! Typed facts in, text out; the same facts give the same bytes.

pub mod language;
pub mod report;
