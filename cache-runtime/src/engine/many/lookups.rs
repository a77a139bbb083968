//! The lookups of several entries, which read the store together.

use std::pin::pin;

use crate::codec::Decode;
use crate::engine::entry_op::EntryOp;
use crate::engine::lookup::{Lookup, LookupStart};
use crate::rt::join::join_all;
use crate::rt::stack::BoxFuture;
use crate::store::{Store, StoreRead};
use crate::types::error::Error;

/// Looks up the entries at these positions, which are of one cache, as [`EntryOp::lookup`] does for one.
pub(crate) async fn lookups<V: Decode>(all: &[EntryOp<'_>], wanted: &[usize]) -> Vec<Lookup<V>> {
    let ops: Vec<&EntryOp<'_>> = wanted.iter().map(|index| &all[*index]).collect();
    let begun: Vec<_> = ops.iter().map(|op| op.begin_lookup::<V>()).collect();
    // A large value is read by itself, so that the others do not wait for it.
    let (large, small): (Vec<usize>, Vec<usize>) = (0..ops.len())
        .filter(|index| matches!(begun[*index], LookupStart::Reads(_)))
        .partition(|index| ops[*index].is_large());
    let mut reads: Vec<Option<Result<StoreRead, Error>>> = ops.iter().map(|_| None).collect();
    let small_reads = read(&ops, &small).await;
    small.iter().zip(small_reads).for_each(|(index, read)| reads[*index] = Some(read));
    let large_reads = join_all(large.iter().map(|index| ops[*index].read_large())).await;
    large.iter().zip(large_reads).for_each(|(index, read)| reads[*index] = Some(read));
    let mut lookups = Vec::with_capacity(ops.len());
    for ((op, begun), read) in ops.iter().zip(begun).zip(reads) {
        lookups.push(match begun {
            LookupStart::Known(lookup) => lookup,
            LookupStart::Reads(begun) => {
                op.finish_lookup(begun, read.unwrap_or_else(|| Ok(StoreRead::default()))).await
            }
        });
    }
    lookups
}

/// Reads entries. A failure is counted once, and the call waits for the store no more after one that was waited for.
fn read<'a>(ops: &'a [&EntryOp<'_>], wanted: &'a [usize]) -> BoxFuture<'a, Vec<Result<StoreRead, Error>>> {
    Box::pin(async move {
        let Some(first) = wanted.first().map(|index| ops[*index]) else { return Vec::new() };
        let entries: Vec<_> = wanted.iter().map(|index| (&ops[*index].key, ops[*index].labels())).collect();
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
