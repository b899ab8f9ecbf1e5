//! A proxy that does what the assignment asks, except for one thing: the defect that it is started with.
//!
//! The harness is judged by it: every detector must catch the defect made for it and find nothing wrong with the honest
//! proxy that this program is without one. It is threads and blocking sockets, made to be read, not to be fast.

mod balancer;
mod cache;
mod clock;
mod defects;
mod door;
mod health;
mod http;
mod log;
mod server;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use balancer::Balancer;
use cache::Cache;
use defects::{Defect, persistence, starting};
use door::Door;
use health::Health;
use log::Log;
use server::Server;

/// A caching round-robin proxy with at most one defect.
#[derive(Parser)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen on; 8080 where nothing is said.
    #[arg(long)]
    port: Option<u16>,
    /// A backend, `host:port`; several times.
    #[arg(long = "backend", required = true)]
    backends: Vec<String>,
    /// A file with another list of backends, one a line, that is read whenever it has changed.
    #[arg(long)]
    follow: Option<PathBuf>,
    /// How long a cached answer is served, in milliseconds.
    #[arg(long, default_value_t = 60_000)]
    ttl_ms: u64,
    /// What is wrong with it; nothing, unless said so here or in GUILTY_DEFECT.
    #[arg(long, env = "GUILTY_DEFECT", default_value = "none")]
    defect: Defect,
    /// Each request goes to the backend with the fewest open requests.
    #[arg(long)]
    least_busy: bool,
    /// Most requests of a client address in a second.
    #[arg(long)]
    throttle: Option<u32>,
    /// An address that is let in; several times. Everybody where there is none.
    #[arg(long)]
    allow: Vec<IpAddr>,
    /// What each backend is asked for to see whether it is well; nobody is where nothing is said.
    #[arg(long)]
    health: Option<String>,
    /// Milliseconds from one such question to the next.
    #[arg(long, default_value_t = 1_000)]
    health_ms: u64,
    /// Bad answers in a row that take a backend out.
    #[arg(long, default_value_t = 3)]
    health_failures: u32,
    /// Good ones in a row that bring it back.
    #[arg(long, default_value_t = 2)]
    health_successes: u32,
    /// Directory that holds the cache and the log.
    #[arg(long, default_value = ".")]
    directory: PathBuf,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let log = Log::open(&arguments.directory.join("proxy.log"), arguments.defect)?;
    let cache = Cache::open(
        &arguments.directory.join("cache"),
        Duration::from_millis(arguments.ttl_ms),
        arguments.defect,
    )?;
    let told = starting::backends(arguments.defect, arguments.backends)?;
    let balancer = Balancer::new(told, arguments.follow, arguments.least_busy, arguments.defect);
    let door = Door::new(arguments.throttle, arguments.allow, arguments.defect);
    let port = starting::port(arguments.defect, arguments.port, &arguments.directory);
    let listener = persistence::listen(arguments.defect, SocketAddr::new(arguments.host, port))?;
    if let Some(path) = arguments.health {
        let every = Duration::from_millis(arguments.health_ms);
        let (failures, successes) = (arguments.health_failures, arguments.health_successes);
        health::watch(&balancer, &Health { path, every, failures, successes }, arguments.defect);
    }
    println!("listening on {}, defect: {:?}", listener.local_addr()?, arguments.defect);
    starting::before_serving(arguments.defect, &arguments.directory)?;
    Server { cache, balancer, door, log, defect: arguments.defect }.run(&listener);
    Ok(())
}
