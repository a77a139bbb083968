//! Functions that may be refreshed in the background, in every shape.

mod arguments;
mod bodies;
mod calls;
mod methods;
