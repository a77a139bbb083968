//! Cached responses, of handlers and behind the layer.

mod arguments;
mod background;
mod bodies;
mod compared;
mod compression;
mod conditional;
mod conditions;
mod engine;
mod extract;
mod garbage;
mod handler;
mod http2;
mod layer;
mod never_hits;
mod paths;
mod policy;
mod ranges;
mod repeated;
mod rfc;
mod stored;
mod streams;
mod unread;
mod users;
mod vary;
mod write;
