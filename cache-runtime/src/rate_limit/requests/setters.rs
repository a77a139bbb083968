//! The setters of a limit on requests.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use super::by::By;
use super::settings::Unidentified;
use crate::rate_limit::limit::RateLimit;
use crate::rate_limit::verdict::Verdict;

impl RateLimit {
    /// Sets the part of a request that identifies its client. Default: [`By::ip`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::{By, RateLimit};
    ///
    /// let limit = RateLimit::new("100/minute").by(By::ip().trust(["10.0.0.0/8"]));
    /// ```
    pub fn by(mut self, by: By) -> Self {
        self.requests.by = by;
        self
    }

    /// Sets the response to a request whose client cannot be identified. Default: [`Unidentified::Refuse`]. Such requests never share a
    /// count, and a warning says once what is missing.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::{By, RateLimit, Unidentified};
    ///
    /// let limit = RateLimit::new("100/minute").by(By::header("x-api-key")).unidentified(Unidentified::Pass);
    /// ```
    pub fn unidentified(mut self, unidentified: Unidentified) -> Self {
        self.requests.unidentified = unidentified;
        self
    }

    /// Leaves requests alone for which `skip` returns `true`: they are not counted, and their responses have no fields of the limit.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("100/minute").skip_when(|parts| parts.method == "OPTIONS");
    /// ```
    pub fn skip_when(mut self, skip: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.requests.skip = Some(Arc::new(skip));
        self
    }

    /// Sets whether responses have `RateLimit-Policy` and `RateLimit`. Default: `true`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("100/minute").fields(false);
    /// ```
    pub fn fields(mut self, fields: bool) -> Self {
        self.requests.fields.standard = fields;
        self
    }

    /// Sets whether responses have `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, which is the time in seconds
    /// since 1970. Default: `false`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("100/minute").x_fields(true);
    /// ```
    pub fn x_fields(mut self, fields: bool) -> Self {
        self.requests.fields.with_x = fields;
        self
    }

    /// Sets whether refusals are `application/problem+json`, with the problem types of the draft. Default: `false`, `{"detail":"Too Many
    /// Requests"}`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("100/minute").problem_json(true);
    /// ```
    pub fn problem_json(mut self, problem: bool) -> Self {
        self.requests.is_problem = problem;
        self
    }

    /// Makes the response to a request that is not admitted. `Retry-After` and the fields of the limit are added to it.
    ///
    /// A verdict without [`windows`](Verdict::windows) is one for which nothing could be counted, see
    /// [`OnOutage::Closed`](crate::rate_limit::OnOutage::Closed) and [`Unidentified::Refuse`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("100/minute").respond_with(|verdict| {
    ///     let status = if verdict.windows.is_empty() { 503 } else { 429 };
    ///     let body = format!("Slow down: {} requests in a minute.", verdict.limit);
    ///     http::Response::builder().status(status).body(body.into()).unwrap()
    /// });
    /// ```
    pub fn respond_with(
        mut self,
        respond: impl Fn(&Verdict) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.requests.respond = Some(Arc::new(respond));
        self
    }
}
