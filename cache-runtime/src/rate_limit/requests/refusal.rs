//! The responses to requests that are not admitted.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde_json::json;

use crate::rate_limit::verdict::Verdict;

/// Makes the response to a request that is not admitted.
pub(super) type MakeResponse = Arc<dyn Fn(&Verdict) -> Response<Bytes> + Send + Sync>;

/// The reason of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalReason {
    OverLimit,
    Outage,
    Unidentified,
}

impl RefusalReason {
    fn status(self) -> StatusCode {
        match self {
            Self::OverLimit => StatusCode::TOO_MANY_REQUESTS,
            Self::Outage => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unidentified => StatusCode::FORBIDDEN,
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::OverLimit => "Too Many Requests",
            Self::Outage => "Service Unavailable",
            Self::Unidentified => "The client cannot be identified",
        }
    }

    /// Returns the type of a problem (RFC 9457), as the draft of the header fields registers it.
    fn problem(self) -> &'static str {
        match self {
            Self::OverLimit => "https://iana.org/assignments/http-problem-types#quota-exceeded",
            Self::Outage => "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
            Self::Unidentified => "about:blank",
        }
    }

    /// Returns the response, without the fields of the limit.
    pub(super) fn response(self, verdict: &Verdict, is_problem: bool) -> Response<Bytes> {
        let (body, content_type) = if is_problem {
            let violated: Vec<&str> = match self {
                Self::OverLimit => verdict.reported().map(|window| &*window.name).collect(),
                Self::Outage | Self::Unidentified => Vec::new(),
            };
            let mut problem = json!({
                "type": self.problem(),
                "title": self.detail(),
                "status": self.status().as_u16(),
            });
            if !violated.is_empty() {
                problem["violated-policies"] = json!(violated);
            }
            (problem, "application/problem+json")
        } else {
            (json!({ "detail": self.detail() }), "application/json")
        };
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        // It is about this client and this moment.
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
