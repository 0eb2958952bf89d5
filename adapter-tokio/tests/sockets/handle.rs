//! The house spoken to from outside.

use std::{thread, time::Duration};

use fanlight_tokio::{Audience, CloseCode, Handle, HandleError, Message, Settings};

use crate::house::{House, Told, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_thread_publishes_sends_and_closes() {
    let house = House::open(2, Settings::default()).await;
    let mut first = house.member("lobby").await;
    let Told::Opened(first_conn) = house.next_told().await else { panic!("it opened first") };
    let mut second = house.member("lobby").await;
    let Told::Opened(second_conn) = house.next_told().await else { panic!("it opened second") };
    assert_ne!(first_conn.shard(), second_conn.shard());

    let handle = house.handle.clone();
    let outside = thread::spawn(move || -> Result<(), HandleError> {
        handle.publish("lobby", "for members".into())?;
        handle.publish_except("lobby", "for the second".into(), first_conn)?;
        handle.publish("lobby", "for members again".into())
    });
    outside.join().unwrap().unwrap();
    for text in ["for members", "for members again"] {
        assert_eq!(first.hear().await, text);
    }
    for text in ["for members", "for the second", "for members again"] {
        assert_eq!(second.hear().await, text);
    }

    house.handle.publish(Audience::Everyone, "for everyone".into()).unwrap();
    assert_eq!(first.hear().await, "for everyone");
    assert_eq!(second.hear().await, "for everyone");

    house.handle.send(first_conn, "for you".into()).unwrap();
    house.handle.close(first_conn, CloseCode::Normal, "that is all").unwrap();
    assert_eq!(first.hear().await, "for you");
    assert_eq!(first.hear_close().await, (1000, "that is all".to_owned()));

    house.handle.unsubscribe(second_conn, "lobby").unwrap();
    house.handle.subscribe(second_conn, "attic").unwrap();
    assert_eq!(second.hear().await, "joined attic");
    house.handle.publish("lobby", "for nobody".into()).unwrap();
    house.handle.publish("attic", "in the attic".into()).unwrap();
    assert_eq!(second.hear().await, "in the attic");
    house.handle.kick(second_conn, CloseCode::Policy, "out").unwrap();
    assert_eq!(second.hear_close().await, (1008, "out".to_owned()));

    // Gone: counted, and otherwise nothing.
    house.until(|stats| stats.connections == 0).await;
    house.handle.send(first_conn, "too late".into()).unwrap();
    house.until(|stats| stats.stale_events > 0).await;
    let handle = house.handle.clone();
    house.close().await;
    assert_eq!(handle.publish("lobby", "too late".into()), Err(HandleError::Stopped));
}

#[tokio::test]
async fn requests_past_the_bound_are_refused_and_nothing_taken_is_lost() {
    let settings = Settings { mailbox_bytes_max: 4096, ..Settings::default() };
    // On one thread, so that the shard takes nothing while this does not wait.
    let house = House::open(1, settings).await;
    let mut member = house.member("lobby").await;
    let taken = fill(&house.handle);
    assert!(taken > 0);
    for number in 0..taken {
        assert_eq!(member.hear().await, number.to_string());
    }
    assert!(fill(&house.handle) > 0, "there is room again");
    let too_long = Message::text(&"x".repeat(4096));
    assert_eq!(house.handle.publish("lobby", too_long), Err(HandleError::Full));
    house.close().await;
}

/// Publishes numbers until the mailbox is full; how many went in.
fn fill(handle: &Handle) -> usize {
    for number in 0..10_000 {
        match handle.publish("lobby", Message::text(&number.to_string())) {
            Ok(()) => {}
            Err(HandleError::Full) => return number,
            Err(HandleError::Stopped) => panic!("it runs"),
        }
    }
    panic!("there is no bound");
}

#[tokio::test]
async fn a_handle_works_before_the_server_runs() {
    let server = fanlight_tokio::Server::bind("127.0.0.1:0").await.unwrap().shards(3);
    let handle = server.handle();
    assert_eq!(handle.shards(), 3);
    let drained = handle.drain(crate::house::drain());
    struct Nothing;
    impl fanlight_tokio::Service for Nothing {}
    soon(server.run(|| Nothing)).await.unwrap();
    soon(drained).await.unwrap();
    assert_eq!(handle.shard_stats().len(), 3);
    assert!(tokio::time::timeout(Duration::ZERO, handle.ended()).await.is_ok());
}
