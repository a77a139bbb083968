//! Tables: entries with a loader, without an attribute.

mod builder;
mod bulk;
mod entries;
mod load;
mod loaded;
mod rules;
mod single;

pub use self::{
    builder::TableBuilder,
    bulk::BulkTable,
    loaded::{Loaded, LoadedMany},
    single::Table,
};
