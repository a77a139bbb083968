//! The worlds with one late tag, and the expected result of each.

use crate::late::state::LateBudget;

/// A step that violates the protocol of late tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateMutation {
    /// The counter is noted after the computation.
    NotesLate,
    /// An invalidation increments no counter.
    CountsNothing,
    /// An invalidation increments the counter after it has stamped the tag.
    CountsAfterStamp,
    /// A tag without a number is taken for one that was not invalidated.
    TrustsTagsWithoutNumber,
    /// Numbers are compared whatever their epochs are.
    IgnoresEpochs,
    /// A fill reads the counter before the tag.
    CountsBeforeTags,
    /// A fill creates the tag with the number of a counter that it read before.
    CreatesWithNumber,
    /// An invalidation gives a tag without a number its own.
    NumbersUnknownTags,
    /// The later of two invalidations lowers the number of the tag.
    LowersNumbers,
    /// An invalidation leaves a tag with a higher number alone, which a fill may have given it.
    LeavesHigherTags,
    /// Readers compare no stamps.
    ReadersCompareNoStamps,
    /// An invalidation without the counter only stamps the tag.
    BarsNothing,
    /// An invalidation without the counter leaves a tag without a stamp alone.
    BarsOnlyStampedTags,
    /// A tag is unbarred without an increment of the counter.
    UnbarsUncounted,
    /// A tag is unbarred although it was barred again.
    UnbarsAnyStamp,
    /// Every invalidation unbars the tag.
    UnbarsWithAnyInvalidation,
}

/// One bounded world.
#[derive(Debug, Clone, Copy)]
pub struct LateWorld {
    pub name: &'static str,
    /// `true` when counter, tag and entry are in three slots.
    pub is_split: bool,
    pub budget: LateBudget,
    pub mutation: Option<LateMutation>,
}

impl LateWorld {
    pub fn has(&self, mutation: LateMutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Returns `true` when a fill reads the counter before the tag.
    pub fn counts_first(&self) -> bool {
        self.has(LateMutation::CountsBeforeTags) || self.has(LateMutation::CreatesWithNumber)
    }
}

/// Returns all worlds.
pub fn late_worlds() -> Vec<LateWorld> {
    use LateMutation::{
        BarsNothing, BarsOnlyStampedTags, CountsAfterStamp, CountsBeforeTags, CountsNothing,
        CreatesWithNumber, IgnoresEpochs, LeavesHigherTags, LowersNumbers, NotesLate, NumbersUnknownTags,
        ReadersCompareNoStamps, TrustsTagsWithoutNumber, UnbarsAnyStamp, UnbarsUncounted,
        UnbarsWithAnyInvalidation,
    };
    let none = LateBudget { writes: 2, evictions: 0, losses: 0, others: 0, outages: 0 };
    let all = LateBudget { evictions: 1, losses: 1, others: 1, ..none };
    let out = LateBudget { outages: 1, ..none };
    let evicted = LateBudget { evictions: 1, others: 1, ..none };
    let whole = |name, budget, mutation| LateWorld { name, is_split: false, budget, mutation };
    let split = |name, budget, mutation| LateWorld { name, is_split: true, budget, mutation };
    vec![
        whole("late tags: all at once", LateBudget { writes: 3, ..all }, None),
        split("late tags, split: invalidations overtake each other", none, None),
        split("late tags, split: a tag is evicted", evicted, None),
        split("late tags, split: the counter is lost", LateBudget { losses: 1, others: 1, ..none }, None),
        split(
            "late tags, split: the node of the counter is lost",
            LateBudget { others: 1, outages: 2, ..none },
            None,
        ),
        split("late tags, split: an invalidation without the counter bars nothing", out, Some(BarsNothing)),
        split("late tags, split: a missing tag is not barred", out, Some(BarsOnlyStampedTags)),
        split("late tags, split: a tag is unbarred without a count", out, Some(UnbarsUncounted)),
        split(
            "late tags, split: a tag that was barred again is unbarred",
            LateBudget { outages: 2, ..out },
            Some(UnbarsAnyStamp),
        ),
        split("late tags, split: an invalidation unbars", out, Some(UnbarsWithAnyInvalidation)),
        split("late tags, split: a tag without a number is given one", none, Some(NumbersUnknownTags)),
        whole("late tags: the counter is noted after the computation", none, Some(NotesLate)),
        whole("late tags: nothing is counted", none, Some(CountsNothing)),
        whole("late tags: tags without a number are trusted", all, Some(TrustsTagsWithoutNumber)),
        whole("late tags: epochs are ignored", all, Some(IgnoresEpochs)),
        whole("late tags: a reader compares no stamps", none, Some(ReadersCompareNoStamps)),
        split("late tags, split: the counter follows the stamp", none, Some(CountsAfterStamp)),
        split("late tags, split: the counter is read before the tag", none, Some(CountsBeforeTags)),
        split("late tags, split: a tag is created with an old number", none, Some(CreatesWithNumber)),
        split("late tags, split: numbers are lowered", evicted, Some(LowersNumbers)),
        split("late tags, split: higher tags are left alone", evicted, Some(LeavesHigherTags)),
    ]
}
