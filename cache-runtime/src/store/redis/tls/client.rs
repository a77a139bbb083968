//! The client's side of TLS.

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::explain::{explain, explain_reply};
use super::pem::Pem;
use super::settings::Tls;
use crate::types::error::Error;

/// The explanation of a server that hangs up.
const CLOSED: &str = "the server closed the connection during the handshake; it may not speak TLS";

/// The client's side of TLS. The root certificates of the system are read once, when a `TlsClient` is made.
pub(crate) struct TlsClient {
    settings: Tls,
    /// The root certificates of the system, if there is no `ca`.
    system_roots: Option<Arc<RootCertStore>>,
    config: RwLock<Arc<ClientConfig>>,
    /// The name in place of the server's host.
    server_name: Option<ServerName<'static>>,
}

impl TlsClient {
    /// Reads the files, and the root certificates of the system if there is no `ca`.
    ///
    /// # Errors
    /// [`Error::Config`] with the setting that cannot be used.
    pub(crate) fn new(settings: Tls) -> Result<Self, Error> {
        let system_roots = match &settings.ca {
            Some(_) => None,
            None => Some(Arc::new(system_roots()?)),
        };
        let config = RwLock::new(Arc::new(config(&settings, system_roots.as_ref())?));
        let server_name = settings.server_name.as_deref().map(|name| named(name, &settings)).transpose()?;
        Ok(Self { settings, system_roots, config, server_name })
    }

    /// Reads the files again, after a failure of TLS: they may have been replaced. Files that cannot be used, or of which only
    /// some are new, change nothing.
    pub(crate) fn reload(&self) {
        if self.settings.has_files()
            && let Ok(config) = config(&self.settings, self.system_roots.as_ref())
        {
            *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        }
    }

    /// Carries out the handshake with a server over a stream.
    ///
    /// # Errors
    /// An error of the stream, or one that [`TlsClient::explain`] explains.
    pub(crate) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned()).map_err(|error| {
                io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("`{host}` is not the name of a host: {error}"),
                )
            })?,
        };
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        TlsConnector::from(config).connect(name, stream).await
    }

    /// Returns the explanation of an error of the handshake; `None` for errors of the network.
    pub(crate) fn explain_handshake(&self, error: &io::Error) -> Option<String> {
        let is_closed = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset);
        let is_name = error.kind() == io::ErrorKind::InvalidInput;
        self.explain(error)
            .or_else(|| is_closed.then(|| CLOSED.to_owned()))
            .or_else(|| is_name.then(|| error.to_string()))
    }

    /// Returns the explanation of an error of TLS; `None` for errors of the network.
    pub(crate) fn explain(&self, error: &io::Error) -> Option<String> {
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        let explanation = explain_reply(error, self.settings.cert.is_some());
        Some(explanation.unwrap_or_else(|| explain(error, self.settings.ca.is_some())))
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsClient").field(&self.settings).finish()
    }
}

fn config(settings: &Tls, system_roots: Option<&Arc<RootCertStore>>) -> Result<ClientConfig, Error> {
    // Explicit: the provider of the process belongs to the application.
    let provider = Arc::new(ring::default_provider());
    let roots = match (&settings.ca, system_roots) {
        (Some(pem), _) => Arc::new(roots_of(pem)?),
        (None, Some(roots)) => Arc::clone(roots),
        (None, None) => Arc::new(RootCertStore::empty()),
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_webpki_verifier(verifier.build().map_err(unusable)?);
    match (&settings.cert, &settings.key) {
        (Some(cert), Some(key)) => {
            let (chain, private) = (cert.certificates("cert")?, key.key("key")?);
            let config = builder.with_client_auth_cert(chain, private);
            config.map_err(|error| key.wrong("key", &format!("cannot be used with `cert`: {error}")))
        }
        (Some(cert), None) => Err(cert.wrong("cert", "needs `key`, the private key of the certificate")),
        (None, Some(key)) => Err(key.wrong("key", "needs `cert`, the certificate of the key")),
        (None, None) => Ok(builder.with_no_client_auth()),
    }
}

fn roots_of(pem: &Pem) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in pem.certificates("ca")? {
        let added = roots.add(certificate);
        added.map_err(|error| pem.wrong("ca", &format!("has a certificate that cannot be used: {error}")))?;
    }
    Ok(roots)
}

/// Reads the root certificates of the system. Those that cannot be read or used are left out.
fn system_roots() -> Result<RootCertStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added > 0 {
        return Ok(roots);
    }
    let cause = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
    let reason =
        format!("the system has no root certificates{cause}; install them, or write `?ca=PATH` or `Tls::ca`");
    Err(Error::config("url", "rediss", reason))
}

fn named(name: &str, settings: &Tls) -> Result<ServerName<'static>, Error> {
    ServerName::try_from(name.to_owned()).map_err(|error| {
        let (setting, part) = if settings.is_name_of_url { ("url", "sni=") } else { ("tls", "server_name ") };
        Error::config(setting, format!("{part}{name}"), format!("is not the name of a host: {error}"))
    })
}

fn unusable(error: impl fmt::Display) -> Error {
    Error::config("tls", "", error.to_string())
}
