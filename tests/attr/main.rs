//! The options of the attributes.

mod abandoned;
mod cache;
mod codec;
mod entry;
mod evict;
mod evict_with;
mod expire;
mod expire_with;
mod facade_path;
mod group;
mod ignore;
mod key;
mod name;
mod none_expire;
mod policy;
mod put;
mod put_lease;
mod refresh_bypass;
mod stale;
mod stale_panic;
mod tags;
mod tags_with;
mod version;
mod when_unless;
