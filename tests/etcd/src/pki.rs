//! Certificates for tests: good ones, and each kind of bad one.
//!
//! Times are fixed days far away rather than "now and a bit", so that a slow machine or a wrong clock
//! changes nothing.

use crate::{Error, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It ended years ago.
    Expired,
    /// It begins in many years.
    NotYet,
    /// Somebody else signed it.
    Stranger,
    /// It names another host.
    OtherName,
}

/// A certificate and its key, PEM each.
#[derive(Debug, Clone)]
pub struct Files {
    /// The certificate.
    pub cert: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// Who signs.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2199, 1, 1);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate, good for servers and clients, and its key, PEM each.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn issue(&self, name: &str, hosts: &[String], flaw: Flaw) -> Result<(String, String)> {
        let other = ["elsewhere.invalid".to_owned()];
        let hosts = match flaw {
            Flaw::OtherName => &other[..],
            _ => hosts,
        };
        let mut params = CertificateParams::new(hosts.to_vec())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let (from, to) = match flaw {
            Flaw::Expired => (2020, 2021),
            Flaw::NotYet => (2190, 2199),
            Flaw::None | Flaw::Stranger | Flaw::OtherName => (2020, 2199),
        };
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate()?;
        let cert = match flaw {
            // The same name, so that only the signature tells.
            Flaw::Stranger => params.signed_by(&key, &Authority::new("bed")?.issuer)?,
            _ => params.signed_by(&key, &self.issuer)?,
        };
        Ok((cert.pem(), key.serialize_pem()))
    }
}

/// The certificates of one cluster, in a folder.
#[derive(Debug)]
pub struct Pki {
    dir: PathBuf,
    authority: Authority,
    hosts: Vec<String>,
}

impl Pki {
    /// A new authority with its certificate in `ca.pem`; members are reached at `hosts`.
    pub(crate) fn new(dir: &Path, ips: impl Iterator<Item = IpAddr>) -> Result<Self> {
        let dir = dir.join("pki");
        fs::create_dir(&dir).map_err(|source| file(&dir, source))?;
        // Connections to 127/8 come from 127.0.0.1, and a member checks where its peers come from.
        let own = ["127.0.0.1", "::1", "localhost"].map(String::from);
        let hosts = ips.map(|ip| ip.to_string()).chain(own).collect();
        let authority = Authority::new("bed")?;
        let pki = Self {
            dir,
            authority,
            hosts,
        };
        write(&pki.ca(), &pki.authority.pem())?;
        Ok(pki)
    }

    /// The authority's certificate.
    pub fn ca(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// The authority itself.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A certificate for a client or member with that common name, written to `NAME.pem` and `NAME.key`;
    /// what was there under that name is replaced.
    ///
    /// # Errors
    /// Where it cannot be made or written.
    pub fn issue(&self, name: &str, flaw: Flaw) -> Result<Files> {
        let (cert, key) = self.authority.issue(name, &self.hosts, flaw)?;
        let files = Files {
            cert: self.dir.join(format!("{name}.pem")),
            key: self.dir.join(format!("{name}.key")),
        };
        write(&files.cert, &cert)?;
        write(&files.key, &key)?;
        Ok(files)
    }
}

fn write(path: &Path, text: &str) -> Result {
    // By renaming: a reader sees the old file or the new one.
    let fresh = path.with_extension("new");
    let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path));
    written.map_err(|source| file(path, source))
}

fn file(path: &Path, source: std::io::Error) -> Error {
    let path = path.to_owned();
    Error::File { path, source }
}
