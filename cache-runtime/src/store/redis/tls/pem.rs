//! Certificates and keys in PEM.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::types::error::Error;

/// Certificates or a key in PEM.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Pem {
    /// The bytes, from the builder.
    Bytes(Vec<u8>),
    /// The path of a file, from the URL.
    File(PathBuf),
}

impl Pem {
    /// Returns the certificates, at least one.
    ///
    /// # Errors
    /// [`Error::Config`] with `name`: the file cannot be read, or is not PEM, or has no certificate.
    pub(super) fn certificates(&self, name: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
        let bytes = self.read(name)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) => Err(self.wrong(name, "has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)")),
            Err(error) => Err(self.wrong(name, &format!("is not valid PEM: {error}"))),
        }
    }

    /// Returns the private key.
    ///
    /// # Errors
    /// [`Error::Config`] with `name`: the file cannot be read, or is not PEM, or has no key.
    pub(super) fn key(&self, name: &'static str) -> Result<PrivateKeyDer<'static>, Error> {
        let bytes = self.read(name)?;
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
            PemError::NoItemsFound => self.wrong(
                name,
                "has no private key in PEM (`-----BEGIN PRIVATE KEY-----`); an encrypted key must be decrypted first",
            ),
            // The text of other errors may repeat bytes of the key.
            _ => self.wrong(name, "is not valid PEM"),
        })
    }

    /// Returns the error of this setting.
    pub(super) fn wrong(&self, name: &'static str, reason: &str) -> Error {
        match self {
            Self::Bytes(_) => Error::config("tls", name, reason),
            Self::File(path) => Error::config("url", format!("{name}={}", path.display()), reason),
        }
    }

    fn read(&self, name: &'static str) -> Result<Cow<'_, [u8]>, Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.into()),
            Self::File(path) => match fs::read(path) {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) => Err(self.wrong(name, &format!("cannot be read: {error}"))),
            },
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::File(path) => path.fmt(f),
        }
    }
}
