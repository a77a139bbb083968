use larder::cache;

// Mistakes in the function itself are told as they would be without the attribute.

#[cache]
async fn wrong_tail(id: u64) -> String {
    id
}

#[cache]
async fn wrong_return(id: u64) -> Result<u64, String> {
    if id == 0 {
        return id;
    }
    Ok(id)
}

#[cache]
fn wrong_sync(id: u64) -> String {
    id
}

#[cache]
async fn wrong_question(text: &str) -> Option<u64> {
    Some(text.parse::<u64>()?)
}

#[cache]
async fn moved(list: Vec<u64>) -> usize {
    drop(list);
    list.len()
}

#[cache]
async fn unknown_type(id: NoSuchType) -> u64 {
    1
}

#[cache]
async fn nobody(id: u64) -> u64 {
    no_such_function(id)
}

fn main() {}
