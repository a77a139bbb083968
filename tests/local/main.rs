//! Copies in this process of what is stored in Redis.

mod coherence;
mod growth;
mod outage;
mod push;
