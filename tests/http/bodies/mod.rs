//! Bodies: stored whole or passed through as they arrive.

mod broken;
mod feed;
mod incomplete;
mod memory;
mod passed;
mod whole;
