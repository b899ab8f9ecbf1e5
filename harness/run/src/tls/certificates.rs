//! The certificates of a run: an authority, one between, and as many for the proxy as it is given. Keys never leave memory but for that of
//! the proxy.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;

use super::{AUTHORITY, CERTIFICATE, CERTIFICATE_AND_KEY, Issued, KEY};
use harness_model::history::CertificateSeen;

/// Who signs for a run.
pub(super) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    between: CertifiedIssuer<'static, KeyPair>,
    /// Those that were given to the proxy, in order.
    given: Mutex<Vec<CertificateDer<'static>>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

fn failed(error: rcgen::Error) -> io::Error {
    io::Error::other(error)
}

fn issuer_named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Authority {
    pub(super) fn new() -> io::Result<Authority> {
        let key = || KeyPair::generate().map_err(failed);
        let root = CertifiedIssuer::self_signed(issuer_named("authority of one run of the harness"), key()?)
            .map_err(failed)?;
        let mut params = issuer_named("between the authority and the proxy");
        params.use_authority_key_identifier_extension = true;
        let between = CertifiedIssuer::signed_by(params, key()?, &root).map_err(failed)?;
        Ok(Authority { root, between, given: Mutex::default() })
    }

    /// The next certificate for the proxy.
    pub(super) fn issue(&self, name: &str) -> io::Result<Issued> {
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        if !names.iter().any(|known| known == name) {
            names.insert(0, name.to_owned());
        }
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(failed)?;
        let leaf = params.signed_by(&key, &self.between).map_err(failed)?;
        let chain = leaf.pem() + &self.between.pem();
        let key = key.serialize_pem();
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.push(leaf.der().clone());
        let files = [
            (CERTIFICATE, chain.clone()),
            (KEY, key.clone()),
            (CERTIFICATE_AND_KEY, chain + &key),
            (AUTHORITY, self.root.pem()),
        ];
        let files = BTreeMap::from(files.map(|(path, text)| (path.to_owned(), text)));
        Ok(Issued { number: given.len() as u32, files })
    }

    /// What clients trust.
    pub(super) fn root(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    /// What this run knows of a certificate.
    pub(super) fn known(&self, certificate: &CertificateDer<'_>) -> CertificateSeen {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = given.iter().position(|known| known == certificate) {
            return CertificateSeen::Given(place as u32 + 1);
        }
        if self.between.der() == certificate {
            CertificateSeen::Intermediate
        } else if self.root.der() == certificate {
            CertificateSeen::Authority
        } else {
            CertificateSeen::Foreign
        }
    }
}
