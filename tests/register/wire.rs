//! The wire: messages between the coordinator and its workers, one JSON text a line.

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc;

/// A cached function and its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub kind: Kind,
    pub id: u8,
}

/// The cached functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A function with a readable key.
    Plain,
    /// A function in a group.
    Grouped,
    /// A function with its own tag and a shared one.
    Tagged,
    /// A function in a group, with a tag and such a short expiry that most calls compute.
    Brief,
    /// A function with `stale_while_revalidate` and `refresh_ahead`.
    Stale,
    /// The same with `soft_timeout`, in a group.
    Patient,
    /// A function with `stale_if_error`.
    Spare,
    /// A function whose values name their tags.
    Late,
    /// `try_remember` of the handle.
    Handle,
    /// A synchronous function.
    Blocking,
}

/// An act of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Call(Key),
    /// Computes in any case.
    Refresh(Key),
    Invalidate(Key),
    /// Expires the entry, which may still be served stale.
    Expire(Key),
    /// Invalidates through the handle, by the text of the key.
    Delete(Key),
    /// Deletes the key by a glob.
    Pattern(Key),
    Put(Key, Reading),
    /// Drops the group of the key.
    Group(Key),
    /// Invalidates the key's own tag.
    Tag(Key),
    /// Invalidates the shared tag.
    Everyone,
    Clear,
}

/// A reading of the database, which is the cached value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub version: u64,
    /// The computation that read the version, or the put that wrote it.
    pub origin: u64,
}

/// The error of a computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken(pub u64);

/// The outcome of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Value(Reading),
    Failed(Broken),
    /// The act was carried out.
    Done,
    /// The cache reports that the act was not carried out.
    Refused(String),
    /// The act was dropped.
    Abandoned,
    /// The worker was killed.
    Killed,
}

/// A message of the coordinator.
#[derive(Debug, Serialize, Deserialize)]
pub enum Down {
    /// An act with its number, and the milliseconds after which it is dropped, if it is.
    Act(u64, Act, Option<u64>),
    Read(u64, Result<Reading, Broken>),
}

/// A message of a worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Up {
    /// The first message: the worker and the number of its starts.
    Hello(usize, u64),
    /// A computation begins: the number of its request, the key, and the act that caused it.
    Read(u64, Key, u64),
    /// An act ended; with true if the store failed in this process meanwhile.
    Done(u64, Outcome, bool),
    /// The store failed in this process.
    StoreFailed,
}

/// A connection that receives lines in one task, and sends lines from any.
pub struct Wire {
    pub lines: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    pub out: mpsc::UnboundedSender<String>,
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        // A failure only makes lines slower.
        drop(stream.set_nodelay(true));
        let (read, mut write) = stream.into_split();
        let (out, mut lines) = mpsc::unbounded_channel::<String>();
        tokio::spawn(async move {
            while let Some(mut text) = lines.recv().await {
                while let Ok(more) = lines.try_recv() {
                    text.push_str(&more);
                }
                if write.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        Self { lines: BufReader::new(read).lines(), out }
    }
}

/// Formats a message as a line.
pub fn line(message: &impl Serialize) -> String {
    let mut text = serde_json::to_string(message).expect("messages are plain");
    text.push('\n');
    text
}
