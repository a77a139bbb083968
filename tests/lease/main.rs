//! One computation of a key at a time among processes.

mod clocks;
mod pair;
mod processes;
