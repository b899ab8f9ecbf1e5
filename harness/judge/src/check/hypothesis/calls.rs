//! What the watched repetition shows of a cause: calls that support it, calls that refute it, and the line that made them.

use fake_backends::clock::Moment;

use super::program::Program;
use crate::check::Cause;
use crate::check::grounds::Fact;
use harness_model::history::{Call, EventKind, Record, SourcePlace, Watched};

/// A queue of `listen` from which nobody was turned away in any run of a course pack.
const LONG_QUEUE: i64 = 100;

/// More calls than these tell a reader nothing.
const MOST_SHOWN: usize = 40;

/// The calls of a watched repetition, in their order.
pub(super) struct Calls<'a> {
    all: Vec<&'a Watched>,
    root: &'a str,
    /// When the first client was taken: what is opened before is a log.
    first: Moment,
}

/// What they say of a cause.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) supports: Vec<Fact>,
    pub(super) place: Option<SourcePlace>,
    pub(super) refuted: bool,
    /// A cause that fits better.
    pub(super) instead: Option<Cause>,
}

impl<'a> Calls<'a> {
    pub(super) fn of(record: &'a Record) -> Calls<'a> {
        let of_event = |event: &'a harness_model::history::Event| match &event.event {
            EventKind::Watched(watched) => Some(watched.as_ref()),
            _ => None,
        };
        let all: Vec<&Watched> = record.events.iter().filter_map(of_event).collect();
        let first =
            all.iter().filter(|one| one.call == Call::Accept).map(|one| one.at).min().unwrap_or_default();
        Calls { all, root: &record.beside.source.root, first }
    }

    /// The calls that a page shows: those on connections and files, once clients came.
    pub(super) fn shown(&self) -> Vec<Watched> {
        let sets_up = |one: &Watched| matches!(one.call, Call::Bind | Call::Listen | Call::SetOption);
        let shown = self.all.iter().filter(|one| one.at >= self.first && !sets_up(one));
        shown.take(MOST_SHOWN).map(|one| (*one).clone()).collect()
    }

    /// The calls of one check: all that set the program up, and of the others those from one moment to another.
    pub(super) fn between(&self, from: Moment, until: Moment) -> Calls<'a> {
        let sets_up =
            |one: &Watched| matches!(one.call, Call::Bind | Call::Listen | Call::SetOption | Call::Signal);
        let of_check = |one: &&'a Watched| sets_up(one) || (one.at >= from && one.at <= until);
        Calls { all: self.all.iter().copied().filter(of_check).collect(), root: self.root, first: self.first }
    }

    pub(super) fn ask(&self, cause: Cause, program: &Program<'_>) -> Seen {
        if self.all.is_empty() {
            return Seen::default();
        }
        match cause {
            Cause::BacklogTooShort => {
                let short = |watched: &&Watched| watched.figure.is_some_and(|queue| queue < LONG_QUEUE);
                let listens = || self.each(Call::Listen);
                Seen {
                    refuted: listens().next().is_some() && !listens().any(|one| short(&one)),
                    ..self.called(listens().filter(short))
                }
            }
            Cause::PortNotReusable => {
                let set = self
                    .each(Call::SetOption)
                    .any(|one| one.subject.contains("REUSE") && one.figure != Some(0));
                let mut seen = self.called(self.each(Call::Bind));
                if seen.supports.is_empty() {
                    return seen;
                }
                seen.refuted = set;
                seen.supports
                    .push(Fact::NeverCalled { call: Call::SetOption, subject: "SO_REUSEADDR".into() });
                seen
            }
            Cause::FirstReadOnly => {
                Seen { refuted: self.reads_on(), ..self.called(self.on("client", Call::Receive)) }
            }
            Cause::ChunksNotRead => self.called(self.on("client", Call::Receive)),
            Cause::NeverCloses => Seen {
                refuted: self
                    .on("client", Call::Close)
                    .chain(self.on("client", Call::Shutdown))
                    .next()
                    .is_some(),
                ..self.called(self.on("client", Call::Send))
            },
            Cause::UnlockedCounter => Seen { refuted: self.one_thread().is_some(), ..Seen::default() },
            Cause::StoredTogether => {
                let by_others = |one: &&Watched| {
                    self.files_written()
                        .any(|other| other.subject == one.subject && other.thread != one.thread)
                };
                let seen = self.called(self.files_written().filter(by_others));
                let renamed = |path: &str| self.each(Call::Rename).any(|one| one.subject.starts_with(path));
                let wrote = self.files_written().next().is_some();
                let apart = wrote && self.files_written().all(|one| renamed(&one.subject));
                Seen { refuted: apart && seen.supports.is_empty(), ..seen }
            }
            Cause::PassedOnIncompletely => self.called(self.on("backend", Call::Receive)),
            Cause::WaitsForClose => {
                let reads = || self.on("backend", Call::Receive);
                let ends = reads().filter(|one| one.figure == Some(0));
                Seen {
                    refuted: reads().next().is_some() && !reads().any(|one| one.figure == Some(0)),
                    ..self.called(ends)
                }
            }
            Cause::ServedOneByOne => {
                if self.one_thread().is_none() {
                    return Seen::default();
                }
                let mut seen = self.called(self.each(Call::Accept));
                seen.supports.push(Fact::NeverCalled { call: Call::Thread, subject: String::new() });
                seen
            }
            Cause::WrittenInPlace => {
                let renamed = |path: &str| self.each(Call::Rename).any(|one| one.subject.contains(path));
                let in_place = self.files_written().filter(|one| !renamed(&one.subject));
                let wrote = self.files_written().next().is_some();
                let seen = self.called(in_place);
                Seen { refuted: wrote && seen.supports.is_empty(), ..seen }
            }
            Cause::CacheInMemory | Cause::CacheElsewhere => {
                let outside =
                    |one: &&Watched| one.subject.starts_with('/') && !one.subject.starts_with(self.root);
                let elsewhere = self.called(self.files_written().filter(outside));
                if !elsewhere.supports.is_empty() {
                    return Seen { instead: Some(Cause::CacheElsewhere), ..elsewhere };
                }
                match self.files_written().next() {
                    None if cause == Cause::CacheInMemory => Seen {
                        supports: vec![Fact::NeverCalled { call: Call::OpenToWrite, subject: String::new() }],
                        ..Seen::default()
                    },
                    _ => Seen::default(),
                }
            }
            Cause::UnhandledEvent | Cause::BrokenPipe => {
                let broken = |one: &&Watched| {
                    one.error
                        .as_deref()
                        .is_some_and(|error| error.contains("EPIPE") || error.contains("BrokenPipe"))
                };
                let seen = self.called(self.each(Call::Send).filter(broken));
                let signalled = self.each(Call::Signal).any(|one| one.subject == "SIGPIPE");
                Seen {
                    instead: (signalled && cause == Cause::UnhandledEvent).then_some(Cause::BrokenPipe),
                    ..seen
                }
            }
            Cause::ExceptionUncaught => self.called(self.each(Call::Exception)),
            Cause::BackendErrorIgnored => self.called(
                self.each(Call::Connect)
                    .chain(self.on("backend", Call::Receive))
                    .filter(|one| one.error.as_deref().is_some_and(|error| error != "EINPROGRESS")),
            ),
            Cause::PortInSource => {
                self.called(self.each(Call::Bind)).only_where(program, &["port", "puerto"])
            }
            _ => Seen::default(),
        }
    }

    /// The lines that led to the calls that a cause is about, the most frequent ones first, each with those that called it.
    pub(super) fn ways(&self, cause: Cause) -> Vec<Vec<&'a SourcePlace>> {
        let calls: Vec<&'a Watched> = match cause {
            Cause::StatusNotLookedAt
            | Cause::DirectivesIgnored
            | Cause::PartOfAnswerStored
            | Cause::PartStored
            | Cause::StoredTogether
            | Cause::WrittenInPlace => self.files_written().collect(),
            Cause::KeysCollide
            | Cause::NamesOfFiles
            | Cause::MethodNotInKey
            | Cause::TtlNeverCompared
            | Cause::TtlMiscounted
            | Cause::HitRenewsEntry
            | Cause::ClockRestarted
            | Cause::NothingCached => self.files_written().chain(self.each(Call::OpenToRead)).collect(),
            Cause::StoredIncompletely | Cause::TreatedAsText => self
                .files_written()
                .chain(self.each(Call::OpenToRead))
                .chain(self.on("client", Call::Send))
                .collect(),
            Cause::PassedOnIncompletely | Cause::SharedState | Cause::WaitsForClose => {
                self.on("backend", Call::Receive).collect()
            }
            Cause::FirstReadOnly | Cause::ChunksNotRead => self.on("client", Call::Receive).collect(),
            Cause::RequestRebuilt => self.on("backend", Call::Send).collect(),
            Cause::AnswerRebuilt | Cause::BodilessIgnored | Cause::NeverCloses => {
                self.on("client", Call::Send).collect()
            }
            Cause::SentTwice
            | Cause::TurnTakenTwice
            | Cause::TurnPerConnection
            | Cause::UnlockedCounter
            | Cause::PartOfTheList
            | Cause::PickedAtRandom
            | Cause::ServedOneByOne
            | Cause::BackendErrorIgnored => self.each(Call::Connect).collect(),
            _ => Vec::new(),
        };
        let mut ways: Vec<(Vec<&'a SourcePlace>, usize)> = Vec::new();
        for one in calls {
            let way: Vec<&SourcePlace> = one.place.iter().chain(&one.callers).collect();
            match ways.iter_mut().find(|(known, _)| *known == way) {
                _ if way.is_empty() => {}
                Some((_, times)) => *times += 1,
                None => ways.push((way, 1)),
            }
        }
        ways.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        ways.into_iter().map(|(way, _)| way).collect()
    }

    /// The only thread that reads from clients, where it never had help.
    fn one_thread(&self) -> Option<u64> {
        if self.each(Call::Thread).chain(self.each(Call::Fork)).next().is_some() {
            return None;
        }
        let mut threads: Vec<u64> = self.on("client", Call::Receive).map(|one| one.thread).collect();
        threads.sort_unstable();
        threads.dedup();
        if let [only] = threads[..] { Some(only) } else { None }
    }

    /// Whether one line read more than once from a client before the program turned to a backend: then it stands in a loop.
    fn reads_on(&self) -> bool {
        let mut reads: Vec<(u64, &str, &SourcePlace)> = Vec::new();
        for one in &self.all {
            match one.call {
                Call::Accept | Call::Close | Call::Connect => {
                    reads.retain(|(thread, subject, _)| *thread != one.thread && *subject != one.subject);
                }
                Call::Receive if one.subject.starts_with("client") && one.figure.is_some_and(|n| n > 0) => {
                    let Some(place) = &one.place else { continue };
                    let read = (one.thread, one.subject.as_str(), place);
                    if reads.contains(&read) {
                        return true;
                    }
                    reads.push(read);
                }
                _ => {}
            }
        }
        false
    }

    fn each(&self, call: Call) -> impl Iterator<Item = &'a Watched> + use<'a, '_> {
        self.all.iter().copied().filter(move |one| one.call == call)
    }

    fn on(&self, side: &'static str, call: Call) -> impl Iterator<Item = &'a Watched> + use<'a, '_> {
        self.each(call).filter(move |one| one.subject.starts_with(side))
    }

    /// Files that were opened to be written once clients came: what is opened before is a log.
    fn files_written(&self) -> impl Iterator<Item = &'a Watched> + use<'a, '_> {
        let is_log = |path: &str| {
            path.to_lowercase().contains("log") || path.starts_with("/dev/") || path.starts_with("/proc/")
        };
        self.each(Call::OpenToWrite)
            .filter(move |one| one.at >= self.first && one.error.is_none() && !is_log(&one.subject))
    }

    /// The calls with a place, as one fact about the place that most of them come from.
    fn called(&self, calls: impl Iterator<Item = &'a Watched>) -> Seen {
        let mut by_place: Vec<(&'a Watched, u64)> = Vec::new();
        for one in calls {
            match by_place.iter_mut().find(|(known, _)| known.place == one.place) {
                Some((_, times)) => *times += 1,
                None => by_place.push((one, 1)),
            }
        }
        let Some((one, times)) =
            by_place.into_iter().max_by_key(|(one, times)| (one.place.is_some(), *times))
        else {
            return Seen::default();
        };
        // The number of a descriptor says nothing to a reader.
        let subject = match one.subject.split_once(' ') {
            Some((side @ ("client" | "backend"), _)) => side.to_owned(),
            _ => one
                .subject
                .strip_prefix(self.root)
                .map_or(one.subject.as_str(), |rest| rest.trim_start_matches('/'))
                .to_owned(),
        };
        let fact = Fact::Called {
            call: one.call,
            subject,
            figure: one.figure,
            error: one.error.clone(),
            times,
            place: one.place.clone(),
        };
        Seen { supports: vec![fact], place: one.place.clone(), ..Seen::default() }
    }
}

impl Seen {
    /// The place is named only where its line speaks of what is wrong: otherwise the constant that it uses is elsewhere.
    fn only_where(mut self, program: &Program<'_>, words: &[&str]) -> Seen {
        let speaks = |place: &SourcePlace| {
            program.lines.iter().any(|line| {
                line.file == place.file
                    && line.number == place.line
                    && words.iter().any(|word| line.text.contains(word))
                    && line.text.chars().any(|c| c.is_ascii_digit())
            })
        };
        self.place = self.place.filter(speaks);
        self
    }
}
