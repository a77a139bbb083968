//! Wire: what the coordinator and its workers say to each other, one JSON text a line.

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc;

/// Which cached function, and its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub kind: Kind,
    pub id: u8,
}

/// The cached functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A key and nothing else.
    Plain,
    /// In a group with its siblings.
    Grouped,
    /// With a tag of its own, and one that it shares.
    Tagged,
    /// In a group, with a tag; lives so briefly that it is computed most of the time.
    Brief,
    /// `stale_while_revalidate` and `refresh_ahead`.
    Stale,
    /// The same with `soft_timeout`, in a group.
    Patient,
    /// `stale_if_error`.
    Spare,
    /// `try_remember` of the handle.
    Handle,
    /// A synchronous function.
    Blocking,
}

/// What a worker is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Call(Key),
    /// Calls, and drops the call when so many milliseconds have passed.
    Abandon(Key, u64),
    /// Computes whatever is stored.
    Refresh(Key),
    Invalidate(Key),
    /// Ends the life of the entry; what is stale may still be served.
    Expire(Key),
    /// Invalidates by the handle, with the text of the key.
    Delete(Key),
    /// The key by a glob.
    Pattern(Key),
    Put(Key, Reading),
    /// The group that the key is in.
    Group(Key),
    /// The tag that is its own.
    Tag(Key),
    /// The tag that many share.
    Everyone,
    Clear,
}

/// What is read from the database, and so what is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub version: u64,
    /// Which computation read it, or which put wrote it.
    pub origin: u64,
}

/// The function failed, in this computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken(pub u64);

/// How an act ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Value(Reading),
    Failed(Broken),
    /// Carried out.
    Done,
    /// Not carried out, as far as the cache knows.
    Refused(String),
    /// The call was dropped.
    Abandoned,
    /// The worker was killed.
    Killed,
}

/// From the coordinator.
#[derive(Debug, Serialize, Deserialize)]
pub enum Down {
    Act(u64, Act),
    Read(u64, Result<Reading, Broken>),
}

/// From a worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Up {
    /// The first word: which worker, and how often it was started.
    Hello(usize, u64),
    /// A computation begins: the number of its question, the key, the act that it is for.
    Read(u64, Key, u64),
    /// An act ended; and whether the store failed anybody in this process meanwhile.
    Done(u64, Outcome, bool),
    /// The store failed somebody in this process.
    Trouble,
}

/// A connection: lines come from one end, and go to the other from anywhere.
pub struct Wire {
    pub lines: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    pub out: mpsc::UnboundedSender<String>,
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        // Not fatal: lines are only slower.
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

/// A message as a line.
pub fn line(message: &impl Serialize) -> String {
    let mut text = serde_json::to_string(message).expect("messages are plain");
    text.push('\n');
    text
}
