//! Every option of a `Policy`, through a function, a handler and a layer.

mod refused;
mod times;
mod world;
