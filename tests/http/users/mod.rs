//! No response reaches another client than the one it was made for.

mod app;
mod handlers;
mod layer;
mod tokens;
