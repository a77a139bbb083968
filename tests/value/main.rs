//! Values as they are stored.

mod damage;
mod forms;
mod read_back;
mod results;
mod turns;
mod types;
