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
        self.store.credentials = Some(provider(provide));
        self
    }

    /// Sets the TLS settings of connections to sentinels. Default: the parameters of the URL that begin with `sentinel_`, and
    /// without any those of the servers, apart from the server name.
    ///
    /// With a URL that has no sentinels with TLS, this is an error of [`Builder::init`] and [`Builder::build`]:
    /// `rediss+sentinel://`, or `redis+sentinel://` with `sentinel_tls=on`. No effect on `memory://`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let pem = Vec::new();
    /// use larder::{Cache, Tls};
    ///
    /// let builder =
    ///     Cache::builder().url("rediss+sentinel://s1,s2,s3/mymaster").sentinel_tls(Tls::new().ca(pem));
    /// ```
    #[cfg(all(feature = "sentinel", feature = "tls"))]
    pub fn sentinel_tls(mut self, tls: Tls) -> Self {
        self.store.sentinel_tls = Some(tls);
        self
    }

    /// Provides the credentials of each connection to a sentinel, as [`Builder::credentials`] does for the servers. Default:
    /// `sentinel_user` and `sentinel_pass` of the URL. No effect on `memory://`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # async fn token() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// let builder = larder::Cache::builder()
    ///     .url("redis+sentinel://s1,s2,s3/mymaster")
    ///     .sentinel_credentials(|| async { Ok(("watcher", token().await?)) });
    /// ```
    #[cfg(feature = "sentinel")]
    pub fn sentinel_credentials<C, F>(mut self, provide: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        C: Into<Credentials>,
        F: Future<Output = Result<C, Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        self.store.sentinel_credentials = Some(provider(provide));
        self
    }
}

fn provider<C, F>(provide: impl Fn() -> F + Send + Sync + 'static) -> CredentialsProvider
where
    C: Into<Credentials>,
    F: Future<Output = Result<C, Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    CredentialsProvider::new(move || {
        let provided = provide();
        async move { provided.await.map(Into::into) }
    })
}
