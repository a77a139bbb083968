//! Channels: publish and subscribe, at most once.

mod handle;
mod listener;
mod stream;
#[cfg(feature = "redis")]
mod subscriber;
mod topics;

#[cfg(feature = "axum")]
pub(super) use self::listener::ChannelListener;
pub use self::{handle::Channel, stream::ChannelStream};
