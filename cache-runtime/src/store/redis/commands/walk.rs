//! Walks over the keys of all nodes.
//!
//! A walk scans one primary after the other. A key that moves from a node that is yet to be scanned to one that was scanned is
//! missed. So a round asks the primaries for their slots at its begin and at its end: if slots changed hands in between, the
//! walk begins again. While slots are being moved, keys move from the node that gives a slot up to the one that takes it; all
//! primaries are scanned twice then, so that each is scanned after each other one.

use std::time::Duration;

use redis::{Cmd, cmd};

use super::decode;
use super::slot_report::{SlotReport, moving};
use crate::rt::io;
use crate::rt::join::join_all;
use crate::store::page::{BegunRound, Cursor, KeyPage};
use crate::store::redis::connect::Request;
use crate::store::redis::nodes::{NodeId, SLOTS, Slot, Topology};
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;

/// The number of keys that one step of a scan examines.
const PAGE: usize = 500;
/// The number of rounds of a walk.
const ROUNDS: u32 = 4;
/// The pause before the second round. Each later one is four times as long.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest wait for a map of the slots in place of an old one: it is asked for once in a second.
const REFRESH: Duration = Duration::from_secs(2);

impl RedisStore {
    /// Returns one page of the keys that match a pattern.
    pub(super) async fn scan_page(&self, pattern: &str, cursor: Cursor) -> Result<KeyPage, Error> {
        if self.nodes.is_sharded() {
            return Box::pin(self.scan_nodes(pattern, cursor)).await;
        }
        let scan = scan(pattern, cursor.position);
        let (position, keys) = self.call(Slot::Number(0), "scan", self.nodes.scan_limit(), scan).await?;
        let next = (position != 0).then_some(Cursor { position, ..cursor });
        Ok(KeyPage { keys: decode::keys(keys), next })
    }

    async fn scan_nodes(&self, pattern: &str, cursor: Cursor) -> Result<KeyPage, Error> {
        self.pause(&cursor).await;
        let topology = self.nodes.topology();
        let begun = match cursor.begun {
            None => match self.round(&topology).await? {
                Some(begun) => begun,
                None => return again(Vec::new(), cursor, Some(topology.version())),
            },
            Some(begun) if begun.topology == topology.version() => begun,
            Some(_) => return again(Vec::new(), cursor, None),
        };
        let primaries = topology.primaries();
        let node = &primaries[cursor.server % primaries.len()];
        let (position, keys) = match self.scan_node(node, scan(pattern, cursor.position)).await {
            Ok(page) => page,
            // Another node has taken its place.
            Err(_) if self.nodes.topology().version() != begun.topology => {
                return again(Vec::new(), cursor, None);
            }
            Err(error) => return Err(error),
        };
        let keys = decode::keys(keys);
        let begun = Some(begun);
        if position != 0 {
            return Ok(KeyPage { keys, next: Some(Cursor { position, begun, ..cursor }) });
        }
        let server = cursor.server + 1;
        if begun.is_some_and(|begun| server < begun.servers) {
            return Ok(KeyPage { keys, next: Some(Cursor { position: 0, server, begun, ..cursor }) });
        }
        let topology = self.nodes.topology();
        match self.round(&topology).await? {
            None => again(keys, cursor, Some(topology.version())),
            ended if ended == begun => Ok(KeyPage { keys, next: None }),
            Some(_) => again(keys, cursor, None),
        }
    }

    /// Waits before another round: for a map of the slots in place of an old one, or a little.
    async fn pause(&self, cursor: &Cursor) {
        if cursor.begun.is_some() || cursor.round == 0 {
            return;
        }
        match cursor.outdated {
            Some(outdated) => {
                let mut changes = self.nodes.changes();
                let newer = changes.wait_for(|topology| topology.version() != outdated);
                // It comes soon, or the nodes do not agree yet.
                drop(io::timeout(REFRESH, newer).await);
            }
            None => io::sleep(PAUSE * 4_u32.pow(cursor.round - 1)).await,
        }
    }

    async fn scan_node(&self, node: &NodeId, scan: Cmd) -> Result<(u64, Vec<Vec<u8>>), Error> {
        let request = Request::new("scan", self.nodes.scan_limit(), scan.into());
        decode::decode("scan", self.nodes.send_to(node, request).await?)
    }

    /// Returns a round over the primaries; `None` if they do not have the slots that this process believes them to have.
    ///
    /// # Errors
    /// A primary does not answer, or there are slots that nobody owns.
    async fn round(&self, topology: &Topology) -> Result<Option<BegunRound>, Error> {
        if topology.has_gaps() {
            return Err(Error::unavailable("some slots of the cluster are owned by no node"));
        }
        let ask = |node| async move {
            let request =
                Request::new("scan", self.nodes.scan_limit(), cmd("CLUSTER").arg("NODES").take().into());
            match self.nodes.send_to(node, request).await {
                Ok(reply) => decode::decode("scan", reply).map(|text: String| SlotReport::parse(&text)),
                // A user may not be allowed to ask.
                Err(Error::Redis { .. } | Error::Script { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let primaries = topology.primaries();
        let reports =
            join_all(primaries.iter().map(ask)).await.into_iter().collect::<Result<Option<Vec<_>>, _>>()?;
        let Some(reports) = reports else {
            let servers = primaries.len() * 2;
            return Ok(Some(BegunRound { topology: topology.version(), moving: 0, servers }));
        };
        let agree = primaries.iter().zip(&reports).all(|(node, report)| {
            (0..SLOTS).all(|slot| report.owns(slot) == (topology.owner(slot) == Some(node)))
        });
        let is_known = |id: &str| reports.iter().any(|report| report.is_of(id));
        if !agree || !reports.iter().flat_map(SlotReport::targets).all(is_known) {
            self.nodes.refresh();
            return Ok(None);
        }
        let passes = if reports.iter().any(SlotReport::is_moving) { 2 } else { 1 };
        let (moving, servers) = (moving(&reports), primaries.len() * passes);
        Ok(Some(BegunRound { topology: topology.version(), moving, servers }))
    }
}

/// Begins a walk again after this page. The version of the topology is given if it has turned out to be an old one.
fn again(keys: Vec<String>, cursor: Cursor, outdated: Option<u64>) -> Result<KeyPage, Error> {
    let round = cursor.round + 1;
    if round == ROUNDS {
        return Err(Error::KeysMoved { walks: ROUNDS });
    }
    Ok(KeyPage { keys, next: Some(Cursor { round, outdated, ..Cursor::START }) })
}

fn scan(pattern: &str, position: u64) -> Cmd {
    let mut scan = cmd("SCAN");
    scan.arg(position).arg("MATCH").arg(pattern).arg("COUNT").arg(PAGE).arg("TYPE").arg("string");
    scan
}
