//! What the program prints: a line for each request, lines of JSON for the journal, a summary at the end.
//!
//! `session` feeds it with attempts. What clients sent is escaped, so that no request can write to the terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::Complaint;
use fake_backends::behavior::Size;
use fake_backends::journal::{Attempt, Outcome};

/// Where attempts go.
pub(super) struct Output {
    print: bool,
    journal: Option<BufWriter<File>>,
    sums: BTreeMap<String, Sum>,
}

/// What is summed up for a backend.
#[derive(Default)]
struct Sum {
    requests: u64,
    response_bytes: u64,
    outcomes: BTreeMap<String, u64>,
}

impl Output {
    /// Opens the journal, where there is one, before anything starts.
    pub fn open(quiet: bool, journal: Option<&Path>) -> Result<Output, Complaint> {
        let open = |path: &Path| {
            let file = File::options().append(true).create(true).open(path);
            let explain =
                |error| Complaint::world(format!("could not open the journal {}: {error}", path.display()));
            file.map(BufWriter::new).map_err(explain)
        };
        Ok(Output { print: !quiet, journal: journal.map(open).transpose()?, sums: BTreeMap::new() })
    }

    /// Takes attempts until their senders are gone. Lines are flushed whenever there is nothing more to do.
    pub fn follow(mut self, attempts: &Receiver<Attempt>) -> io::Result<String> {
        loop {
            let attempt = match attempts.try_recv() {
                Ok(attempt) => attempt,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    self.flush()?;
                    match attempts.recv() {
                        Ok(attempt) => attempt,
                        Err(_) => break,
                    }
                }
            };
            self.take(&attempt)?;
        }
        self.flush()?;
        Ok(self.summary())
    }

    fn take(&mut self, attempt: &Attempt) -> io::Result<()> {
        let sum = self.sums.entry(attempt.backend.clone()).or_default();
        sum.requests += 1;
        sum.response_bytes += attempt.response_bytes;
        *sum.outcomes.entry(name_of(&attempt.outcome).to_owned()).or_default() += 1;
        if self.print {
            // A reader that has left (such as `head`) is no reason to stop serving.
            self.print = writeln!(io::stdout(), "{}", line_of(attempt)).is_ok();
        }
        if let Some(journal) = &mut self.journal {
            serde_json::to_writer(&mut *journal, attempt)?;
            journal.write_all(b"\n")?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.journal.as_mut().map_or(Ok(()), BufWriter::flush)
    }

    fn summary(&self) -> String {
        let mut text = String::new();
        for (backend, sum) in &self.sums {
            let outcomes: Vec<String> =
                sum.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
            // Writing into a string cannot fail.
            let _ = writeln!(
                text,
                "{backend}: {} requests ({}), {} sent",
                sum.requests,
                outcomes.join(", "),
                Size(sum.response_bytes)
            );
        }
        if text.is_empty() { "no request came\n".into() } else { text }
    }
}

fn line_of(attempt: &Attempt) -> String {
    let status = attempt.status.map_or("-".to_owned(), |status| status.to_string());
    let request = format!("{} {}", attempt.method, attempt.target);
    format!(
        "{:>14} {} #{} {} -> {status}, {} in, {} out, {:.1} ms, {}",
        attempt.arrived.to_string(),
        attempt.backend,
        attempt.number,
        request.escape_debug(),
        Size(attempt.body_bytes),
        Size(attempt.response_bytes),
        attempt.finished.since(attempt.arrived).as_secs_f64() * 1e3,
        name_of(&attempt.outcome),
    )
}

fn name_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Open => "open",
        Outcome::Answered => "answered",
        Outcome::AnsweredWrongly => "answered wrongly",
        Outcome::Refused => "closed without an answer",
        Outcome::Hung => "hung",
        Outcome::Reset => "reset",
        Outcome::Truncated => "truncated",
        Outcome::ClientLeft => "client left",
        Outcome::Malformed(_) => "malformed",
        Outcome::Stopped => "stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fake_backends::clock::Moment;

    #[test]
    fn a_line_cannot_write_to_the_terminal() {
        let mut attempt = Attempt::started("b1", 3, 1, Moment(0), Moment(1_500_000));
        attempt.method = "GET".into();
        attempt.target = "/\u{1b}[2J".into();
        attempt.finished = Moment(2_000_000);
        attempt.outcome = Outcome::ClientLeft;
        let line = line_of(&attempt);
        assert_eq!(line.trim(), r"1.500 ms b1 #3 GET /\u{1b}[2J -> -, 0B in, 0B out, 0.5 ms, client left");
    }
}
