//! The story: the last events, to explain a violation.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Instant;

use crate::wire::Key;

/// The number of recorded events.
const REMEMBERED: usize = 200_000;
/// The number of events that are printed.
const TOLD: usize = 80;

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

    /// Returns the last events of a key.
    pub fn tell(&self, key: Option<Key>) -> String {
        let concerns = |event: &&Event| key.is_none() || event.key.is_none() || event.key == key;
        let last: Vec<&Event> = self.events.iter().rev().filter(concerns).take(TOLD).collect();
        let mut text = String::new();
        for event in last.iter().rev() {
            let at = event.at.duration_since(self.began).as_secs_f64();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {at:>9.4}  {}", event.text);
        }
        text
    }
}
