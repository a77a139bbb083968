//! A connection with a server that says what a test wants.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::{Cmd, PushInfo, PushKind, Value, cmd};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::{AbortHandle, JoinHandle};

use super::Multiplexer;
use crate::rt::join::join_all;

/// The kinds of the messages that were pushed.
type Pushed = Arc<Mutex<Vec<PushKind>>>;

/// A connection, its task, and the end of the server.
fn connected() -> (Multiplexer, JoinHandle<()>, DuplexStream, Pushed) {
    let (client, server) = duplex(64);
    let pushed = Pushed::default();
    let (kinds, on_push) = (Arc::clone(&pushed), |push: PushInfo| push.kind);
    let (multiplexer, driver) = Multiplexer::new(Box::new(client), move |push| {
        kinds.lock().expect("no panic").push(on_push(push));
    });
    (multiplexer, tokio::spawn(driver), server, pushed)
}

fn get(key: usize) -> Cmd {
    cmd("GET").arg(key).take()
}

/// Reads so many commands, and returns the keys in the order of their arrival.
async fn keys(server: &mut DuplexStream, count: usize) -> Vec<usize> {
    let (mut text, mut buffer) = (String::new(), [0; 256]);
    while text.matches("GET").count() < count || !text.ends_with("\r\n") {
        let len = server.read(&mut buffer).await.expect("commands");
        text.push_str(std::str::from_utf8(&buffer[..len]).expect("a text"));
    }
    let lines: Vec<&str> = text.lines().collect();
    lines.chunks(5).map(|command| command[4].parse().expect("a key")).collect()
}

/// Ends a task that is expected to go on for ever.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test]
async fn each_caller_receives_its_own_reply() {
    let (multiplexer, driver, mut server, _) = connected();
    let _driver = AbortOnDrop(driver.abort_handle());
    let server = tokio::spawn(async move {
        for key in keys(&mut server, 60).await {
            // In pieces of the stream, and with a message that nobody asked for in between.
            let value = "x".repeat(key);
            let reply = format!(">2\r\n+message\r\n:1\r\n${key}\r\n{value}\r\n");
            server.write_all(reply.as_bytes()).await.expect("written");
        }
        server
    });
    let commands: Vec<Cmd> = (0..60).map(get).collect();
    let replies = join_all(commands.iter().map(|command| multiplexer.send(command))).await;
    for (key, reply) in replies.into_iter().enumerate() {
        assert_eq!(reply.expect("a reply"), Value::BulkString(vec![b'x'; key]));
    }
    drop(server.await);
}

#[tokio::test]
async fn the_reply_of_a_caller_that_has_gone_is_dropped() {
    let (multiplexer, driver, mut server, _) = connected();
    let _driver = AbortOnDrop(driver.abort_handle());
    {
        let command = get(1);
        let wait = pin!(multiplexer.send(&command));
        assert!(tokio::time::timeout(Duration::ZERO, wait).await.is_err(), "nobody has answered");
    }
    let answers = async {
        assert_eq!(keys(&mut server, 2).await, [1, 2]);
        server.write_all(b"$3\r\none\r\n$3\r\ntwo\r\n").await.expect("written");
    };
    let command = get(2);
    let (reply, ()) = tokio::join!(multiplexer.send(&command), answers);
    assert_eq!(reply.expect("a reply"), Value::BulkString(b"two".to_vec()));
}

#[tokio::test]
async fn a_pipeline_has_its_replies_from_an_offset_on() {
    let (multiplexer, driver, mut server, pushed) = connected();
    let _driver = AbortOnDrop(driver.abort_handle());
    let mut pipeline = redis::pipe();
    pipeline.add_command(get(1)).add_command(get(2)).add_command(get(3));
    let answers = async {
        keys(&mut server, 3).await;
        server.write_all(b"+OK\r\n:2\r\n>2\r\n+message\r\n:1\r\n-ERR no\r\n").await.expect("written");
    };
    let (replies, ()) = tokio::join!(multiplexer.send_pipeline(&pipeline, 1, 2), answers);
    let mut replies = replies.expect("replies").into_iter();
    assert_eq!(replies.next(), Some(Value::Int(2)));
    assert!(replies.next().expect("an error").extract_error().is_err());
    assert_eq!(*pushed.lock().expect("no panic"), [PushKind::Message]);
}

#[tokio::test]
async fn a_transaction_fails_with_the_first_command_that_was_refused() {
    let (multiplexer, driver, mut server, _) = connected();
    let _driver = AbortOnDrop(driver.abort_handle());
    let mut transaction = redis::pipe();
    transaction.atomic().add_command(get(1));
    let answers = async {
        let mut buffer = [0; 256];
        assert!(server.read(&mut buffer).await.expect("commands") > 0);
        let reply = b"+OK\r\n-ERR wrong number of arguments\r\n-EXECABORT discarded\r\n";
        server.write_all(reply).await.expect("written");
    };
    let (replies, ()) = tokio::join!(multiplexer.send_pipeline(&transaction, 2, 1), answers);
    assert_eq!(replies.expect_err("it was refused").detail(), Some("wrong number of arguments"));
}

#[tokio::test]
async fn the_end_of_a_connection_fails_all_callers_and_is_reported_once() {
    let (multiplexer, driver, mut server, pushed) = connected();
    let commands: Vec<Cmd> = (0..10).map(get).collect();
    let ends = async {
        keys(&mut server, 10).await;
        server.write_all(b"+OK\r\n$100\r\nhalf of it").await.expect("written");
        drop(server);
    };
    let sent = join_all(commands.iter().map(|command| multiplexer.send(command)));
    let (replies, ()) = tokio::join!(sent, ends);
    assert_eq!(replies.iter().filter(|reply| reply.is_ok()).count(), 1);
    assert!(replies[1..].iter().flatten().count() == 0);
    driver.await.expect("it has ended");
    let late = multiplexer.send(&get(11)).await.expect_err("the connection is closed");
    assert!(late.is_connection_dropped());
    assert_eq!(*pushed.lock().expect("no panic"), [PushKind::Disconnection]);
}

#[tokio::test]
async fn callers_fail_if_the_runtime_drops_the_task() {
    let (multiplexer, driver, server, _) = connected();
    let command = get(1);
    let ends = async {
        tokio::task::yield_now().await;
        driver.abort();
    };
    let (reply, ()) = tokio::join!(multiplexer.send(&command), ends);
    assert!(reply.expect_err("nobody reads").is_connection_dropped());
    assert!(multiplexer.send(&command).await.is_err());
    drop(server);
}

#[tokio::test]
async fn what_is_not_the_protocol_ends_the_connection() {
    let (multiplexer, driver, mut server, _) = connected();
    server.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("written");
    driver.await.expect("it has ended");
    let error = multiplexer.send(&get(1)).await.expect_err("it is not redis");
    assert_eq!(error.kind(), redis::ErrorKind::Parse);
}
