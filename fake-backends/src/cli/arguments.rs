//! What can be typed: one subcommand per behaviour, and what all of them share.
//!
//! `session` asks it for backends to start. It checks what can be checked without touching the world.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::answer::{AnswerArguments, FlawName, PlaceArguments};
use super::{Complaint, file};
use fake_backends::behavior::{
    Accept, ApplicationPlan, BarrierPlan, Close, Connections, Distribution, Echo, ErrorPlan, FieldLine,
    Garbage, Hang, Informational, Misframe, Occupied, Plan, Rate, Reset, Script, Share, Size, Slow,
    Sometimes, Span, Status, Streaming, Truncate,
};
use fake_backends::server::BackendSpec;

/// Backends that behave, and misbehave, exactly as told.
///
/// Every answer names its backend and its number (X-Backend, X-Answer), bodies prove their own integrity, and each request
/// is printed as one line. Ends on Ctrl-C with a summary.
#[derive(Debug, Parser)]
#[command(name = "fake-backends", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// Where to listen; several give several backends (b1, b2, ...) that do the same. Port 0: any free port
    #[arg(long, value_name = "ADDRESS:PORT", global = true, default_value = "127.0.0.1:9001")]
    listen: Vec<SocketAddr>,
    /// Start the backends of a YAML file instead
    #[arg(long, value_name = "FILE", conflicts_with = "listen")]
    file: Option<PathBuf>,
    /// Allow addresses that other machines can reach
    #[arg(long, global = true)]
    pub allow_remote: bool,
    /// Do this only with a share of the requests, and answer the others as `respond` does
    #[arg(long, value_name = "SHARE", global = true)]
    probability: Option<Share>,
    /// Do this only with each n-th request, and answer the others as `respond` does
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u32).range(1..))]
    every: Option<u32>,
    /// Seed of random choices: the same seed chooses the same
    #[arg(long, value_name = "NUMBER", global = true, default_value_t = 0)]
    seed: u64,
    /// Do not print a line for each request
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Append each request to this file, as one line of JSON
    #[arg(long, value_name = "FILE", global = true)]
    pub journal: Option<PathBuf>,
    /// Let another program (`harness`, attached to a proxy) set scripts and read the journal, by HTTP at this address; the
    /// journal is then kept until the end
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub control: Option<SocketAddr>,
    #[command(subcommand)]
    behavior: Option<Behavior>,
}

const AFTER_HELP: &str = "\
Examples:
  fake-backends --listen 127.0.0.1:9001 echo
  fake-backends slow --delay 'lognormal(20ms,0.5)' --body 64KiB
  fake-backends error --status 503 --probability 10%
  fake-backends --listen 127.0.0.1:9001 --listen 127.0.0.1:9002 respond --body 'text 3KiB'
  fake-backends --file backends.yaml --journal requests.jsonl

Quantities have units: 500ms, 64KiB, 10%, 1MiB/s. Delays may vary: uniform(10ms,50ms), normal(20ms,5ms),
lognormal(20ms,0.5), exponential(20ms), pareto(10ms,1.5).

Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 could not listen or write, 2 bad command line or file.";

#[derive(Debug, Subcommand)]
enum Behavior {
    /// Answer with what was seen of the request, as JSON
    Echo,
    /// Answer with a status, fields and a body that proves itself
    Respond(AnswerArguments),
    /// Answer late, or slowly
    Slow {
        /// Time before the first byte
        #[arg(long, default_value = "1s")]
        delay: Distribution,
        /// Time between head and body
        #[arg(long, default_value = "0s")]
        body_delay: Distribution,
        /// Bytes of the body per second
        #[arg(long)]
        rate: Option<Rate>,
        #[command(flatten)]
        answer: AnswerArguments,
    },
    /// Work on a limited number of requests at a time; the others wait in line
    Occupied {
        /// Requests that are worked on at the same time
        #[arg(long, default_value_t = 4)]
        places: u32,
        /// How long each of them takes
        #[arg(long, default_value = "10ms")]
        service: Distribution,
        /// Most requests that wait; those beyond are answered with 503
        #[arg(long)]
        most_waiting: Option<u32>,
        #[command(flatten)]
        answer: AnswerArguments,
    },
    /// Answer with an error
    Error {
        /// Its status
        #[arg(long, default_value = "503")]
        status: Status,
        /// A field of it, "Name: value"; may be repeated
        #[arg(long)]
        field: Vec<FieldLine>,
    },
    /// Refuse connections: the port is taken and nobody listens
    Refuse,
    /// Read the request and close the connection without an answer
    Close,
    /// Never answer, or stop in the middle
    Hang {
        #[command(flatten)]
        place: PlaceArguments,
        /// Close after this time
        #[arg(long)]
        give_up_after: Option<Span>,
        #[command(flatten)]
        answer: AnswerArguments,
    },
    /// Reset the connection, before the answer or in the middle of it
    Reset {
        #[command(flatten)]
        place: PlaceArguments,
        #[command(flatten)]
        answer: AnswerArguments,
    },
    /// Announce more than is sent, and close
    Truncate {
        /// Bytes of the body that are sent; half of it where nothing is said
        #[arg(long)]
        after: Option<Size>,
        #[command(flatten)]
        answer: AnswerArguments,
    },
    /// Answer with bytes that are not HTTP
    Garbage {
        /// How many
        #[arg(long, default_value = "64B")]
        size: Size,
    },
    /// Send interim responses (1xx) before the answer
    Informational {
        /// Time after each of them
        #[arg(long, default_value = "0s")]
        gap: Span,
        #[command(flatten)]
        answer: AnswerArguments,
    },
    /// Answer with wrong framing
    Misframe {
        /// What is wrong
        #[arg(long, value_enum)]
        how: FlawName,
        #[command(flatten)]
        answer: AnswerArguments,
    },
    /// Send a body in pieces with pauses
    Streaming {
        /// Number of pieces
        #[arg(long, default_value_t = 10)]
        pieces: u32,
        /// Size of each
        #[arg(long, default_value = "1KiB")]
        size: Size,
        /// Pause after each
        #[arg(long, default_value = "100ms")]
        pause: Span,
    },
    /// Be a program with state: voting, tracking, event or plain
    Application {
        /// Which one
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(fake_backends::applications::NAMES.iter().map(|(name, what)| {
            clap::builder::PossibleValue::new(*name).help(*what)
        })))]
        name: String,
    },
    /// Hold requests until a number of them are inside at the same instant
    Barrier {
        /// How many
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
        /// How long the first of them waits at most
        #[arg(long, default_value = "5s")]
        deadline: Span,
        #[command(flatten)]
        answer: AnswerArguments,
    },
}

impl Arguments {
    /// The backends that are asked for.
    pub fn backends(&self) -> Result<Vec<BackendSpec>, Complaint> {
        let backends = match (&self.file, &self.behavior) {
            (Some(path), None) => file::read(path)?,
            (None, Some(behavior)) => {
                let script = self.script(behavior);
                if let Some(why) = script.never_broken_off() {
                    return Err(Complaint::request(format!("{why} (--body)")));
                }
                let named = |(number, listen): (usize, &SocketAddr)| BackendSpec {
                    listen: *listen,
                    seed: self.seed,
                    ..BackendSpec::new(format!("b{}", number + 1), script.clone())
                };
                self.listen.iter().enumerate().map(named).collect()
            }
            (Some(_), Some(_)) => {
                return Err(Complaint::request("a file says what its backends do; leave the behaviour out"));
            }
            (None, None) => {
                let way_out = "say `echo`, `respond`, `slow`, ... or `--file FILE`; `--help` lists them";
                return Err(Complaint::request(format!("no behaviour given: {way_out}")));
            }
        };
        if !self.allow_remote
            && let Some(open) = backends.iter().find(|backend| !backend.listen.ip().is_loopback())
        {
            let reason = "other machines can reach that; say --allow-remote if this is meant";
            return Err(Complaint::request(format!("{} listens on {}: {reason}", open.name, open.listen)));
        }
        if let Some(open) = self.control.filter(|open| !self.allow_remote && !open.ip().is_loopback()) {
            let reason = "other machines can reach that; say --allow-remote if this is meant";
            return Err(Complaint::request(format!("the control listens on {open}: {reason}")));
        }
        Ok(backends)
    }

    fn script(&self, behavior: &Behavior) -> Script {
        let plan = behavior.plan();
        let accept = if matches!(behavior, Behavior::Refuse) { Accept::Refuse } else { Accept::Serve };
        let plan = match (self.probability, self.every) {
            (None, None) => plan,
            (probability, every) => Plan::Sometimes(Sometimes {
                probability: probability.unwrap_or(Share(1.0)),
                every,
                plan: Box::new(plan),
                otherwise: Box::default(),
            }),
        };
        Script { connections: Connections { accept, ..Connections::default() }, ..Script::always(plan) }
    }
}

impl Behavior {
    fn plan(&self) -> Plan {
        match self {
            Behavior::Echo => Plan::Echo(Echo::default()),
            Behavior::Refuse | Behavior::Close => Plan::Close(Close {}),
            Behavior::Respond(answer) => answer.plan(),
            Behavior::Slow { delay, body_delay, rate, answer } => {
                Plan::Slow(Slow { delay: *delay, body_delay: *body_delay, rate: *rate, then: answer.boxed() })
            }
            Behavior::Occupied { places, service, most_waiting, answer } => Plan::Occupied(Occupied {
                places: *places,
                service: *service,
                shared: None,
                most_waiting: *most_waiting,
                then: answer.boxed(),
            }),
            Behavior::Error { status, field } => {
                Plan::Error(ErrorPlan { status: *status, fields: field.clone(), ..ErrorPlan::default() })
            }
            Behavior::Hang { place, give_up_after, answer } => {
                Plan::Hang(Hang { at: place.place(), give_up_after: *give_up_after, then: answer.boxed() })
            }
            Behavior::Reset { place, answer } => {
                Plan::Reset(Reset { at: place.place(), then: answer.boxed() })
            }
            Behavior::Truncate { after, answer } => {
                Plan::Truncate(Truncate { after: *after, then: answer.boxed() })
            }
            Behavior::Garbage { size } => Plan::Garbage(Garbage { size: *size, text: None }),
            Behavior::Informational { gap, answer } => Plan::Informational(Informational {
                gap: *gap,
                then: answer.boxed(),
                ..Informational::default()
            }),
            Behavior::Misframe { how, answer } => {
                Plan::Misframe(Misframe { how: how.flaw(), then: answer.boxed() })
            }
            Behavior::Streaming { pieces, size, pause } => {
                Plan::Streaming(Streaming { pieces: *pieces, size: *size, pause: *pause, framing: None })
            }
            Behavior::Application { name } => Plan::Application(ApplicationPlan { name: name.clone() }),
            Behavior::Barrier { count, deadline, answer } => {
                let name = "barrier".into();
                Plan::Barrier(BarrierPlan { count: *count, deadline: *deadline, name, then: answer.boxed() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(words: &str) -> Result<Vec<BackendSpec>, Complaint> {
        let words = std::iter::once("fake-backends").chain(words.split(' '));
        Arguments::try_parse_from(words).expect("arguments").backends()
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn several_addresses_make_several_backends() {
        let backends =
            parsed("--listen 127.0.0.1:1 --listen [::1]:2 slow --delay lognormal(20ms,0.5)").unwrap();
        let names: Vec<(&str, u16)> = backends.iter().map(|b| (b.name.as_str(), b.listen.port())).collect();
        assert_eq!(names, [("b1", 1), ("b2", 2)]);
    }

    #[test]
    fn options_may_follow_the_behaviour_and_make_it_occasional() {
        let backends = parsed("error --status 500 --probability 10% --listen 127.0.0.1:7").unwrap();
        let Plan::Sometimes(sometimes) = &backends[0].script.otherwise else { panic!("{backends:?}") };
        assert_eq!((sometimes.probability, backends[0].listen.port()), (Share(0.1), 7));
    }

    #[test]
    fn addresses_of_the_network_need_a_word_more() {
        let refused = parsed("--listen 0.0.0.0:80 echo").unwrap_err();
        assert!(refused.to_string().contains("--allow-remote") && refused.code == super::super::BAD_REQUEST);
        assert!(parsed("--listen 0.0.0.0:80 --allow-remote echo").is_ok());
    }
}
