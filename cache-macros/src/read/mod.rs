//! Read: one reader for each option that needs more than its expression, or for a few that belong together.

pub(crate) mod background;
pub(crate) mod call_site;
pub(crate) mod copies;
pub(crate) mod duration;
pub(crate) mod entry;
pub(crate) mod entry_arguments;
pub(crate) mod ignore;
pub(crate) mod key;
pub(crate) mod krate;
pub(crate) mod late;
pub(crate) mod many;
pub(crate) mod placeholder;
pub(crate) mod policy;
pub(crate) mod response;
pub(crate) mod runtime_options;
pub(crate) mod tags;
pub(crate) mod template;
pub(crate) mod url;
pub(crate) mod value;
