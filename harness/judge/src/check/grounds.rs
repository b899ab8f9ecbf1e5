//! What a cause rests on: the facts that support it and the line of the program that it names.
//!
//! `hypothesis` makes them, pages show them. They are facts; their sentences are made in the module `language`.

use harness_model::history::{Call, SourcePlace, Watched};
use harness_model::plan::Change;
use serde::{Deserialize, Serialize};

use crate::last_words::Spoke;

/// What a cause rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grounds {
    /// What speaks for it, the strongest first.
    pub supports: Vec<Fact>,
    /// The line that it names, and how that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Named>,
    /// Whether the failure showed again while the program was watched; `None`: it was not watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<bool>,
    /// What the program did while it failed again, as far as it is shown: the calls of that time, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Watched>,
    /// The small change that would mend it, where its cause has one; a proposal, which nobody is told before it was tried.
    #[serde(skip)]
    pub change: Option<Change>,
    /// A change that was tried in the private copy, and what the check came to with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
}

/// A change that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// What was changed.
    pub change: Change,
    /// Whether the check passes with it; `None`: it could not be asked, or stayed open.
    pub passes: Option<bool>,
}

/// A line of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Where.
    pub place: SourcePlace,
    /// How it was found.
    pub basis: Basis,
    /// The line and some around it, each with its number.
    pub code: Vec<(u32, String)>,
}

/// How a line was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The program itself printed it when it failed.
    Printed,
    /// The program was watched while it failed.
    Watched,
    /// It was looked for in the source, by what such a mistake looks like: to be looked at, not proven.
    Read,
    /// It was changed in a copy of the program, and the check passed.
    Tried,
}

/// Something that speaks for a cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fact")]
pub enum Fact {
    /// The program printed these last words while the requests of the failure were open.
    Said {
        /// What kind of words.
        kind: Spoke,
        /// What they say.
        what: String,
        /// How often.
        times: u64,
        /// Where they come from, where the program names it.
        place: Option<SourcePlace>,
    },
    /// A signal ended the process.
    EndedBySignal {
        /// Its number.
        signal: i32,
    },
    /// Connections waited for the system to take them.
    NotTaken {
        /// How many.
        connections: u64,
        /// How long the first of them waited, in ms.
        waited_ms: f64,
    },
    /// A call that was seen while the program was watched.
    Called {
        /// Which.
        call: Call,
        /// On what.
        subject: String,
        /// Its figure.
        figure: Option<i64>,
        /// Its error.
        error: Option<String>,
        /// How often.
        times: u64,
        /// Where in the source.
        place: Option<SourcePlace>,
    },
    /// A call that was looked for and never made while the program was watched.
    NeverCalled {
        /// Which.
        call: Call,
        /// On what.
        subject: String,
    },
}
