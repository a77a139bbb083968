//! The layer: its keys, each of its settings, and the services behind it.

mod client_times;
mod keys;
mod methods;
mod minute;
mod responses;
mod services;
mod settings;
