//! A slower proxy that is otherwise the same: bytes go through unchanged, each answer a known time later.
//!
//! The adapter of a planted slowdown starts it in place of the proxy. It waits by computing, since a sleep of some
//! microseconds takes as long as the scheduler likes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use clap::Args;
use fake_backends::clock::RunClock;
use harness_platform::{Signal, send_signal};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Args)]
pub struct Arguments {
    /// Added to each answer.
    #[arg(long, value_parser = humantime::parse_duration)]
    delay: Duration,
    /// Where clients come.
    #[arg(long)]
    listen: SocketAddr,
    /// The proxy and its arguments; `--port=` is filled in anew.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

/// Starts the proxy on another port and serves until it ends.
pub fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let listener = TcpListener::bind(arguments.listen)?;
    let mut words = arguments.command.iter();
    let mut command = Command::new(words.next().map_or("", String::as_str));
    for word in words.filter(|word| !word.is_empty()) {
        match word.strip_prefix("--port=") {
            Some(_) => command.arg(format!("--port={}", free.port())),
            None => command.arg(word),
        };
    }
    let mut proxy = command.spawn()?;
    let delay = arguments.delay;
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || drop(relay(&client, free, delay)));
        }
    });
    end_with_us(i32::try_from(proxy.id())?)?;
    proxy.wait()?;
    Ok(())
}

/// Whoever ends the relay ends the proxy behind it in good order; it would be waited for otherwise.
fn end_with_us(proxy: i32) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut asked = {
        let _inside = runtime.enter();
        signal(SignalKind::terminate())?
    };
    std::thread::spawn(move || {
        runtime.block_on(asked.recv());
        // It may have ended by itself.
        let _ = send_signal(proxy, Signal::TERMINATE);
    });
    Ok(())
}

fn relay(client: &TcpStream, proxy: SocketAddr, delay: Duration) -> std::io::Result<()> {
    let proxy = connected(proxy)?;
    client.set_nodelay(true)?;
    proxy.set_nodelay(true)?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = copy(client, &proxy, Duration::ZERO);
            let _ = proxy.shutdown(Shutdown::Write);
        });
        let _ = copy(&proxy, client, delay);
        let _ = client.shutdown(Shutdown::Both);
        let _ = proxy.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// The proxy may still be starting when the first client comes.
fn connected(proxy: SocketAddr) -> std::io::Result<TcpStream> {
    let mut attempts = 0;
    loop {
        match TcpStream::connect(proxy) {
            Err(_) if attempts < 500 => attempts += 1,
            other => return other,
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, delay: Duration) -> std::io::Result<()> {
    let clock = RunClock::start();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        let due = clock.now() + delay;
        while clock.now() < due {
            std::hint::spin_loop();
        }
        to.write_all(&buffer[..read])?;
    }
}
