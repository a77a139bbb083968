//! The story: the last events, to explain a violation.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Instant;

use crate::wire::Key;

/// The number of recorded events.
const REMEMBERED: usize = 200_000;
/// The number of events of a key that are printed.
const TOLD: usize = 300;
/// The number of events of all keys that are printed: the last faults.
const FAULTS: usize = 30;

/// The last events.
pub struct Story {
    began: Instant,
    events: VecDeque<Event>,
}

struct Event {
    at: Instant,
    /// `None` when the event concerns all keys.
    key: Option<Key>,
    text: String,
}

impl Story {
    pub fn new(began: Instant) -> Self {
        Self { began, events: VecDeque::new() }
    }

    /// Records an event of one key or of all keys.
    pub fn add(&mut self, key: Option<Key>, text: String) {
        if self.events.len() == REMEMBERED {
            self.events.pop_front();
        }
        self.events.push_back(Event { at: Instant::now(), key, text });
    }

    /// Returns the last faults, and the last events of a key with those between them.
    pub fn tell(&self, key: Option<Key>) -> String {
        let (mut told, mut faults) = (0, 0);
        let is_told = |event: &&Event| {
            let is_fault = event.key.is_none();
            let concerns = is_fault || key.is_none() || event.key == key;
            let is_told = concerns && (told < TOLD || is_fault && faults < FAULTS);
            (told, faults) = (told + usize::from(concerns), faults + usize::from(concerns && is_fault));
            is_told
        };
        let last: Vec<&Event> = self.events.iter().rev().filter(is_told).collect();
        let mut text = String::new();
        for event in last.iter().rev() {
            let at = event.at.duration_since(self.began).as_secs_f64();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {at:>9.4}  {}", event.text);
        }
        text
    }
}
