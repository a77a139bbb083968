//! Redis in every state, from absent to overloaded.

mod abandoned;
mod breaker;
mod burst;
mod descriptors;
mod foreign;
mod keys;
mod large;
mod line;
mod outage;
mod pending_outage;
mod pending_refused;
mod refusals;
mod replica;
mod secrets;
mod told;
mod waits;
