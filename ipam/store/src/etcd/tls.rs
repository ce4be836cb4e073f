//! The files of TLS, read and checked each time a connection is made.
//!
//! Certificates are rotated under a running daemon, so nothing is kept. What is wrong with a file is said
//! with the name of the flag that it came from: "bad certificate", which is all that a member answers to
//! an expired one, sends an operator on a long search.

use crate::{LocationError, Named, Tls};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs};
use webpki::{EndEntityCert, KeyUsage};

/// Reads and checks the files.
///
/// # Errors
/// With the flag and the path of the first file that is not good.
pub(super) fn load(tls: &Tls) -> Result<Arc<ClientConfig>, LocationError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let ca = |error: &dyn fmt::Display| flaw(&tls.ca, format!("is no CA's certificate: {error}"));
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&tls.ca)? {
        roots.add(certificate).map_err(|error| ca(&error))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let config = config.with_safe_default_protocol_versions();
    let config = config.map_err(|error| ca(&error))?;
    let config = config.with_root_certificates(roots);
    let mut config = match &tls.client {
        None => config.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = certificates(cert)?;
            valid_now(cert, &chain[0], &provider)?;
            let pem = read(key)?;
            let found = PrivateKeyDer::from_pem_slice(&pem);
            let found = found.map_err(|_| flaw(key, "holds no private key (PEM)".into()))?;
            let config = config.with_client_auth_cert(chain, found);
            config.map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    let cert = format!("{} ({})", cert.path.display(), cert.field);
                    flaw(key, format!("is not the key of {cert}"))
                }
                other => flaw(key, format!("is no usable key: {other}")),
            })?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// Until when the files can be used, by their flags: the CA's, of which the last counts, and our own. One that cannot be
/// read has no end that anybody knows.
pub(super) fn ends(tls: &Tls) -> Vec<(&'static str, u64)> {
    let ca = certificates(&tls.ca).unwrap_or_default();
    let ca = ca.iter().filter_map(end).max();
    let ca = ca.map(|end| (tls.ca.field, end));
    let own = tls.client.iter().filter_map(|(cert, _)| {
        let chain = certificates(cert).ok()?;
        Some((cert.field, end(chain.first()?)?))
    });
    ca.into_iter().chain(own).collect()
}

/// Seconds since 1970. At a time when nothing is valid any more, the first flaw of each certificate is its end.
fn end(certificate: &CertificateDer<'_>) -> Option<u64> {
    const NEVER: u64 = 1 << 40;
    let parsed = EndEntityCert::try_from(certificate).ok()?;
    let provider = rustls::crypto::ring::default_provider();
    let algorithms = provider.signature_verification_algorithms.all;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(NEVER));
    let usage = KeyUsage::client_auth();
    match parsed.verify_for_usage(algorithms, &[], &[], at, usage, None, None) {
        Err(webpki::Error::CertExpired { not_after, .. }) => Some(not_after.as_secs()),
        _ => None,
    }
}

fn flaw(file: &Named, reason: String) -> LocationError {
    LocationError::TlsFile {
        field: file.field,
        path: file.path.clone(),
        reason,
    }
}

fn read(file: &Named) -> Result<Vec<u8>, LocationError> {
    fs::read(&file.path).map_err(|source| LocationError::TlsUnread {
        field: file.field,
        path: file.path.clone(),
        source,
    })
}

/// At least one.
fn certificates(file: &Named) -> Result<Vec<CertificateDer<'static>>, LocationError> {
    let pem = read(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|error| flaw(file, format!("is no PEM: {error}")))?;
    if found.is_empty() {
        return Err(flaw(file, "holds no certificate (PEM)".into()));
    }
    Ok(found)
}

/// Who signed it is the members' affair; when it ends is looked at here.
fn valid_now(
    file: &Named,
    certificate: &CertificateDer,
    provider: &CryptoProvider,
) -> Result<(), LocationError> {
    let parsed = EndEntityCert::try_from(certificate);
    let parsed = parsed.map_err(|error| flaw(file, format!("is no certificate: {error}")))?;
    let (algorithms, usage) = (
        provider.signature_verification_algorithms.all,
        KeyUsage::client_auth(),
    );
    // Without a single authority; the times are looked at first.
    let judged = parsed.verify_for_usage(algorithms, &[], &[], UnixTime::now(), usage, None, None);
    let days = |from: UnixTime, to: UnixTime| to.as_secs().saturating_sub(from.as_secs()) / 86_400;
    match judged {
        Err(webpki::Error::CertExpired { time, not_after }) => {
            let ago = days(not_after, time);
            Err(flaw(file, format!("has expired, {ago} days ago")))
        }
        Err(webpki::Error::CertNotValidYet { time, not_before }) => {
            let ahead = days(time, not_before);
            let reason = format!("is not valid yet, only in {ahead} days (is the clock right?)");
            Err(flaw(file, reason))
        }
        _ => Ok(()),
    }
}
