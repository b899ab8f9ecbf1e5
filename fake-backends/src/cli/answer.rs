//! Options that several subcommands share: the answer, where it breaks off, what is wrong with it.
//!
//! `arguments` builds its subcommands from them. They are the words of scripts in the manner of a command line.

use clap::{Args, ValueEnum};

use fake_backends::behavior::{
    BodySpec, FieldLine, Flaw, Persistence, Place, Plan, Respond, ResponseFraming, Size, Status,
};

/// The answer of behaviours that have one.
#[derive(Debug, Args)]
pub(super) struct AnswerArguments {
    /// Its body: 1KiB (binary), 'text 3KiB' or empty
    #[arg(long, default_value = "1KiB")]
    body: BodySpec,
    /// This text as its body
    #[arg(long, conflicts_with = "body")]
    text: Option<String>,
    /// Its status
    #[arg(long, default_value = "200")]
    status: Status,
    /// A field of it, "Name: value"; may be repeated
    #[arg(long)]
    field: Vec<FieldLine>,
    /// Send it in chunks of this size
    #[arg(long, value_name = "SIZE")]
    chunked: Option<Size>,
    /// Mark its end by closing the connection
    #[arg(long, conflicts_with = "chunked")]
    until_close: bool,
    /// Close the connection after each answer
    #[arg(long)]
    close: bool,
    /// Send a Date
    #[arg(long)]
    date: bool,
}

/// Where an answer breaks off.
#[derive(Debug, Args)]
pub(super) struct PlaceArguments {
    /// After this much of the body
    #[arg(long, value_name = "SIZE")]
    after: Option<Size>,
    /// In the middle of the head
    #[arg(long, conflicts_with = "after")]
    in_head: bool,
}

/// A flaw by its name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FlawName {
    BadChunkSize,
    ChunkedAndLength,
    TwoLengths,
    LengthNoNumber,
    ExtraBytes,
    BodyToHead,
    BareLineFeeds,
    FoldedField,
    LineWithoutColon,
    NulInField,
    BadStatus,
}

impl AnswerArguments {
    /// As a plan.
    pub fn plan(&self) -> Plan {
        Plan::Respond(Respond {
            status: self.status,
            body: self.body,
            text: self.text.clone(),
            fields: self.field.clone(),
            framing: match self.chunked {
                Some(size) => ResponseFraming::Chunked(size),
                None if self.until_close => ResponseFraming::UntilClose,
                None => ResponseFraming::ContentLength,
            },
            date: self.date,
            persistence: if self.close { Persistence::Close } else { Persistence::KeepOpen },
            ..Respond::default()
        })
    }

    /// As what another plan holds.
    pub fn boxed(&self) -> Box<Plan> {
        Box::new(self.plan())
    }
}

impl PlaceArguments {
    /// As a plan says it.
    pub fn place(&self) -> Place {
        match self.after {
            Some(after) => Place::InBody(after),
            None if self.in_head => Place::InHead,
            None => Place::BeforeHead,
        }
    }
}

impl FlawName {
    /// As a plan says it.
    pub fn flaw(self) -> Flaw {
        match self {
            FlawName::BadChunkSize => Flaw::BadChunkSize,
            FlawName::ChunkedAndLength => Flaw::ChunkedAndLength,
            FlawName::TwoLengths => Flaw::TwoLengths,
            FlawName::LengthNoNumber => Flaw::LengthNoNumber,
            FlawName::ExtraBytes => Flaw::ExtraBytes(Size(16)),
            FlawName::BodyToHead => Flaw::BodyToHead,
            FlawName::BareLineFeeds => Flaw::BareLineFeeds,
            FlawName::FoldedField => Flaw::FoldedField,
            FlawName::LineWithoutColon => Flaw::LineWithoutColon,
            FlawName::NulInField => Flaw::NulInField,
            FlawName::BadStatus => Flaw::BadStatus,
        }
    }
}
