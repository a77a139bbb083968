//! A cached function as generated code describes it: its call site, policy, arguments, result and body.

pub(crate) mod arguments;
pub(crate) mod body;
pub(crate) mod cacheable;
pub(crate) mod call_site;
pub(crate) mod class;
pub(crate) mod comparison;
mod entry_identities;
pub(crate) mod expiries;
pub(crate) mod extractor;
pub(crate) mod ignore_in_key;
pub(crate) mod kind;
pub(crate) mod late_tags;
pub(crate) mod many_body;
pub(crate) mod many_id;
pub(crate) mod many_probe;
pub(crate) mod many_result;
pub(crate) mod outcome;
pub(crate) mod path;
pub(crate) mod policy;
pub(crate) mod probe;
pub(crate) mod refusal;
pub(crate) mod rules;
pub(crate) mod tag_list;
pub(crate) mod text;
pub(crate) mod typed_source;
pub(crate) mod value_caps;
