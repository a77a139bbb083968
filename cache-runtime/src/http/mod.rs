//! HTTP responses: stored whole, and served by the rules of RFC 9110, 9111 and 5861.
//!
//! `run` is the flow of a request. `rfc` holds the rules as functions of headers and times.

mod admit;
mod answer;
mod arguments;
#[cfg(feature = "axum")]
mod axum_body;
mod begun_frames;
mod body;
mod body_budget;
mod body_error;
mod bypass_reason;
mod cached;
mod client_conditions;
mod client_times;
mod client_uri;
mod collect;
mod credentials;
mod encoding;
mod etag_kind;
mod exchange;
mod fetch;
mod find;
mod guards;
mod header_memo;
mod key;
mod known_hosts;
mod layer;
mod layer_keys;
mod layer_miss;
mod layer_rules;
mod never_hit;
mod no_cache;
mod no_hits;
mod normalize;
mod options;
mod outcome;
mod pass;
#[cfg(feature = "session")]
mod personal;
mod purge;
#[cfg(feature = "axum")]
mod put;
mod ready_heads;
mod receive;
#[cfg(feature = "axum")]
mod rejection;
mod relocate;
mod reply;
mod request;
mod request_body;
mod response_rules;
mod rfc;
mod run;
mod scope;
mod sent_bodies;
mod service;
mod settings;
mod status_headers;
mod storability;
mod times;
mod url_key;
mod waiters;
mod wire;

pub use crate::types::max_age::IntoMaxAge;

#[doc(hidden)]
pub use self::outcome::{AsResponse, ExchangeOutcome};
pub use self::{
    body::CacheBody,
    body_error::IncompleteBody,
    cached::CachedResponse,
    etag_kind::EtagKind,
    layer::ResponseCacheLayer,
    no_cache::NoCache,
    options::MAX_BODY,
    scope::{ScopeFuture, ScopeLayer, ScopeService, scope},
    service::ResponseCache,
};

#[cfg(feature = "session")]
pub(crate) use self::personal::{PersonalMark, keep_private};
#[cfg(feature = "axum")]
pub(crate) use self::{
    admit::admitted,
    answer::hit,
    bypass_reason::BypassReason,
    client_conditions::ClientConditions,
    client_uri::{is_rewritten, original_uri},
    exchange::{ExchangeRules, ServiceCall},
    find::{Start, find},
    key::{HandlerKey, KeySource, ResponseKey},
    options::{Access, ResponseOptions},
    put::store,
    request::{CacheRequest, Freshness, Plan},
    request_body::ask_axum,
    rfc::host::{NamedHost, named as named_host},
    run::exchange,
    status_headers::{CacheResult, StatusHeaders},
    storability::DeclaredExpiry,
    times::date as http_date,
};
pub(crate) use self::{
    body_budget::{BODY_MEMORY, BodyBudget},
    credentials::CredentialRules,
    known_hosts::KnownHosts,
    sent_bodies::SentBodies,
};
