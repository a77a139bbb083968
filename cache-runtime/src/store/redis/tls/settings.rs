//! The TLS settings of a cache.

use super::pem::Pem;
use crate::types::error::Error;

/// The TLS settings of the connections to Redis, for [`Builder::tls`](crate::Builder::tls).
///
/// Everything has a default: the server's certificate is checked against the root certificates of the system and the host
/// of the URL, and there is no client certificate. The parameters of a `rediss://` URL are the same settings with paths of
/// files: `?ca=PATH&cert=PATH&key=PATH&sni=NAME`.
///
/// ```no_run
/// # use larder_runtime as larder;
/// # fn load(_: &str) -> Vec<u8> { Vec::new() }
/// use larder::{Cache, Tls};
///
/// let builder = Cache::builder()
///     .url("rediss://cache.internal:6380")
///     .tls(Tls::new().ca(load("ca")).client_cert(load("certificate"), load("key")));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "settings do nothing until `Builder::tls`"]
pub struct Tls {
    pub(super) ca: Option<Pem>,
    pub(super) cert: Option<Pem>,
    pub(super) key: Option<Pem>,
    pub(super) server_name: Option<String>,
    /// The server name is a parameter of the URL.
    pub(super) is_name_of_url: bool,
}

impl Tls {
    /// Returns the default settings.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let tls = larder::Tls::new();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the certificates, in PEM, of the authorities that may sign the server's certificate. Default: those of the system,
    /// which are not used then.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let pem = Vec::new();
    /// let tls = larder::Tls::new().ca(pem);
    /// ```
    pub fn ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(Pem::Bytes(pem.into()));
        self
    }

    /// Sets the certificate of this client with its chain, and the private key, both in PEM. Default: none.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let (certificate, key) = (Vec::new(), Vec::new());
    /// let tls = larder::Tls::new().client_cert(certificate, key);
    /// ```
    pub fn client_cert(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.cert = Some(Pem::Bytes(certificate.into()));
        self.key = Some(Pem::Bytes(key.into()));
        self
    }

    /// Sets the name that the server's certificate must have, which is also sent as SNI. Default: the host of the URL.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let tls = larder::Tls::new().server_name("cache.example.com");
    /// ```
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        (self.server_name, self.is_name_of_url) = (Some(name.into()), false);
        self
    }

    /// Returns the settings with those of the URL.
    pub(crate) fn of_url(
        ca: Option<String>,
        cert: Option<String>,
        key: Option<String>,
        server_name: Option<String>,
    ) -> Self {
        let file = |path: String| Pem::File(path.into());
        let is_name_of_url = server_name.is_some();
        Self { ca: ca.map(file), cert: cert.map(file), key: key.map(file), server_name, is_name_of_url }
    }

    /// Returns `true` if a certificate or a key is in a file.
    pub(super) fn has_files(&self) -> bool {
        [&self.ca, &self.cert, &self.key].into_iter().flatten().any(|pem| matches!(pem, Pem::File(_)))
    }

    /// Returns these settings for other servers, whose names are their hosts.
    #[cfg(feature = "sentinel")]
    pub(crate) fn without_server_name(self) -> Self {
        Self { server_name: None, is_name_of_url: false, ..self }
    }

    /// Returns these settings of the URL together with those of the builder.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting that both have.
    pub(crate) fn with(self, builder: &Self) -> Result<Self, Error> {
        let twice = [
            ("ca", self.ca.is_some() && builder.ca.is_some()),
            ("client_cert", self.cert.is_some() && builder.cert.is_some()),
            ("client_cert", self.key.is_some() && builder.key.is_some()),
            ("server_name", self.server_name.is_some() && builder.server_name.is_some()),
        ];
        if let Some((name, _)) = twice.into_iter().find(|(_, is_twice)| *is_twice) {
            return Err(Error::config("tls", name, "the URL has this setting, too; write one of the two"));
        }
        let builder = builder.clone();
        Ok(Self {
            is_name_of_url: self.is_name_of_url,
            ca: self.ca.or(builder.ca),
            cert: self.cert.or(builder.cert),
            key: self.key.or(builder.key),
            server_name: self.server_name.or(builder.server_name),
        })
    }
}
