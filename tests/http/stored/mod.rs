//! Stored responses: complete and unchanged, or not stored at all.

mod page;
mod refused;
mod replay;
