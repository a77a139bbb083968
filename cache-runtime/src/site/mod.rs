//! A cached function as generated code describes it: its call site, one call, its arguments, its result, its body.

pub(crate) mod body;
pub(crate) mod call_site;
pub(crate) mod expiries;
pub(crate) mod outcome;
pub(crate) mod policy;
pub(crate) mod probe;
pub(crate) mod rules;
pub(crate) mod text;
