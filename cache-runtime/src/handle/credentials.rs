//! The builder's settings about credentials.

use super::builder::Builder;

impl Builder {
    /// Adds request headers that identify a client, beside `Authorization`, `Cookie` and the well-known ones that the page on
    /// HTTP lists. A request with one of them bypasses handlers and layers that are neither `private` nor `shared`, unless
    /// their `vary` names the header.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().credential_headers(["X-Badge", "X-Seat"]);
    /// ```
    ///
    /// A name that is not the name of a header is an error of [`Builder::init`].
    pub fn credential_headers<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.credential_headers.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Adds cookies that do not identify a user, as globs of their names, beside the well-known ones of analytics services. A
    /// request with no other cookie is cached like one without cookies.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().harmless_cookies(["theme", "ab_*"]);
    /// // These alone, without the well-known ones.
    /// let builder = larder::Cache::builder().harmless_cookies([]).harmless_cookies(["theme"]);
    /// ```
    ///
    /// Names are case-sensitive. Responses must not depend on a cookie named here. An empty list removes all names, the
    /// well-known ones as well. A name that no cookie can have, or a glob of every name, is an error of [`Builder::init`].
    pub fn harmless_cookies<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names = names.into_iter().peekable();
        if names.peek().is_none() {
            self.harmless_cookies = (Vec::new(), true);
        }
        self.harmless_cookies.0.extend(names.map(str::to_owned));
        self
    }
}
