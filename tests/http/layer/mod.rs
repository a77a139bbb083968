//! The layer: its keys, each of its settings, and the services behind it.

mod client_times;
mod guards;
mod hosts;
mod keys;
mod methods;
mod minute;
mod queries;
mod responses;
mod rules;
mod services;
mod settings;
