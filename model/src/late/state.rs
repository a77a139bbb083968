//! The state of a world with one late tag.

/// The version of a value in the database, which only grows.
pub type DataVersion = u8;

/// The number of fills of a run.
pub const FILLS: usize = 2;
/// The number of writers of a run.
pub const WRITERS: usize = 2;

/// The counter of the prefix, or what a tag has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count {
    /// Random, made with the counter.
    pub epoch: u8,
    pub number: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    pub stamp: u8,
    /// No invalidation that began before this was written is above it; `None` where that is not known.
    pub count: Option<Count>,
    /// Invalidated without the counter: no value is stored under the tag until the counter was incremented.
    pub is_barred: bool,
}

/// A computation and the store of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LateFill {
    Idle,
    /// Will compute.
    Noted(Count),
    /// Has the value.
    Computed(Count, DataVersion),
    /// Has read or created the tag.
    Tagged(Count, DataVersion, Tag),
    /// Has read the counter before the tag, with a mutation.
    CountedFirst(Count, DataVersion, Count),
    /// Will give the tag a number, and store the value if `true`.
    Numbers(DataVersion, Tag, Count, bool),
    /// Stores nothing, and will increment the counter for a tag that was barred with this stamp.
    Counts(u8),
    /// Will unbar the tag if it still has this stamp.
    Unbars(u8),
    /// Will compare the stamp.
    Keeps(DataVersion, u8),
    /// Will store the value.
    Stores(DataVersion, u8),
    Done,
}

/// A write to the database, and the invalidation of the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LateWriter {
    Idle,
    Wrote(DataVersion),
    /// Has incremented the counter, if there is one.
    Counted(DataVersion, Option<Count>),
    /// Could not increment the counter.
    Uncounted(DataVersion),
    /// Has stamped the tag before the counter, with a mutation.
    Stamped(DataVersion),
}

/// A call that reads the entry, with the newest version that was invalidated before the call began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LateReader {
    Idle,
    Began(DataVersion),
    HasEntry(DataVersion, (DataVersion, u8)),
    HasTag(DataVersion, Option<u8>),
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LateState {
    pub database: DataVersion,
    /// The newest version whose invalidation has returned.
    pub floor: DataVersion,
    pub counter: Option<Count>,
    /// The node of the counter does not answer.
    pub is_out: bool,
    pub tag: Option<Tag>,
    /// The version and the stamp of the entry.
    pub entry: Option<(DataVersion, u8)>,
    pub fills: [LateFill; FILLS],
    pub writers: [LateWriter; WRITERS],
    pub reader: LateReader,
    pub left: LateBudget,
    pub is_broken: bool,
}

/// The largest number of each event in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LateBudget {
    pub writes: u8,
    /// Evictions of the tag.
    pub evictions: u8,
    /// Losses of the counter.
    pub losses: u8,
    /// Functions that know the tag by their arguments, and create its stamp without a number.
    pub others: u8,
    /// Outages of the counter's node, which keeps the counter.
    pub outages: u8,
}

impl LateState {
    pub fn first(left: LateBudget) -> Self {
        Self {
            database: 0,
            floor: 0,
            counter: None,
            is_out: false,
            tag: None,
            entry: None,
            fills: [LateFill::Idle; FILLS],
            writers: [LateWriter::Idle; WRITERS],
            reader: LateReader::Idle,
            left,
            is_broken: false,
        }
    }

    /// Returns a stamp that is not in use.
    pub fn fresh_stamp(&self) -> u8 {
        let mut used = 0u32;
        let mut uses = |stamp: u8| used |= 1 << stamp;
        self.tag.iter().for_each(|tag| uses(tag.stamp));
        self.entry.iter().for_each(|(_, stamp)| uses(*stamp));
        for fill in &self.fills {
            match fill {
                LateFill::Tagged(_, _, tag) | LateFill::Numbers(_, tag, ..) => uses(tag.stamp),
                LateFill::Keeps(_, stamp) | LateFill::Stores(_, stamp) => uses(*stamp),
                LateFill::Counts(stamp) | LateFill::Unbars(stamp) => uses(*stamp),
                _ => {}
            }
        }
        match self.reader {
            LateReader::HasEntry(_, (_, stamp)) | LateReader::HasTag(_, Some(stamp)) => uses(stamp),
            _ => {}
        }
        used.trailing_ones() as u8
    }

    /// Returns an epoch that is not in use.
    pub fn fresh_epoch(&self) -> u8 {
        let mut used = 0u32;
        let mut uses = |count: Count| used |= 1 << count.epoch;
        self.counter.into_iter().for_each(&mut uses);
        self.tag.and_then(|tag| tag.count).into_iter().for_each(&mut uses);
        for fill in &self.fills {
            match *fill {
                LateFill::Noted(count) | LateFill::Computed(count, _) => uses(count),
                LateFill::Tagged(count, _, tag) => {
                    uses(count);
                    tag.count.into_iter().for_each(&mut uses);
                }
                LateFill::CountedFirst(noted, _, count) => {
                    uses(noted);
                    uses(count);
                }
                LateFill::Numbers(_, tag, count, _) => {
                    uses(count);
                    tag.count.into_iter().for_each(&mut uses);
                }
                _ => {}
            }
        }
        for writer in &self.writers {
            if let LateWriter::Counted(_, Some(count)) = writer {
                uses(*count);
            }
        }
        used.trailing_ones() as u8
    }
}
