//! The client's side of TLS.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
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

/// The client's side of TLS. The root certificates are read once, when a `TlsClient` is made.
pub(crate) struct TlsClient {
    config: Arc<ClientConfig>,
    /// The name in place of the server's host.
    server_name: Option<ServerName<'static>>,
    has_own_ca: bool,
    has_client_cert: bool,
}

impl TlsClient {
    /// Reads the files, and the root certificates of the system if there is no `ca`.
    ///
    /// # Errors
    /// [`Error::Config`] with the setting that cannot be used.
    pub(crate) fn new(settings: &Tls) -> Result<Self, Error> {
        // Explicit: the provider of the process belongs to the application.
        let provider = Arc::new(ring::default_provider());
        let roots = match &settings.ca {
            Some(pem) => roots_of(pem)?,
            None => system_roots()?,
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = builder.with_webpki_verifier(verifier(roots, &provider)?);
        let config = match (&settings.cert, &settings.key) {
            (Some(cert), Some(key)) => {
                let (chain, private) = (cert.certificates("cert")?, key.key("key")?);
                builder
                    .with_client_auth_cert(chain, private)
                    .map_err(|error| key.wrong("key", &format!("cannot be used with `cert`: {error}")))?
            }
            (Some(cert), None) => {
                return Err(cert.wrong("cert", "needs `key`, the private key of the certificate"));
            }
            (None, Some(key)) => return Err(key.wrong("key", "needs `cert`, the certificate of the key")),
            (None, None) => builder.with_no_client_auth(),
        };
        Ok(Self {
            config: Arc::new(config),
            server_name: settings.server_name.as_deref().map(|name| named(name, settings)).transpose()?,
            has_own_ca: settings.ca.is_some(),
            has_client_cert: settings.cert.is_some(),
        })
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
        TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await
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
        Some(explain_reply(error, self.has_client_cert).unwrap_or_else(|| explain(error, self.has_own_ca)))
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient")
            .field("server_name", &self.server_name)
            .field("has_own_ca", &self.has_own_ca)
            .field("has_client_cert", &self.has_client_cert)
            .finish_non_exhaustive()
    }
}

fn verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(unusable)
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
