//! A client of TLS that goes on whatever certificate it is shown, and says what it thinks of it.
//!
//! Whether the certificate is the right one is a question of its own; everything else is judged all the same.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::certificates::Authority;
use super::{Issued, Shaken, closes};
use harness_model::history::{HandshakeEnd, NoConnection, Offered, TlsVersion};

pub(super) type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// The authority and the clients of a run.
#[derive(Debug)]
pub struct Tls {
    address: SocketAddr,
    name: String,
    server: ServerName<'static>,
    authority: Authority,
    provider: Arc<CryptoProvider>,
    trusting: Arc<WebPkiServerVerifier>,
}

impl Tls {
    /// An authority whose certificates are for this name, and clients that ask for it at this address.
    ///
    /// # Errors
    /// A certificate could not be made, or the name is none.
    pub fn new(address: SocketAddr, name: String) -> std::io::Result<Tls> {
        let failed = std::io::Error::other::<String>;
        let authority = Authority::new()?;
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.root()).map_err(|error| failed(error.to_string()))?;
        let trusting = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let server = ServerName::try_from(name.clone()).map_err(|error| failed(error.to_string()))?;
        Ok(Tls { address, name, server, authority, provider, trusting })
    }

    /// Where the proxy is asked by HTTPS.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name that clients ask for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of `Host`.
    pub fn host(&self) -> String {
        format!("{}:{}", self.name, self.address.port())
    }

    /// The next certificate.
    ///
    /// # Errors
    /// It could not be made.
    pub fn issue(&self) -> std::io::Result<Issued> {
        self.authority.issue(&self.name)
    }

    /// Makes a handshake on a fresh connection.
    pub(crate) async fn shake(&self, stream: TcpStream, offered: &Offered) -> Shaken {
        let config = match self.config(offered) {
            Ok(config) => Arc::new(config),
            Err(error) => return failed(error.to_string()),
        };
        match TlsConnector::from(config).connect(self.server.clone(), stream).await {
            Ok(stream) => {
                let end = self.made(stream.get_ref().1);
                Shaken { stream: Some(stream.into()), end }
            }
            Err(error) => Shaken { stream: None, end: refused(&error) },
        }
    }

    fn config(&self, offered: &Offered) -> Result<ClientConfig, Error> {
        let versions = match offered.version {
            Some(TlsVersion::Tls12) => vec![&rustls::version::TLS12],
            Some(TlsVersion::Tls13) => vec![&rustls::version::TLS13],
            _ => vec![&rustls::version::TLS13, &rustls::version::TLS12],
        };
        let anybody = Arc::new(Anybody(self.trusting.clone()));
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&versions)?
            .dangerous()
            .with_custom_certificate_verifier(anybody)
            .with_no_client_auth();
        config.alpn_protocols = offered.protocols.iter().map(|name| name.clone().into_bytes()).collect();
        // A resumed session shows no certificate.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }

    fn made(&self, connection: &rustls::ClientConnection) -> HandshakeEnd {
        let chain = connection.peer_certificates().unwrap_or_default();
        let trusted = match chain.split_first() {
            Some((own, others)) => {
                self.trusting.verify_server_cert(own, others, &self.server, &[], UnixTime::now()).map(drop)
            }
            None => Err(Error::NoCertificatesPresented),
        };
        HandshakeEnd::Made {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
                _ => TlsVersion::Tls13,
            },
            protocol: connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            shown: chain.iter().map(|certificate| self.authority.known(certificate)).collect(),
            distrust: trusted.err().map(|error| error.to_string()),
            answered: None,
        }
    }
}

fn failed(said: String) -> Shaken {
    Shaken { stream: None, end: HandshakeEnd::Failed(NoConnection::Said(said)) }
}

/// What an error in front of a connection means.
fn refused(error: &std::io::Error) -> HandshakeEnd {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match of_tls {
        Some(Error::AlertReceived(alert)) => HandshakeEnd::Refused { alert: Some(u8::from(*alert)) },
        Some(other) => HandshakeEnd::Failed(NoConnection::Said(other.to_string())),
        None if closes(error) => HandshakeEnd::Refused { alert: None },
        None => HandshakeEnd::Failed(NoConnection::Said(error.to_string())),
    }
}

/// Goes on with anybody whose signatures are in order.
#[derive(Debug)]
struct Anybody(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
