//! The way of a request: identified, counted, and admitted or refused.

use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use super::fields::set_retry_after;
use super::refusal::RefusalReason;
use super::settings::Unidentified;
use crate::observe::trace;
use crate::rate_limit::ledger::LedgerOp;
use crate::rate_limit::limit::RateLimit;
use crate::rate_limit::verdict::Verdict;

/// The scope of requests without a template of a route.
const NO_ROUTE: &str = "default";

/// The outcome for a request.
pub(super) enum Admission {
    /// The limit leaves the request alone.
    Unlimited,
    Admitted(Verdict),
    Refused(Response<Bytes>),
}

impl RateLimit {
    /// Decides about a request.
    pub(super) async fn admit(&self, parts: &mut Parts) -> Admission {
        let requests = &self.requests;
        if requests.skip.as_ref().is_some_and(|skip| skip(parts)) {
            return Admission::Unlimited;
        }
        let scope = self.scope_of(parts);
        if let Some(warning) = requests.by.warning(parts) {
            self.warn_once(0, || warning);
        }
        let Some(identity) = requests.by.identify(parts) else { return self.unidentified_client(&scope) };
        let client = self.settings.client(&scope, &identity);
        let verdict = self.settings.decide(&scope, client, LedgerOp::Hit(self.settings.cost)).await;
        if !verdict.allowed {
            let refusal =
                if verdict.windows.is_empty() { RefusalReason::Outage } else { RefusalReason::OverLimit };
            return Admission::Refused(self.refused(&verdict, refusal));
        }
        parts.extensions.insert(verdict.clone());
        Admission::Admitted(verdict)
    }

    /// Adds the fields of a verdict to the response of the service. A redirect has none: clients would wait before they follow it.
    pub(super) fn add_fields<B>(&self, verdict: &Verdict, response: &mut Response<B>) {
        if !self.settings.shadow && !response.status().is_redirection() {
            self.requests.fields.add(verdict, response.headers_mut());
        }
    }

    fn refused(&self, verdict: &Verdict, refusal: RefusalReason) -> Response<Bytes> {
        let mut response = match &self.requests.respond {
            Some(respond) => respond(verdict),
            None => refusal.response(verdict, self.requests.is_problem),
        };
        if refusal != RefusalReason::Unidentified {
            set_retry_after(verdict, response.headers_mut());
        }
        self.add_fields(verdict, &mut response);
        response
    }

    fn unidentified_client(&self, scope: &str) -> Admission {
        let passes = self.requests.unidentified == Unidentified::Pass || self.settings.shadow;
        self.warn_once(1, || {
            let effect = if passes { "is not limited" } else { "is refused" };
            format!(
                "a request has nothing that identifies its client for a rate limit and {effect}; it needs {}",
                self.requests.by.remedy()
            )
        });
        self.settings.record_unknown(scope, passes);
        match passes {
            true => Admission::Unlimited,
            false => {
                Admission::Refused(self.refused(&Verdict::uncounted(false), RefusalReason::Unidentified))
            }
        }
    }

    /// Returns the scope: the one that was set, or the template of the route.
    fn scope_of(&self, parts: &Parts) -> String {
        if let Some(scope) = &self.settings.scope {
            return (**scope).to_owned();
        }
        #[cfg(feature = "axum")]
        if let Some(path) = parts.extensions.get::<::axum::extract::MatchedPath>() {
            return path.as_str().to_owned();
        }
        let _ = parts;
        self.warn_once(2, || {
            "a rate limit without a `scope` does not know the route, so that all its routes count together; add its layer by \
             `route_layer`, or name the scope"
                .to_owned()
        });
        NO_ROUTE.to_owned()
    }

    fn warn_once(&self, warning: usize, text: impl FnOnce() -> String) {
        if !self.requests.is_told[warning].swap(true, Relaxed) {
            trace::warn(&text());
        }
    }
}
