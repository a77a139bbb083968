//! No response reaches another client than the one it was made for.

mod app;
mod cookies;
mod handlers;
mod layer;
mod never_hits;
mod personal;
mod table;
mod tokens;
