//! The command line: flags in, exit code out.
//!
//! `main` calls [`run`] and nothing else. What goes wrong is said on stderr with a way out; stdout belongs
//! to the exchange log.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;

use crate::config::{self, Config, Flags};
use crate::exchange::Services;
use crate::handover::{self, Sockets};
use crate::run::{Ending, Listeners};
use crate::shutdown::{self, Signals};
use crate::{admin, platform};

/// What a caller of the program learns from its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Asked to end and ended, or the configuration checked is valid.
    Success = 0,
    /// The world is in the way: a port in use, a directory that cannot be written.
    Runtime = 1,
    /// The command line or the configuration file is wrong.
    Usage = 2,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  asked to end and ended; with --check: the configuration is valid
  1  the world is in the way: port in use, directory not writable
  2  the command line or the configuration file is wrong

Signals:
  SIGTERM, SIGINT  finish what is under way, at most --drain-timeout, and end
  SIGHUP           read the configuration file again, and certificate and key
  SIGUSR1          open the log file again, after it was rotated

Example:
  pibl --port 8080 --backend 127.0.0.1:9001 --backend 127.0.0.1:9002 --ttl 60s";

/// A caching, load-balancing HTTP/1.1 reverse proxy
#[derive(Debug, Parser)]
#[command(name = "pibl", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    /// Check the configuration and exit
    #[arg(long)]
    check: bool,
}

/// Runs the command with these arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success };
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("PIBL_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .with_writer(io::stderr)
        .with_target(false)
        .init();
    let config = match config::load(&arguments.flags) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("{problems}");
            return ExitCode::Usage;
        }
    };
    if arguments.check {
        eprintln!("pibl: the configuration is valid: {} backends", config.backends.len());
        return ExitCode::Success;
    }
    match serve(config, arguments.flags) {
        Ok(()) => ExitCode::Success,
        Err(problem) => {
            eprintln!("error: {problem:#}");
            ExitCode::Runtime
        }
    }
}

fn serve(config: Config, flags: Flags) -> anyhow::Result<()> {
    platform::raise_open_file_limit();
    platform::make_room_for_descriptors();
    let origin = acquire(&config, flags.handover.as_deref())?;
    let directory = config.cache.directory.parent().unwrap_or(Path::new(".")).to_owned();
    let services = Services::new(config).map_err(|error| {
        anyhow::anyhow!(
            "could not prepare the directory {}: {error}\n  help: give a directory that can be written with --dir",
            directory.display()
        )
    })?;
    // Everything that can fail has succeeded; from here on the old process may end.
    let sockets = match origin {
        Origin::Bound(sockets) => sockets,
        Origin::Taken(taken) => {
            let (sockets, said) = taken.say_ready();
            said.context("the process that offered its sockets went away")?;
            sockets
        }
    };
    let services = Arc::new(services);
    let Sockets { clients, tls, .. } = sockets.try_clone()?;
    crate::run(Arc::clone(&services), Listeners { plain: clients, tls }, operate(services, sockets, flags))?;
    Ok(())
}

/// Where the listening sockets come from.
enum Origin {
    Bound(Sockets),
    Taken(handover::Taken),
}

fn acquire(config: &Config, path: Option<&Path>) -> anyhow::Result<Origin> {
    if let Some(path) = path {
        let taken = handover::take(path)
            .with_context(|| format!("could not take the sockets over at {}", path.display()))?;
        if let Some(mut taken) = taken {
            // The process before may have spoken no HTTPS, or this one may not want to.
            taken.sockets.tls = match (taken.sockets.tls, &config.tls) {
                (Some(listener), Some(_)) => Some(listener),
                (_, tls) => bind_tls(tls.as_ref())?,
            };
            return Ok(Origin::Taken(taken));
        }
    }
    Ok(Origin::Bound(bind(config)?))
}

fn bind_tls(tls: Option<&config::Tls>) -> anyhow::Result<Option<std::net::TcpListener>> {
    tls.map(|tls| listen(tls.listen, "--tls-port")).transpose()
}

fn bind(config: &Config) -> anyhow::Result<Sockets> {
    Ok(Sockets {
        clients: listen(config.listen, "--port")?,
        tls: bind_tls(config.tls.as_ref())?,
        admin: config.admin.map(|address| listen(address, "--admin")).transpose()?,
    })
}

/// Everything that happens beside the exchanges, until the program is asked to end.
async fn operate(services: Arc<Services>, sockets: Sockets, flags: Flags) -> Ending {
    let signals = Signals::listen();
    let offer = offer(&sockets, flags.handover.as_deref());
    // Whoever reads these lines may send requests and signals from now on, and start the next process.
    if let Ok(address) = sockets.clients.local_addr() {
        eprintln!("pibl: listening on http://{address}");
    }
    if let Some(Ok(address)) = sockets.tls.as_ref().map(std::net::TcpListener::local_addr) {
        eprintln!("pibl: listening on https://{address}");
    }
    if let Some(Ok(address)) = sockets.admin.as_ref().map(std::net::TcpListener::local_addr) {
        eprintln!("pibl: admin on http://{address}");
    }
    if let Some(admin) = sockets.admin {
        match admin.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(admin)) {
            Ok(admin) => {
                tokio::task::spawn_local(admin::serve_for_ever(admin, Arc::clone(&services)));
            }
            Err(error) => tracing::error!("the admin listener is not served: {error}"),
        }
    }
    drop((sockets.clients, sockets.tls));
    let asked = signals.until_asked_to_end(|event| match event {
        shutdown::Event::Reload => reload(&services, &flags),
        shutdown::Event::ReopenLog => services.reopen_log(),
    });
    until_taken_or(offer, asked, &services).await
}

#[cfg(unix)]
fn offer(sockets: &Sockets, path: Option<&Path>) -> Option<handover::Offer> {
    let path = path?;
    handover::Offer::new(path, sockets)
        .inspect_err(|error| {
            tracing::warn!("could not offer the sockets at {}: {error}", path.display());
        })
        .ok()
}

/// Ends when the program is asked to, or when the next process has taken over.
#[cfg(unix)]
async fn until_taken_or(
    offer: Option<handover::Offer>,
    asked: impl Future<Output = ()>,
    services: &Services,
) -> Ending {
    let Some(mut offer) = offer else {
        asked.await;
        return Ending::Asked;
    };
    let ending = tokio::select! {
        () = asked => Ending::Asked,
        () = offer.until_taken() => Ending::Succeeded,
    };
    if ending == Ending::Succeeded {
        offer.leave_path();
        services.cache.leave_to_successor();
    }
    ending
}

#[cfg(not(unix))]
fn offer(_sockets: &Sockets, _path: Option<&Path>) -> Option<()> {
    None
}

#[cfg(not(unix))]
async fn until_taken_or(_offer: Option<()>, asked: impl Future<Output = ()>, _services: &Services) -> Ending {
    asked.await;
    Ending::Asked
}

/// Reads the configuration again; one that is wrong changes nothing.
fn reload(services: &Services, flags: &Flags) {
    match config::load(flags) {
        Ok(mut config) => {
            let old = services.config();
            let door = |config: &Config| config.tls.as_ref().map(|tls| tls.listen);
            let is_kept = config.listen == old.listen
                && door(&config) == door(&old)
                && config.workers == old.workers
                && config.admin == old.admin
                && config.cache.directory == old.cache.directory;
            if !is_kept {
                eprintln!(
                    "pibl: listen, port, whether there is HTTPS and where, admin, workers and dir take effect at the next start"
                );
            }
            if config.tls.is_none() {
                // Clients of HTTPS still connect, and somebody has to be there.
                config.tls.clone_from(&old.tls);
            }
            let count = config.backends.len();
            services.reconfigure(config);
            eprintln!("pibl: configuration read again: {count} backends");
        }
        Err(problems) => eprintln!("{problems}\npibl: the configuration in force stays as it was"),
    }
}

/// Binds an address, or says who may be in the way.
fn listen(address: SocketAddr, flag: &str) -> anyhow::Result<std::net::TcpListener> {
    platform::listen(address).map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "another program listens there; find it with `ss -ltnp 'sport = :{0}'`, or choose another \
                 port with {flag}",
                address.port()
            ),
            io::ErrorKind::PermissionDenied => format!(
                "ports below 1024 need a privilege; choose another one with {flag}, or give the program \
                 CAP_NET_BIND_SERVICE"
            ),
            _ => "choose an address of this machine with --listen".to_owned(),
        };
        anyhow::anyhow!("could not listen on {address}: {error}\n  help: {hint}")
    })
}
