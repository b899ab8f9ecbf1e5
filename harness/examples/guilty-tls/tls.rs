//! What the proxy shows its clients in a handshake.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::defects::{self, Defect};

/// TLS by the files that it was given, but for the defect.
pub fn configuration(
    certificate: &Path,
    key: &Path,
    http2: bool,
    defect: Defect,
) -> io::Result<Arc<ServerConfig>> {
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(certificate).map_err(io::Error::other)?.collect();
    let given =
        (chain.map_err(io::Error::other)?, PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?);
    let (chain, key) = defects::shown(defect, given)?;
    let mut configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&defects::versions(defect))
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    configuration.alpn_protocols = defects::protocols(defect, http2);
    Ok(Arc::new(configuration))
}
