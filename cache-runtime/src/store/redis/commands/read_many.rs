//! Reads of several entries: by chunks on one server, by node on a cluster.

use std::collections::HashMap;

use bytes::Bytes;
use redis::Value;

use super::arguments::command;
use super::decode;
use crate::rt::join::join_all;
use crate::store::contract::StoreRead;
use crate::store::redis::connect::{Command, Request, strings};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;
use crate::types::key::{Key, Labels};
use crate::types::stamp::CurrentStamps;

/// The largest number of keys of one command, which holds up all other commands of the server.
const CHUNK: usize = 128;

/// The number of commands for a node that are sent before the first of them is answered.
const AT_ONCE: usize = 64;

/// The positions of entries, and what was read of each.
type ReadPart = (Vec<usize>, Vec<Result<StoreRead, Error>>);

/// The keys of one `MGET`: entries, then their labels, each once.
struct Chunk<'k> {
    /// The positions of the entries among all of them.
    positions: Vec<usize>,
    labels: Vec<&'k str>,
    /// The positions of the labels in `labels`.
    known: HashMap<&'k str, usize>,
}

impl RedisStore {
    /// Returns entries with the stamps of their labels.
    pub(super) async fn read_all(&self, entries: &[(&Key, Labels<'_>)]) -> Vec<Result<StoreRead, Error>> {
        let parts: Vec<ReadPart> = if self.nodes.is_sharded() {
            join_all(self.by_node(entries).into_iter().map(|positions| self.read_of_node(entries, positions)))
                .await
        } else {
            let mut chunks = chunks(entries);
            // The positions in a single chunk are those of the entries.
            if chunks.len() == 1
                && let Some(chunk) = chunks.pop()
            {
                return self.read_chunk(entries, chunk).await.1;
            }
            join_all(chunks.into_iter().map(|chunk| self.read_chunk(entries, chunk))).await
        };
        let mut reads: Vec<Option<Result<StoreRead, Error>>> = entries.iter().map(|_| None).collect();
        for (positions, part) in parts {
            positions.into_iter().zip(part).for_each(|(position, read)| reads[position] = Some(read));
        }
        // Every entry is in one part.
        reads.into_iter().map(|read| read.unwrap_or_else(|| Ok(StoreRead::default()))).collect()
    }

    /// Reads a chunk with one command.
    async fn read_chunk(&self, entries: &[(&Key, Labels<'_>)], chunk: Chunk<'_>) -> ReadPart {
        let Chunk { positions, labels, known } = chunk;
        let keys = positions.iter().map(|position| entries[*position].0.as_str());
        let get = command("MGET", keys.chain(labels.iter().copied()));
        let slot = positions.first().map_or(Slot::Number(0), |first| Slot::of(entries[*first].0.as_str()));
        let reply = self.nodes.send(slot, Request::read(self.nodes.limit(), Command::uncut(get))).await;
        let decoded = reply
            .and_then(|reply| self.known(slot, "read", decode_chunk(reply, positions.len(), labels.len())));
        let reads = match decoded {
            Ok((values, stamps)) => {
                let with_stamps = |(position, bytes): (&usize, _)| {
                    let own = entries[*position].1.iter();
                    let own = own.map(|label| known.get(label).and_then(|index| stamps[*index])).collect();
                    Ok(StoreRead { bytes, stamps: own })
                };
                positions.iter().zip(values).map(with_stamps).collect()
            }
            Err(error) => positions.iter().map(|_| Err(error.clone())).collect(),
        };
        (positions, reads)
    }

    /// Reads the entries of one node of a cluster, each with a command of its own, because no command touches two slots. After
    /// the first that is not answered, no other one is sent: a call waits for a node once.
    async fn read_of_node(&self, entries: &[(&Key, Labels<'_>)], positions: Vec<usize>) -> ReadPart {
        let (mut reads, mut unanswered) = (Vec::with_capacity(positions.len()), None);
        for some in positions.chunks(AT_ONCE) {
            if let Some(error) = &unanswered {
                reads.extend(some.iter().map(|_| Err(Error::clone(error))));
                continue;
            }
            let read = some
                .iter()
                .map(|position| self.read_sized(entries[*position].0, entries[*position].1, false));
            let replies = join_all(read).await;
            let is_unanswered =
                |error: &&Error| matches!(error, Error::Timeout { .. } | Error::Unavailable { .. });
            unanswered = replies.iter().filter_map(|read| read.as_ref().err()).find(is_unanswered).cloned();
            reads.extend(replies);
        }
        (positions, reads)
    }

    /// Groups entries by the owners of their slots.
    fn by_node(&self, entries: &[(&Key, Labels<'_>)]) -> Vec<Vec<usize>> {
        let topology = self.nodes.topology();
        let mut nodes: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
        for (position, (key, _)) in entries.iter().enumerate() {
            let owner = topology.position(Slot::of(key.as_str()).number());
            nodes.entry(owner).or_default().push(position);
        }
        nodes.into_values().collect()
    }
}

/// Cuts entries into chunks of at most [`CHUNK`] keys. The labels of an entry are in its own chunk, so that both are read at one
/// moment.
fn chunks<'k>(entries: &[(&Key, Labels<'k>)]) -> Vec<Chunk<'k>> {
    let mut chunks: Vec<Chunk<'k>> = Vec::new();
    for (position, (_, labels)) in entries.iter().enumerate() {
        let fits = |chunk: &&mut Chunk<'k>| {
            let new = labels.iter().filter(|label| !chunk.known.contains_key(label)).count();
            chunk.positions.len() + chunk.labels.len() + new < CHUNK
        };
        let index = match chunks.last_mut().filter(fits) {
            Some(_) => chunks.len() - 1,
            None => {
                chunks.push(Chunk { positions: Vec::new(), labels: Vec::new(), known: HashMap::new() });
                chunks.len() - 1
            }
        };
        let chunk = &mut chunks[index];
        chunk.positions.push(position);
        for label in labels.iter() {
            chunk.known.entry(label).or_insert_with(|| {
                chunk.labels.push(label);
                chunk.labels.len() - 1
            });
        }
    }
    chunks
}

/// Decodes the reply to `MGET entry.. label..`, which has no errors: a value of another type is absent.
fn decode_chunk(reply: Value, entries: usize, labels: usize) -> Option<(Vec<Option<Bytes>>, CurrentStamps)> {
    let Value::BulkString(text) = reply else { return None };
    let mut values = strings(&Bytes::from(text))?;
    if values.len() != entries + labels {
        return None;
    }
    let stamps = values.drain(entries..).map(|value| decode::stamp(&value?)).collect();
    Some((values, stamps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::key::Label;

    #[test]
    fn a_chunk_has_at_most_128_keys() {
        let keys: Vec<Key> = (0..1_000).map(|n| Key::new(n.to_string(), 0, 0)).collect();
        let plain: Vec<_> = keys.iter().map(|key| (key, Labels { group: None, tags: &[] })).collect();
        let sizes = |chunks: &[Chunk<'_>]| -> Vec<usize> {
            chunks.iter().map(|chunk| chunk.positions.len() + chunk.labels.len()).collect()
        };
        assert_eq!(sizes(&chunks(&plain)), [128, 128, 128, 128, 128, 128, 128, 104]);
        let shared = [Label::tag("", "users")];
        let tagged: Vec<_> = keys.iter().map(|key| (key, Labels { group: None, tags: &shared })).collect();
        assert!(sizes(&chunks(&tagged)).iter().all(|size| *size <= CHUNK));
        assert_eq!(chunks(&tagged).iter().map(|chunk| chunk.labels.len()).sum::<usize>(), 8);
        let own: Vec<[Label; 2]> =
            (0..1_000).map(|n| [Label::tag("", &n.to_string()), Label::tag("", "users")]).collect();
        let tagged: Vec<_> =
            keys.iter().zip(&own).map(|(key, tags)| (key, Labels { group: None, tags })).collect();
        assert!(sizes(&chunks(&tagged)).iter().all(|size| *size <= CHUNK));
        let positions: Vec<usize> = chunks(&tagged).into_iter().flat_map(|chunk| chunk.positions).collect();
        assert_eq!(positions, (0..1_000).collect::<Vec<_>>());
    }
}
