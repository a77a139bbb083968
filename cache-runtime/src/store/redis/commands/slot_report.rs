//! The slots that a node of a cluster owns, as the node itself says.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::store::redis::nodes::SLOTS;

/// The slots of one node, from its own line in the reply to `CLUSTER NODES`.
#[derive(Debug)]
pub(super) struct SlotReport {
    id: String,
    owned: Vec<bool>,
    /// The slots that keys move out of or into: `77->-id`, with the other node, or `93-<-id`.
    moving: Vec<String>,
}

impl SlotReport {
    /// Reads the line of the node that replied; `None` if there is none, or it has another form.
    pub(super) fn parse(reply: &str) -> Option<Self> {
        let is_own = |line: &&str| {
            line.split(' ').nth(2).is_some_and(|flags| flags.split(',').any(|flag| flag == "myself"))
        };
        let mut words = reply.lines().find(is_own)?.split_whitespace();
        let (id, mut owned, mut moving) =
            (words.next()?.to_owned(), vec![false; usize::from(SLOTS)], Vec::new());
        // Before the slots come address, flags, master, two times, epoch and state of the link.
        for word in words.skip(7) {
            if let Some(slot) = word.strip_prefix('[') {
                moving.push(slot.trim_end_matches(']').to_owned());
                continue;
            }
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            owned.get_mut(first..=last)?.fill(true);
        }
        Some(Self { id, owned, moving })
    }

    /// Returns `true` if the node has this id.
    pub(super) fn is_of(&self, id: &str) -> bool {
        self.id == id
    }

    /// Returns `true` if the node owns a slot.
    pub(super) fn owns(&self, slot: u16) -> bool {
        self.owned.get(usize::from(slot)).is_some_and(|owned| *owned)
    }

    /// Returns `true` while keys of any slot move out of the node or into it.
    pub(super) fn is_moving(&self) -> bool {
        !self.moving.is_empty()
    }

    /// Returns the ids of the nodes that slots are moved to.
    pub(super) fn targets(&self) -> impl Iterator<Item = &str> {
        self.moving.iter().filter_map(|slot| Some(slot.split_once("->-")?.1))
    }
}

/// Returns a hash of the slots that are being moved.
pub(super) fn moving(reports: &[SlotReport]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for report in reports {
        (&report.id, &report.moving).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reply of Redis 7.0 while slot 5460 moves from the node to another one, and 16383 comes.
    const REPLY: &str = "\
07c3 127.0.0.1:30004@31004,host slave e7d1 0 1426238317239 4 connected
67ed 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922 [5460-<-e7d1]
e7d1 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460 7000 [5460->-67ed] [16383-<-292f]
292f 127.0.0.1:30003@31003 master - 0 1426238318243 3 connected 10923-16383
";

    #[test]
    fn the_own_line_has_the_slots_and_those_that_move() {
        let report = SlotReport::parse(REPLY).expect("a line of its own");
        assert!(report.is_of("e7d1") && report.is_moving());
        let owned: Vec<u16> = (0..SLOTS).filter(|slot| report.owns(*slot)).collect();
        assert_eq!(owned, (0..=5460).chain([7000]).collect::<Vec<_>>());
        assert_eq!(report.targets().collect::<Vec<_>>(), ["67ed"]);
        assert!(SlotReport::parse(&REPLY.replace("myself,", "")).is_none());
        let calm = SlotReport::parse("a b myself,slave c 0 0 1 connected\n").expect("a replica");
        assert!(!calm.is_moving() && !calm.owns(0));
        for wrong in ["x", "5-x", "9-99999", "7-3"] {
            drop(SlotReport::parse(&format!("a b myself,master - 0 0 1 connected {wrong}")));
        }
    }

    #[test]
    fn a_move_that_begins_or_ends_changes_the_hash() {
        let hash = |reply: &str| moving(&[SlotReport::parse(reply).expect("a line of its own")]);
        assert_eq!(hash(REPLY), hash(REPLY));
        assert_ne!(hash(REPLY), hash(&REPLY.replace(" [16383-<-292f]", "")));
    }
}
