//! Sessions of browsers.

mod app;
mod browser;
mod deployments;
mod input;
mod login;
mod outage;
mod values;

/// The name of the cookie that the tests use.
const COOKIE: &str = "__Host-id";
