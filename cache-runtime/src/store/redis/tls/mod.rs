//! TLS: the certificates and the handshake of a connection, without any network of its own.

mod client;
mod explain;
mod pem;
mod settings;

pub use self::settings::Tls;
pub(crate) use self::{client::TlsClient, explain::PLAIN};
