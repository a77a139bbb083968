//! The settings of the access to Redis: TLS and credentials.

use std::error::Error as StdError;

use super::builder::Builder;
#[cfg(feature = "tls")]
use crate::store::Tls;
use crate::store::{Credentials, CredentialsProvider};

impl Builder {
    /// Sets the TLS settings of a `rediss://` URL. Default: the parameters of the URL.
    ///
    /// With a URL of Redis that has no TLS, this is an error of [`Builder::init`] and [`Builder::build`], as are a file or a
    /// certificate that cannot be read, and a key that does not belong to its certificate. No effect on `memory://`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let pem = Vec::new();
    /// use larder::{Cache, Tls};
    ///
    /// let builder = Cache::builder().url("rediss://cache.internal:6380").tls(Tls::new().ca(pem));
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.store.tls = Some(tls);
        self
    }

    /// Provides the credentials of each connection to Redis, in place of a user and a password in the URL: for passwords that
    /// are rotated, and for tokens that expire. Default: those of the URL. No effect on `memory://`.
    ///
    /// The closure runs for each connection that is opened, within [`Builder::connect_timeout`], on a tokio runtime. Connections
    /// that are open stay open when the credentials change. While the closure fails or panics, there is no new connection: a
    /// warning has its error, and functions run uncached.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # async fn token() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// let builder = larder::Cache::builder()
    ///     .url("redis://localhost:6379")
    ///     .credentials(|| async { Ok(("myapi", token().await?)) });
    /// ```
    pub fn credentials<C, F>(mut self, provide: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        C: Into<Credentials>,
        F: Future<Output = Result<C, Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        let provide = move || {
            let provided = provide();
            async move { provided.await.map(Into::into) }
        };
        self.store.credentials = Some(CredentialsProvider::new(provide));
        self
    }
}
