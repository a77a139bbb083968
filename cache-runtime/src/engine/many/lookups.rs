//! The lookups of several entries, which read the store together.

use std::pin::pin;

use bytes::Bytes;

use crate::codec::Decode;
use crate::engine::decide::EntryState;
use crate::engine::entry_op::EntryOp;
use crate::engine::lookup::{BegunLookup, Findings, Hit, Lookup, LookupStart};
use crate::engine::snapshot::Snapshot;
use crate::rt::join::join_all;
use crate::rt::stack::BoxFuture;
use crate::store::{Store, StoreRead};
use crate::types::error::Error;

/// An entry that is to be read: its position, and how its lookup began.
type Begun<'b> = (usize, BegunLookup<'b>);

/// Takes the results of lookups, each with the position of its entry. They are not kept: a hundred of them would be moved from
/// one list to the next.
pub(crate) trait LookupVisitor<V> {
    /// Takes a value that may be served as it is, and the envelope that it was decoded from.
    fn fresh(&mut self, index: usize, value: V, bytes: &Bytes);
    /// Takes any other result.
    fn looked(&mut self, index: usize, lookup: Lookup<V>);
}

impl<V, F: FnMut(usize, Lookup<V>)> LookupVisitor<V> for F {
    fn fresh(&mut self, index: usize, value: V, bytes: &Bytes) {
        let snapshot = Snapshot { bytes: bytes.clone(), ..Snapshot::default() };
        self(index, Lookup::Fresh(Hit { value: Some(value), snapshot }));
    }

    fn looked(&mut self, index: usize, lookup: Lookup<V>) {
        self(index, lookup);
    }
}

/// Looks up the entries at these positions, which are of one cache, as [`EntryOp::lookup`] does for one.
pub(crate) async fn lookups<V: Decode>(
    ops: &[EntryOp<'_>],
    wanted: impl ExactSizeIterator<Item = usize>,
    visitor: &mut impl LookupVisitor<V>,
) {
    let (mut small, mut large) = (Vec::with_capacity(wanted.len()), Vec::new());
    for index in wanted {
        match ops[index].begin_lookup() {
            LookupStart::Known(lookup) => visitor.looked(index, lookup),
            // A large value is read by itself, so that the others do not wait for it.
            LookupStart::Reads(begun) if ops[index].is_large() => large.push((index, begun)),
            LookupStart::Reads(begun) => small.push((index, begun)),
        }
    }
    let reads = read(ops, &small).await;
    for ((index, begun), read) in small.into_iter().zip(reads) {
        let op = &ops[index];
        let Ok(StoreRead { bytes: Some(bytes), stamps }) = read else {
            visitor.looked(index, op.finish_lookup(begun, read).await);
            continue;
        };
        // A copy in this process must not keep the others of its reply.
        let bytes = if begun.near.is_some() { Bytes::copy_from_slice(&bytes) } else { bytes };
        match op.examine_read(&begun, &bytes, &stamps) {
            Findings::Value(EntryState::Fresh, Some(value)) => visitor.fresh(index, value, &bytes),
            findings => {
                visitor.looked(index, op.conclude_read(&begun, findings, bytes, stamps).await);
            }
        }
    }
    let reads = join_all(large.iter().map(|(index, _)| ops[*index].read_large())).await;
    for ((index, begun), read) in large.into_iter().zip(reads) {
        visitor.looked(index, ops[index].finish_lookup(begun, read).await);
    }
}

/// Reads entries. A failure is counted once, and the call waits for the store no more after one that was waited for.
fn read<'a>(ops: &'a [EntryOp<'_>], wanted: &'a [Begun<'_>]) -> BoxFuture<'a, Vec<Result<StoreRead, Error>>> {
    Box::pin(async move {
        let Some(first) = wanted.first().map(|(index, _)| &ops[*index]) else { return Vec::new() };
        let entries: Vec<_> =
            wanted.iter().map(|(index, _)| (&*ops[*index].key, ops[*index].labels())).collect();
        let read = async {
            let reads = first.core.store.read_many(&entries).await?;
            // One that fails alone is reported by the caller's step; if all fail, so does the step.
            match reads.iter().find_map(|read| read.as_ref().err()) {
                Some(error) if reads.iter().all(Result::is_err) => Err(error.clone()),
                _ => Ok(reads),
            }
        };
        match first.ask(pin!(read)).await {
            Ok(reads) => {
                first.core.outage.store_answered();
                if let Some(error) = reads.iter().find_map(|read| read.as_ref().err()) {
                    first.core.store_failed(first.row(), None, error);
                }
                reads
            }
            Err(error) => wanted.iter().map(|_| Err(error.clone())).collect(),
        }
    })
}
