//! Redis in every state, from absent to overloaded.

mod abandoned;
mod breaker;
mod descriptors;
mod foreign;
mod keys;
mod line;
mod outage;
mod pending_outage;
mod pending_refused;
mod refusals;
mod replica;
mod secrets;
mod waits;
