//! The operations of the store as commands and scripts. On a cluster, each touches one slot.

mod arguments;
mod call;
mod confirmed;
mod decode;
#[cfg(feature = "event_log")]
mod dedicated;
mod labels;
mod late_tags;
mod leases;
#[cfg(feature = "event_log")]
mod messages;
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

#[cfg(feature = "event_log")]
pub(crate) use self::dedicated::Dedicated;
