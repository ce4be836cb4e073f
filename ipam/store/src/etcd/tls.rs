//! The files of TLS, read and checked each time a connection is made.
//!
//! Certificates are rotated under a running daemon, so nothing is kept. What is wrong with a file is said
//! with the name of the flag that it came from: "bad certificate", which is all that a member answers to
//! an expired one, sends an operator on a long search.

use crate::{LocationError, Named, Tls};
use etcd_client::{Certificate, Identity, TlsOptions};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use std::fs;
use webpki::{EndEntityCert, KeyUsage};

/// Reads and checks the files.
///
/// # Errors
/// With the flag and the path of the first file that is not good.
pub(super) fn load(tls: &Tls) -> Result<TlsOptions, LocationError> {
    let ca = read(&tls.ca)?;
    for certificate in certificates(&tls.ca, &ca)? {
        let anchor = webpki::anchor_from_trusted_cert(&certificate);
        anchor.map_err(|error| flaw(&tls.ca, format!("is no CA's certificate: {error:?}")))?;
    }
    let options = TlsOptions::new().ca_certificate(Certificate::from_pem(&ca));
    let Some((cert, key)) = &tls.client else {
        return Ok(options);
    };
    let (cert_pem, key_pem) = (read(cert)?, read(key)?);
    let chain = certificates(cert, &cert_pem)?;
    valid_now(cert, &chain[0])?;
    let found = PrivateKeyDer::from_pem_slice(&key_pem);
    let found = found.map_err(|_| flaw(key, "holds no private key (PEM)".into()))?;
    let signer = rustls::crypto::ring::sign::any_supported_type(&found);
    let signer = signer.map_err(|error| flaw(key, format!("is no usable key: {error}")))?;
    if let Err(rustls::Error::InconsistentKeys(_)) = CertifiedKey::new(chain, signer).keys_match() {
        let other = format!("is not the key of {} ({})", cert.path.display(), cert.field);
        return Err(flaw(key, other));
    }
    Ok(options.identity(Identity::from_pem(cert_pem, key_pem)))
}

fn flaw(file: &Named, reason: String) -> LocationError {
    LocationError::TlsFile {
        field: file.field,
        path: file.path.clone(),
        reason,
    }
}

fn read(file: &Named) -> Result<Vec<u8>, LocationError> {
    fs::read(&file.path).map_err(|error| flaw(file, error.to_string()))
}

fn certificates(file: &Named, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, LocationError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| flaw(file, format!("is no PEM: {error}")))?;
    if found.is_empty() {
        return Err(flaw(file, "holds no certificate (PEM)".into()));
    }
    Ok(found)
}

/// Who signed it is the members' affair; when it ends is looked at here.
fn valid_now(file: &Named, certificate: &CertificateDer) -> Result<(), LocationError> {
    let parsed = EndEntityCert::try_from(certificate);
    let parsed = parsed.map_err(|error| flaw(file, format!("is no certificate: {error:?}")))?;
    let judged = parsed.verify_for_usage(
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .all,
        &[],
        &[],
        UnixTime::now(),
        KeyUsage::client_auth(),
        None,
        None,
    );
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
