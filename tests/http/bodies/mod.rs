//! Bodies: stored whole or passed through as they arrive.

mod asked;
mod broken;
mod feed;
mod incomplete;
mod passed;
mod whole;
