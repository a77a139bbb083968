//! No response reaches another client than the one it was made for.

mod app;
mod cookies;
mod handlers;
mod layer;
mod personal;
mod proofs;
mod table;
mod tokens;
