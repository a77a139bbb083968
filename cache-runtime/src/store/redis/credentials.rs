//! Credentials that the application provides for each connection.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::rt::io;

/// A user and a password of Redis, for [`Builder::credentials`](crate::Builder::credentials).
///
/// ```
/// # use larder_runtime as larder;
/// use larder::Credentials;
///
/// let named = Credentials::new("myapi", "secret");
/// let of_default_user = Credentials::password("secret");
/// assert_eq!(Credentials::from(("myapi", "secret")), named);
/// assert!(!format!("{named:?}").contains("secret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub(crate) user: Option<String>,
    pub(crate) password: String,
}

impl Credentials {
    /// Returns the credentials of a user.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: Some(user.into()), password: password.into() }
    }

    /// Returns a password of the user `default`.
    pub fn password(password: impl Into<String>) -> Self {
        Self { user: None, password: password.into() }
    }
}

impl<U: Into<String>, P: Into<String>> From<(U, P)> for Credentials {
    fn from((user, password): (U, P)) -> Self {
        Self::new(user, password)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// The error of a closure that panicked, which the panic hook has reported.
const PANIC: &str = "the closure of `credentials` panicked";

type Provided = Result<Credentials, Box<dyn StdError + Send + Sync>>;
type Provide = dyn Fn() -> Pin<Box<dyn Future<Output = Provided> + Send>> + Send + Sync;

/// The application's closure that provides the credentials of a connection.
#[derive(Clone)]
pub(crate) struct CredentialsProvider(Arc<Provide>);

impl CredentialsProvider {
    pub(crate) fn new<F>(provide: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Provided> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(provide())))
    }

    /// Returns credentials for one connection.
    ///
    /// # Errors
    /// A text with the closure's error. A panic of the closure is one.
    pub(crate) async fn provide(&self) -> Result<Credentials, String> {
        let provide = Arc::clone(&self.0);
        // On the runtime that always runs: a client of the application may leave connections on the runtime that first uses it, and the
        // runtime of this connection may end, or be driven only now and then.
        let provided = io::run(async move { provide().await }).await;
        provided.ok_or(PANIC)?.map_err(|error| format!("the closure of `credentials` failed: {error}"))
    }
}

impl fmt::Debug for CredentialsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsProvider")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_runs_where_its_connections_stay_alive() {
        let provider = CredentialsProvider::new(|| async {
            tokio::task::yield_now().await;
            Ok(Credentials::password(tokio::runtime::Handle::current().id().to_string()))
        });
        let own = io::handle().expect("a runtime").id().to_string();
        assert_eq!(provider.provide().await.expect("credentials").password, own);
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let early = CredentialsProvider::new(|| -> std::future::Ready<Provided> { panic!("early") });
        let late = CredentialsProvider::new(|| async {
            tokio::task::yield_now().await;
            panic!("late")
        });
        for provider in [early, late] {
            let error = provider.provide().await.expect_err("it panics");
            assert!(error.contains("panicked"), "{error}");
        }
    }
}
