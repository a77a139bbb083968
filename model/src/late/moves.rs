//! The moves of a world with one late tag.

use crate::late::state::{Count, DataVersion, LateFill, LateReader, LateState, LateWriter, Tag};
use crate::late::worlds::{LateMutation, LateWorld};

/// The states that follow one state, each with the name of the move.
pub fn late_moves(world: &LateWorld, state: &LateState) -> Vec<(String, LateState)> {
    if state.reader == LateReader::Done {
        // Only what a call gets is wrong or right.
        return Vec::new();
    }
    let mut moves = LateMoves { world, state: *state, out: Vec::new() };
    (0..state.fills.len()).for_each(|index| moves.fill(index));
    (0..state.writers.len()).for_each(|index| moves.writer(index));
    moves.reader();
    moves.faults();
    moves.out
}

struct LateMoves<'w> {
    world: &'w LateWorld,
    state: LateState,
    out: Vec<(String, LateState)>,
}

impl LateMoves<'_> {
    fn go(&mut self, who: &str, text: &str, change: impl FnOnce(&LateWorld, &mut LateState)) {
        let mut next = self.state;
        change(self.world, &mut next);
        // Two computations, and two writers, are alike.
        next.fills.sort_unstable();
        next.writers.sort_unstable();
        self.out.push((format!("{who} {text}"), next));
    }

    fn fill(&mut self, index: usize) {
        let who = format!("computation {index}");
        let is_split = self.world.is_split;
        match self.state.fills[index] {
            // Without the counter, a computation stores nothing.
            LateFill::Idle | LateFill::Tagged(..) | LateFill::Counts(_) if self.state.is_out => {}
            LateFill::Idle => self.go(&who, "notes the counter", |_, state| {
                state.fills[index] = LateFill::Noted(count(state));
            }),
            LateFill::Noted(noted) => self.go(&who, "reads the database", |_, state| {
                state.fills[index] = LateFill::Computed(noted, state.database);
            }),
            LateFill::Computed(noted, version) if is_split && self.world.counts_first() => {
                self.go(&who, "reads the counter", |_, state| {
                    state.fills[index] = LateFill::CountedFirst(noted, version, count(state));
                });
            }
            LateFill::CountedFirst(noted, version, counter) => {
                self.go(&who, "reads or creates the tag", |world, state| {
                    let given = world.has(LateMutation::CreatesWithNumber).then_some(counter);
                    let tag = tag(state, given);
                    decide(world, state, index, (noted, version, tag, counter));
                });
            }
            LateFill::Computed(noted, version) if is_split => {
                self.go(&who, "reads or creates the tag", |_, state| {
                    state.fills[index] = LateFill::Tagged(noted, version, tag(state, None));
                });
            }
            LateFill::Computed(noted, version) => {
                self.go(&who, "reads or creates the tag, and the counter", |world, state| {
                    let counter = count(state);
                    let noted = if world.has(LateMutation::NotesLate) { counter } else { noted };
                    let tag = tag(state, None);
                    decide(world, state, index, (noted, version, tag, counter));
                    if let LateFill::Numbers(version, tag, counter, stores) = state.fills[index] {
                        number(state, index, (version, tag, counter, stores));
                    }
                });
            }
            LateFill::Tagged(noted, version, tag) => self.go(&who, "reads the counter", |world, state| {
                let counter = count(state);
                decide(world, state, index, (noted, version, tag, counter));
            }),
            LateFill::Numbers(version, tag, counter, stores) => {
                self.go(&who, "gives the tag a number", |_, state| {
                    number(state, index, (version, tag, counter, stores));
                });
            }
            LateFill::Keeps(..) | LateFill::Stores(..) => self.store(index, &who),
            LateFill::Counts(..) | LateFill::Unbars(..) => self.unbar(index, &who),
            LateFill::Done => {}
        }
    }

    /// The steps of a computation whose value may be stored.
    fn store(&mut self, index: usize, who: &str) {
        match self.state.fills[index] {
            LateFill::Keeps(version, stamp) if self.world.is_split => {
                self.go(who, "compares the stamp", |_, state| {
                    let is_current = state.tag.is_some_and(|tag| tag.stamp == stamp);
                    state.fills[index] =
                        if is_current { LateFill::Stores(version, stamp) } else { LateFill::Done };
                })
            }
            LateFill::Keeps(version, stamp) => self.go(who, "compares the stamp, and stores", |_, state| {
                if state.tag.is_some_and(|tag| tag.stamp == stamp) {
                    state.entry = Some((version, stamp));
                }
                state.fills[index] = LateFill::Done;
            }),
            LateFill::Stores(version, stamp) => self.go(who, "stores the value", |_, state| {
                state.entry = Some((version, stamp));
                state.fills[index] = LateFill::Done;
            }),
            _ => {}
        }
    }

    /// The steps of a computation that found the tag barred.
    fn unbar(&mut self, index: usize, who: &str) {
        match self.state.fills[index] {
            LateFill::Counts(stamp) => self.go(who, "increments the counter for the tag", |world, state| {
                if !world.has(LateMutation::UnbarsUncounted) {
                    increment(world, state);
                }
                state.fills[index] = LateFill::Unbars(stamp);
            }),
            LateFill::Unbars(stamp) => self.go(who, "unbars the tag", |world, state| {
                if let Some(tag) = &mut state.tag
                    && (tag.stamp == stamp || world.has(LateMutation::UnbarsAnyStamp))
                    && tag.is_barred
                {
                    tag.is_barred = false;
                }
                state.fills[index] = LateFill::Done;
            }),
            _ => {}
        }
    }

    fn writer(&mut self, index: usize) {
        let who = format!("writer {index}");
        match self.state.writers[index] {
            LateWriter::Idle if self.state.left.writes > 0 => {
                self.go(&who, "writes the database", |_, state| {
                    state.left.writes -= 1;
                    state.database += 1;
                    state.writers[index] = LateWriter::Wrote(state.database);
                });
            }
            LateWriter::Idle => {}
            LateWriter::Wrote(version) if !self.world.is_split => {
                self.go(&who, "increments the counter, stamps the tag, and returns", |world, state| {
                    let count = increment(world, state);
                    stamp(world, state, count);
                    returned(state, index, version);
                });
            }
            LateWriter::Wrote(version) if self.world.has(LateMutation::CountsAfterStamp) => {
                self.go(&who, "stamps the tag", |world, state| {
                    let count = state.counter;
                    stamp(world, state, count);
                    state.writers[index] = LateWriter::Stamped(version);
                });
            }
            LateWriter::Stamped(version) => {
                self.go(&who, "increments the counter, and returns", |world, state| {
                    increment(world, state);
                    returned(state, index, version);
                });
            }
            LateWriter::Wrote(version) if self.state.is_out => {
                self.go(&who, "cannot increment the counter", |_, state| {
                    state.writers[index] = LateWriter::Uncounted(version);
                });
            }
            LateWriter::Uncounted(version) => self.go(&who, "bars the tag, and returns", |world, state| {
                bar(world, state);
                returned(state, index, version);
            }),
            LateWriter::Wrote(version) => self.go(&who, "increments the counter", |world, state| {
                let count = increment(world, state);
                state.writers[index] = LateWriter::Counted(version, count);
            }),
            LateWriter::Counted(version, count) => {
                self.go(&who, "stamps the tag, and returns", |world, state| {
                    stamp(world, state, count);
                    returned(state, index, version);
                })
            }
        }
    }

    /// Key and tag of a cluster are read at the same time, and either may come first.
    fn reader(&mut self) {
        let who = "a call";
        match self.state.reader {
            LateReader::Idle => {
                self.go(who, "begins", |_, state| state.reader = LateReader::Began(state.floor))
            }
            LateReader::Began(floor) => {
                if self.world.is_split {
                    self.go(who, "reads the tag", |_, state| {
                        state.reader = LateReader::HasTag(floor, state.tag.map(|tag| tag.stamp));
                    });
                }
                let is_split = self.world.is_split;
                self.go(who, "reads the entry", |world, state| {
                    state.reader = match state.entry {
                        Some(entry) => LateReader::HasEntry(floor, entry),
                        None => LateReader::Done,
                    };
                    if let (false, LateReader::HasEntry(..)) = (is_split, state.reader) {
                        let tag = state.tag.map(|tag| tag.stamp);
                        read(world, state, floor, tag);
                    }
                });
            }
            LateReader::HasEntry(floor, entry) => self.go(who, "reads the tag", |world, state| {
                let tag = state.tag.map(|tag| tag.stamp);
                checked(world, state, floor, (entry, tag));
            }),
            LateReader::HasTag(floor, tag) => {
                self.go(who, "reads the entry", |world, state| read(world, state, floor, tag));
            }
            LateReader::Done => {}
        }
    }

    fn faults(&mut self) {
        if self.state.left.evictions > 0 && self.state.tag.is_some() {
            self.go("-", "the tag is evicted", |_, state| {
                state.left.evictions -= 1;
                state.tag = None;
            });
        }
        if self.state.left.losses > 0 && self.state.counter.is_some() {
            self.go("-", "the counter is lost", |_, state| {
                state.left.losses -= 1;
                state.counter = None;
            });
        }
        if self.state.left.outages > 0 && !self.state.is_out {
            self.go("-", "the node of the counter is lost", |_, state| {
                state.left.outages -= 1;
                state.is_out = true;
            });
        }
        if self.state.is_out {
            self.go("-", "the node of the counter is back", |_, state| state.is_out = false);
        }
        if self.state.left.others > 0 && self.state.tag.is_none() {
            self.go("-", "another function creates the tag", |_, state| {
                state.left.others -= 1;
                tag(state, None);
            });
        }
    }
}

/// Reads the counter, which is created where there is none.
fn count(state: &mut LateState) -> Count {
    let epoch = state.fresh_epoch();
    *state.counter.get_or_insert(Count { epoch, number: 0 })
}

/// Reads the tag, which is created where there is none.
fn tag(state: &mut LateState, count: Option<Count>) -> Tag {
    let stamp = state.fresh_stamp();
    *state.tag.get_or_insert(Tag { stamp, count, is_barred: false })
}

/// Decides whether a value may be stored under the stamp of its tag.
fn decide(
    world: &LateWorld,
    state: &mut LateState,
    index: usize,
    (noted, version, tag, counter): (Count, DataVersion, Tag, Count),
) {
    let own =
        tag.count.filter(|count| count.epoch == counter.epoch || world.has(LateMutation::IgnoresEpochs));
    let bound = match own {
        None if world.has(LateMutation::TrustsTagsWithoutNumber) => noted,
        own => own.unwrap_or(counter),
    };
    let is_same = counter.epoch == noted.epoch || world.has(LateMutation::IgnoresEpochs);
    let stores = is_same && bound.number <= noted.number;
    state.fills[index] = match own {
        _ if tag.is_barred => LateFill::Counts(tag.stamp),
        Some(_) if stores => LateFill::Keeps(version, tag.stamp),
        Some(_) => LateFill::Done,
        None => LateFill::Numbers(version, tag, counter, stores),
    };
}

/// Gives a tag without a number of this epoch the counter's, if it still has its stamp.
fn number(
    state: &mut LateState,
    index: usize,
    (version, seen, counter, stores): (DataVersion, Tag, Count, bool),
) {
    if let Some(tag) = &mut state.tag
        && tag.stamp == seen.stamp
        && !tag.is_barred
        && tag.count.is_none_or(|count| count.epoch != counter.epoch)
    {
        tag.count = Some(counter);
    }
    state.fills[index] = if stores { LateFill::Keeps(version, seen.stamp) } else { LateFill::Done };
}

/// Increments the counter, if there is one.
fn increment(world: &LateWorld, state: &mut LateState) -> Option<Count> {
    if !world.has(LateMutation::CountsNothing)
        && let Some(counter) = &mut state.counter
    {
        counter.number += 1;
    }
    state.counter
}

/// Gives the tag a new stamp, if it has one, and never lowers its number within an epoch.
fn stamp(world: &LateWorld, state: &mut LateState, count: Option<Count>) {
    let stamp = state.fresh_stamp();
    let Some(tag) = &mut state.tag else { return };
    // A tag without a number of this epoch stays one: an invalidation with a higher number may have found no tag.
    let own = tag.count.zip(count).filter(|(own, count)| own.epoch == count.epoch);
    let above = own.filter(|(own, count)| own.number > count.number);
    if above.is_some() && world.has(LateMutation::LeavesHigherTags) {
        return;
    }
    tag.stamp = stamp;
    // The counter may have been incremented before the tag was barred.
    tag.is_barred &= !world.has(LateMutation::UnbarsWithAnyInvalidation);
    tag.count = match own {
        _ if world.has(LateMutation::NumbersUnknownTags) => above.map(|(own, _)| own).or(count),
        _ if world.has(LateMutation::LowersNumbers) => own.and(count),
        _ => above.map(|(own, _)| own).or(own.and(count)),
    };
}

/// Gives the tag a new stamp that no value is stored under until the counter was incremented.
fn bar(world: &LateWorld, state: &mut LateState) {
    if state.tag.is_none() && world.has(LateMutation::BarsOnlyStampedTags) {
        return;
    }
    let is_barred = !world.has(LateMutation::BarsNothing);
    state.tag = Some(Tag { stamp: state.fresh_stamp(), count: None, is_barred });
}

fn returned(state: &mut LateState, index: usize, version: DataVersion) {
    state.floor = state.floor.max(version);
    state.writers[index] = LateWriter::Idle;
}

fn read(world: &LateWorld, state: &mut LateState, floor: DataVersion, tag: Option<u8>) {
    match state.entry {
        Some(entry) => checked(world, state, floor, (entry, tag)),
        None => state.reader = LateReader::Done,
    }
}

/// Ends a call, which gets the value if the stamp is current.
fn checked(
    world: &LateWorld,
    state: &mut LateState,
    floor: DataVersion,
    ((version, stamp), tag): ((DataVersion, u8), Option<u8>),
) {
    state.reader = LateReader::Done;
    let is_hit = tag == Some(stamp) || world.has(LateMutation::ReadersCompareNoStamps);
    state.is_broken |= is_hit && version < floor;
}
