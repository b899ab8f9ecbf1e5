//! Certificate and key: from two files to what a handshake needs, or a complaint about one of them.
//!
//! `resolve` calls it at start and at SIGHUP, so that a pair that does not fit changes nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::file::Written;
use super::flags::Flags;
use super::problem::Problem;
use super::resolve::Reader;
use super::resolved::Tls;
use crate::wire::{BadPair, Identity};

/// Where HTTPS is spoken unless something else is said, as 8080 is for HTTP.
const DEFAULT_PORT: u16 = 8443;

impl Reader<'_> {
    /// HTTPS on the address of the plain port, if anything is said of it.
    pub(super) fn tls(&mut self, flags: &Flags, plain: SocketAddr) -> Option<Tls> {
        let written = self.file.content.tls.as_ref();
        let is_asked_for = flags.tls_cert.is_some() || flags.tls_key.is_some() || flags.tls_port.is_some();
        if written.is_none() && !is_asked_for {
            return None;
        }
        let table = written.map(toml::Spanned::get_ref);
        let cert = Place::of(flags.tls_cert.as_ref(), table.map(|table| &table.cert));
        let key = Place::of(flags.tls_key.as_ref(), table.map(|table| &table.key));
        let (Some(cert), Some(key)) = (cert, key) else {
            let problem = Problem::new(
                "HTTPS needs a certificate and its key",
                "name both: --tls-cert FILE --tls-key FILE, or cert and key in the table [tls]",
            );
            self.problems.push(match written {
                Some(table) if !is_asked_for => problem.at(&self.file.name, &self.file.text, table.span()),
                _ => problem,
            });
            return None;
        };
        let contents = (self.content(&cert, "certificate"), self.content(&key, "key"));
        let (Some(cert_pem), Some(key_pem)) = contents else { return None };
        let (cert_path, key_path) = (cert.path.display(), key.path.display());
        match Identity::from_pem(&cert_pem, &key_pem) {
            Ok(identity) => {
                let port = flags.tls_port.or(table.and_then(|table| table.port)).unwrap_or(DEFAULT_PORT);
                let listen = SocketAddr::new(plain.ip(), port);
                if port == plain.port() && port != 0 {
                    let title = format!("HTTP and HTTPS cannot share the port {port}");
                    self.problems.push(Problem::new(title, "choose another one with --tls-port"));
                }
                return Some(Tls { listen, cert: cert.path, key: key.path, identity });
            }
            Err(BadPair::NotBuilt) => self.complain_of(
                &cert,
                "this pibl was built without TLS".into(),
                "build it with `cargo build --release -p pibl --features tls`",
            ),
            Err(BadPair::Certificate(reason)) => self.complain_of(
                &cert,
                format!("the certificate {cert_path} cannot be used: {reason}"),
                "give a certificate in PEM form, and behind it those that signed it",
            ),
            Err(BadPair::Key(reason)) => self.complain_of(
                &key,
                format!("the key {key_path} cannot be used: {reason}"),
                "give a key in PEM form, without a passphrase: ECDSA, RSA or Ed25519",
            ),
            Err(BadPair::Mismatch) => self.complain_of(
                &key,
                format!("the key {key_path} does not belong to the certificate {cert_path}"),
                "give the key with which the certificate was asked for; the certificate itself comes first in its file",
            ),
        }
        None
    }

    fn content(&mut self, place: &Place, what: &str) -> Option<Vec<u8>> {
        std::fs::read(&place.path)
            .inspect_err(|error| {
                let title = format!("could not read the {what} {}: {error}", place.path.display());
                self.complain_of(place, title, "name a file that this user may read");
            })
            .ok()
    }

    fn complain_of(&mut self, place: &Place, title: String, way_out: &str) {
        let problem = Problem::new(title, way_out);
        self.problems.push(match place.span.clone() {
            Some(span) => problem.at(&self.file.name, &self.file.text, span),
            None => problem,
        });
    }
}

/// A path, and where in the configuration file it stands if it is from there.
struct Place {
    path: PathBuf,
    span: Option<std::ops::Range<usize>>,
}

impl Place {
    fn of(flag: Option<&PathBuf>, written: Option<&Written<PathBuf>>) -> Option<Self> {
        if let Some(path) = flag {
            return Some(Self { path: path.clone(), span: None });
        }
        let written = written?.as_ref()?;
        Some(Self { path: Path::to_owned(written.get_ref()), span: Some(written.span()) })
    }
}
