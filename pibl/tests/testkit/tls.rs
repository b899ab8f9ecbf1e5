//! Certificates, and clients that speak TLS: rustls on the client's side, which shares nothing with the proxy but its records.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion, version,
};

use super::{Backend, Client, Proxy, set_up};

/// The name that every certificate is for.
pub const NAME: &str = "proxy.test";

/// A blocking stream under TLS.
pub type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// A certificate and its key in two files.
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub der: CertificateDer<'static>,
}

impl Pair {
    /// A new pair in the directory, in place of the one of this name.
    pub fn make(directory: &Path, name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
        let (cert, key) = (directory.join(format!("{name}.pem")), directory.join(format!("{name}.key")));
        std::fs::write(&cert, made.cert.pem()).expect("a file");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        Self { cert, key, der: made.cert.der().clone() }
    }

    /// The table of the configuration file.
    pub fn settings(&self) -> String {
        format!("[tls]\ncert = {:?}\nkey = {:?}\nport = 0\n", self.cert, self.key)
    }

    /// Arguments for a free port.
    pub fn arguments(&self) -> [String; 6] {
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        let [cert, key] = [&self.cert, &self.key].map(|path| text(path));
        ["--tls-cert".into(), cert, "--tls-key".into(), key, "--tls-port".into(), "0".into()]
    }

    /// What a client needs that trusts this certificate alone and speaks these versions and protocols.
    pub fn trusted(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        alpn: &[&str],
    ) -> Arc<ClientConfig> {
        trusting([self], versions, alpn)
    }

    /// A client of HTTP/1.1 that trusts this certificate alone.
    pub fn connect(&self, address: SocketAddr) -> Client<TlsStream> {
        connect(address, &self.trusted(&[&version::TLS13], &["http/1.1"])).expect("a handshake")
    }
}

/// A proxy that speaks HTTPS as whoever the pair says.
pub struct Secure {
    pub proxy: Proxy,
    pub pair: Pair,
    pub address: SocketAddr,
    _files: tempfile::TempDir,
}

impl Secure {
    /// In front of one backend, with more settings in the words of `pibl.toml`.
    pub fn start(backend: &Backend, settings: &str) -> Self {
        Self::before(&[backend.address], settings)
    }

    /// In front of these backends.
    pub fn before(backends: &[SocketAddr], settings: &str) -> Self {
        let files = tempfile::tempdir().expect("a temporary directory");
        let pair = Pair::make(files.path(), "proxy");
        let proxy = Proxy::start(backends, &format!("{}{settings}", pair.settings()));
        let address = proxy.tls_address.expect("HTTPS");
        Self { proxy, pair, address, _files: files }
    }

    /// A client of HTTP/1.1.
    pub fn connect(&self) -> Client<TlsStream> {
        self.pair.connect(self.address)
    }
}

/// What a client needs that trusts these certificates.
pub fn trusting<'a>(
    pairs: impl IntoIterator<Item = &'a Pair>,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for pair in pairs {
        roots.add(pair.der.clone()).expect("a certificate");
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(versions).expect("versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// Connects and completes the handshake.
pub fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> std::io::Result<Client<TlsStream>> {
    secure(TcpStream::connect(address)?, config)
}

/// Completes the handshake.
pub fn secure(mut stream: TcpStream, config: &Arc<ClientConfig>) -> std::io::Result<Client<TlsStream>> {
    let name = ServerName::try_from(NAME).expect("a name");
    let mut session = ClientConnection::new(Arc::clone(config), name).map_err(std::io::Error::other)?;
    set_up(&stream);
    while session.is_handshaking() {
        session.complete_io(&mut stream)?;
    }
    Ok(Client { stream: StreamOwned::new(session, stream), buffer: Vec::new() })
}
