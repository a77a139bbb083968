//! Redis in every state that it can be in.

mod breaker;
mod descriptors;
mod keys;
mod line;
mod outage;
mod pending_outage;
mod pending_refused;
mod refusals;
mod replica;
mod secrets;
