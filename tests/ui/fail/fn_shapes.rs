use std::borrow::Cow;
use std::fmt::Display;

use larder::cache;

#[cache]
const fn constant() -> u8 {
    1
}

#[cache]
unsafe fn dangerous() -> u8 {
    1
}

#[cache]
extern "C" fn foreign() -> u8 {
    1
}

#[cache]
fn no_return_type() {}

#[cache]
fn never() -> ! {
    loop {}
}

#[cache]
fn anonymous() -> impl Display {
    1
}

#[cache]
async fn anonymous_inside() -> Result<impl Display, String> {
    Ok(1)
}

#[cache]
fn borrowed(text: &str) -> &str {
    text
}

#[cache]
fn forever() -> &'static str {
    "a"
}

#[cache]
fn borrowed_inside<'a>(text: &'a str) -> Option<Cow<'a, str>> {
    Some(text.into())
}

#[cache]
struct Item;

#[cache]
impl Item {
    fn method() -> u8 {
        1
    }
}

trait Store {
    #[cache]
    fn declared(&self) -> u8;
}

fn main() {
    // Still there: no further errors about missing functions.
    constant();
    foreign();
    no_return_type();
    borrowed("a");
    let _ = (Item, Item::method());
}
