//! The operations of the store as commands and scripts. On a cluster, each touches one slot.

mod arguments;
mod call;
mod confirmed;
mod decode;
mod labels;
mod late_tags;
mod leases;
mod operations;
mod pages;
mod read_many;
#[cfg(feature = "revoke")]
mod read_strings;
#[cfg(feature = "companions")]
mod run_script;
mod script;
mod slot_report;
mod slots;
mod tag_scripts;
mod walk;
