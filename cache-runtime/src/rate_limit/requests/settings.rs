//! The settings of a limit on requests.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use http::request::Parts;

use super::by::By;
use super::fields::FieldRules;
use super::refusal::MakeResponse;

/// Returns `true` for a request that the limit leaves alone.
type SkipRequest = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

/// The response to a request whose client cannot be identified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unidentified {
    /// `403`.
    #[default]
    Refuse,
    /// That of the service: the request is not limited.
    Pass,
}

/// The settings of a limit on requests.
#[derive(Clone)]
pub(in crate::rate_limit) struct RequestSettings {
    pub(super) by: By,
    pub(super) unidentified: Unidentified,
    pub(super) fields: FieldRules,
    pub(super) is_problem: bool,
    pub(super) respond: Option<MakeResponse>,
    pub(super) skip: Option<SkipRequest>,
    /// Warnings that were given: of a proxy, of a client that is not identified, of a route without a template.
    pub(super) is_told: Arc<[AtomicBool; 3]>,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            by: By::default(),
            unidentified: Unidentified::default(),
            fields: FieldRules { standard: true, with_x: false },
            is_problem: false,
            respond: None,
            skip: None,
            is_told: Arc::default(),
        }
    }
}

impl fmt::Debug for RequestSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSettings")
            .field("by", &self.by)
            .field("unidentified", &self.unidentified)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
