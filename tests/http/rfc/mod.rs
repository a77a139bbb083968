//! A shared cache by the RFCs (9110, 9111, 5861, 9211, 9213); each test names its section.

mod conditional;
mod credentials;
mod directives;
mod freshness;
mod keys;
mod lifetime;
mod methods;
mod reporting;
mod stale;
mod storing;
mod vary;
