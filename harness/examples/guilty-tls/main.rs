//! A proxy behind TLS that does what it should, except for one thing: the defect that it is started with.
//!
//! The checks of `https.*` are judged by it: each must catch the defect made for it and find nothing wrong with the honest proxy that
//! this program is without one; those of `http2.*` too. Every client connection has a backend connection of its own, and bytes pass as they are.

mod defects;
mod http2;
mod misread;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use defects::Defect;

/// A round-robin proxy behind TLS with at most one defect.
#[derive(Parser)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port for HTTP.
    #[arg(long)]
    port: u16,
    /// Port for HTTPS.
    #[arg(long)]
    tls_port: Option<u16>,
    /// The certificate and those above it (PEM), read again at SIGHUP.
    #[arg(long, default_value = "certificate.pem")]
    certificate: PathBuf,
    /// Its key (PEM).
    #[arg(long, default_value = "key.pem")]
    key: PathBuf,
    /// A backend, `host:port`; several times.
    #[arg(long = "backend", required = true)]
    backends: Vec<SocketAddr>,
    /// HTTP/2 is spoken too.
    #[arg(long)]
    http2: bool,
    /// What is wrong with it.
    #[arg(long, default_value = "none")]
    defect: Defect,
}

/// The backends, in turn.
struct Backends {
    addresses: Vec<SocketAddr>,
    turn: AtomicUsize,
}

impl Backends {
    /// Whose turn it is.
    fn turn(&self) -> SocketAddr {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.addresses[turn % self.addresses.len()]
    }

    /// A connection to the next one.
    async fn next(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(self.turn()).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let defect = arguments.defect;
    let backends = Arc::new(Backends { addresses: arguments.backends, turn: AtomicUsize::new(0) });
    let plain = TcpListener::bind(SocketAddr::new(arguments.host, arguments.port)).await?;
    // Without a port of its own HTTPS is nowhere: what listens in its place is reached by nobody.
    let secure = TcpListener::bind(SocketAddr::new(arguments.host, arguments.tls_port.unwrap_or(0))).await?;
    let read = || tls::configuration(&arguments.certificate, &arguments.key, arguments.http2, defect);
    let mut configuration = match arguments.tls_port {
        Some(_) => Some(read()?),
        None => None,
    };
    let mut told = signal(SignalKind::hangup())?;
    let mut clients = JoinSet::new();
    println!("listening, defect: {defect:?}");
    loop {
        tokio::select! {
            accepted = plain.accept() => {
                let (client, backends) = (accepted?.0, backends.clone());
                clients.spawn(async move { relay(client, &backends, Defect::None).await });
            }
            accepted = secure.accept() => {
                let (client, backends) = (accepted?.0, backends.clone());
                let Some(configuration) = configuration.clone() else { continue };
                clients.spawn(async move {
                    client.set_nodelay(true)?;
                    if defects::answers_old_hello(defect, &client).await? {
                        return Ok(());
                    }
                    let client = tokio_rustls::TlsAcceptor::from(configuration).accept(client).await?;
                    if arguments.http2 && client.get_ref().1.alpn_protocol() == Some(b"h2") {
                        return http2::serve(client, &backends, defect).await;
                    }
                    relay(client, &backends, defect).await
                });
            }
            _ = told.recv() => {
                if defects::drops_clients_at_renewal(defect) {
                    clients.shutdown().await;
                }
                if !defects::never_renews(defect) {
                    configuration = Some(read()?);
                }
            }
            // What ends badly is its client's affair.
            Some(_) = clients.join_next() => {}
        }
    }
}

/// Passes bytes on in both directions until one side ends.
async fn relay(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    backends: &Backends,
    defect: Defect,
) -> std::io::Result<()> {
    let mut backend = backends.next().await?;
    match defects::longest_answer(defect) {
        None => tokio::io::copy_bidirectional(&mut client, &mut backend).await.map(drop),
        Some(most) => defects::relay_in_part(client, backend, most).await,
    }
}
