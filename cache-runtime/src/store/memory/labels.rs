//! Labels: the stamps of groups and tags inside this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};

use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter, sync::Cache as Table};

use crate::rt::random::random_stamp;
use crate::types::key::{Label, Labels};
use crate::types::stamp::CurrentStamps;
use crate::types::stamp::Stamp;
use crate::types::stamp::Stamps;

/// How many labels can be told apart at once; forgetting one only drops its entries.
const LABELS: usize = 100_000;

/// One stamp of a label. Entries hold the cells of their labels: when the label gets another stamp, or is forgotten, its
/// cell dies, and all its entries with it.
pub(crate) struct Cell {
    stamp: Stamp,
    dead: AtomicBool,
}

/// The stamps of all labels that were used.
pub(crate) struct Cells(Table<String, Arc<Cell>, UnitWeighter, DefaultHashBuilder, LabelLifecycle>);

impl Cell {
    /// Whether its label still has this stamp.
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        !self.dead.load(Acquire)
    }
}

impl Cells {
    pub(crate) fn new() -> Self {
        Self(Table::with(LABELS, LABELS as u64, UnitWeighter, DefaultHashBuilder::default(), LabelLifecycle))
    }

    /// The stamps as they are.
    pub(crate) fn marks(&self, labels: Labels<'_>) -> CurrentStamps {
        labels.iter().map(|label| self.0.get(label).map(|cell| cell.stamp)).collect()
    }

    /// The stamps, created where there are none.
    pub(crate) fn stamps(&self, labels: Labels<'_>) -> Stamps {
        labels.iter().map(|label| self.cell(label).stamp).collect()
    }

    /// The cells of labels that still have these stamps; `None` when one has not.
    pub(crate) fn under(&self, labels: Labels<'_>, stamps: &[Stamp]) -> Option<Box<[Arc<Cell>]>> {
        let cells = labels.iter().zip(stamps);
        cells.map(|(label, stamp)| self.0.get(label).filter(|cell| cell.stamp == *stamp)).collect()
    }

    /// The cells of labels as they are, created where there are none: for copies, whose labels are compared elsewhere.
    #[cfg(feature = "redis")]
    pub(crate) fn cells(&self, labels: Labels<'_>) -> Vec<Arc<Cell>> {
        labels.iter().map(|label| self.cell(label)).collect()
    }

    /// Ends everything under a label, if there is anything.
    #[cfg(feature = "redis")]
    pub(crate) fn kill(&self, label: &str) {
        if let Some((_, cell)) = self.0.remove(label) {
            cell.kill();
        }
    }

    /// Gives the label a new stamp.
    pub(crate) fn restamp(&self, label: &Label) {
        self.0.insert(label.as_str().to_owned(), Arc::new(Cell::new()));
    }

    fn cell(&self, label: &str) -> Arc<Cell> {
        let made =
            self.0.get_or_insert_with(label, || Ok::<_, std::convert::Infallible>(Arc::new(Cell::new())));
        match made {
            Ok(cell) => cell,
            Err(never) => match never {},
        }
    }
}

impl Cell {
    /// Ends everything that holds it.
    pub(crate) fn kill(&self) {
        self.dead.store(true, Release);
    }

    pub(crate) fn new() -> Self {
        Self { stamp: random_stamp(), dead: AtomicBool::new(false) }
    }
}

/// Marks the cells that leave the table, replaced or evicted.
#[derive(Clone)]
struct LabelLifecycle;

impl Lifecycle<String, Arc<Cell>> for LabelLifecycle {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: String, cell: Arc<Cell>) {
        cell.kill();
    }
}
