//! Clients that show each response as it was sent.

mod http1;
mod http2;
mod protocol;
mod wire;

pub use self::{
    http1::Http1,
    http2::{Http2, http2_request},
    protocol::Protocol,
    wire::Wire,
};
