//! Values as they are stored.

mod damage;
mod forms;
mod results;
mod types;
