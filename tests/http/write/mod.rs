//! Handlers that change something, and the entries of handlers.

mod abandoned;
mod evict;
mod evict_with;
mod hung;
mod keys;
mod put;
mod racing;
mod shop;
