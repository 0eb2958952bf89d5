//! The house spoken to from outside.

use std::{thread, time::Duration};

use fanlight_core::{Audience, CloseCode, Message, Settings};
use fanlight_driver::{Handle, HandleError};

use crate::{
    house::{House, Plan, Served, farewell, settings, soon},
    platform::Platform,
};

pub(crate) async fn a_plain_thread_publishes_sends_and_closes(platform: &'static dyn Platform) {
    let house = House::of(platform, 2).await;
    let (mut first, first_conn) = house.opened_client().await;
    first.join("lobby").await;
    let (mut second, second_conn) = house.opened_client().await;
    second.join("lobby").await;
    assert_ne!(first_conn.shard(), second_conn.shard());

    let handle = house.handle.clone();
    let outside = thread::spawn(move || -> Result<(), HandleError> {
        handle.publish("lobby", "for members".into()).wait()?;
        handle.publish_except("lobby", "for the second".into(), first_conn).wait()?;
        handle.publish("lobby", "for members again".into()).now()
    });
    outside.join().unwrap().unwrap();
    for text in ["for members", "for members again"] {
        assert_eq!(first.hear().await, text);
    }
    for text in ["for members", "for the second", "for members again"] {
        assert_eq!(second.hear().await, text);
    }

    house.handle.publish(Audience::Everyone, "for everyone".into()).now().unwrap();
    assert_eq!(first.hear().await, "for everyone");
    assert_eq!(second.hear().await, "for everyone");

    house.handle.send(first_conn, "for you".into()).now().unwrap();
    house.handle.close(first_conn, CloseCode::Normal, "that is all").now().unwrap();
    assert_eq!(first.hear().await, "for you");
    assert_eq!(first.hear_close().await, (1000, "that is all".to_owned()));

    house.handle.unsubscribe(second_conn, "lobby").now().unwrap();
    house.handle.subscribe(second_conn, "attic").now().unwrap();
    assert_eq!(second.hear().await, "joined attic");
    house.handle.publish("lobby", "for nobody".into()).now().unwrap();
    house.handle.publish("attic", "in the attic".into()).now().unwrap();
    assert_eq!(second.hear().await, "in the attic");
    house.handle.kick(second_conn, CloseCode::Policy, "out").now().unwrap();
    assert_eq!(second.hear_close().await, (1008, "out".to_owned()));

    // Gone: counted, and otherwise nothing.
    house.until(|stats| stats.connections == 0).await;
    house.handle.send(first_conn, "too late".into()).now().unwrap();
    house.until(|stats| stats.stale_events > 0).await;
    let handle = house.handle.clone();
    house.close().await;
    assert_eq!(handle.publish("lobby", "too late".into()).now(), Err(HandleError::Stopped));
}

pub(crate) async fn a_plain_thread_subscribes_counts_and_closes_all(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 2).await;
    let (mut first, first_conn) = house.opened_client().await;
    let (mut second, second_conn) = house.opened_client().await;
    let (mut other, _) = house.opened_client().await;
    let handle = house.handle.clone();
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || -> Result<(), HandleError> {
        for conn in [first_conn, second_conn] {
            // A member from here on: nothing that is published now can miss it.
            handle.subscribe(conn, "lobby").wait()?;
        }
        let mut members = handle.list("lobby").wait()?;
        members.sort_unstable();
        handle.publish("lobby", "last words".into()).wait()?;
        let closed = handle.close_all("lobby", CloseCode::Library(4001), "over").wait()?;
        let left = handle.count(Audience::Everyone).wait()?;
        let _ = tell.send((members, closed, left));
        Ok(())
    });
    for client in [&mut first, &mut second] {
        assert_eq!(client.hear().await, "joined lobby");
        assert_eq!(client.hear().await, "last words");
    }
    for client in [first, second] {
        assert_eq!(client.hear_close().await, (4001, "over".to_owned()));
    }
    let mut expected = vec![first_conn, second_conn];
    expected.sort_unstable();
    assert_eq!(house.receive(&told).await, (expected, 2, 1));
    other.say("still here").await;
    assert_eq!(other.hear().await, "still here");
    house.close().await;
}

pub(crate) async fn requests_past_the_bound_are_refused_and_nothing_taken_is_lost(
    platform: &'static dyn Platform,
) {
    let settings = Settings { mailbox_bytes_max: 4096, ..settings() };
    let house = House::open(platform, Plan { settings, ..Plan::default() }).await;
    let mut member = house.member("lobby").await;
    // It takes them meanwhile, so they are put in faster than that until one is refused.
    let taken = fill(&house.handle);
    for number in 0..taken {
        assert_eq!(member.hear().await, number.to_string());
    }
    let too_long = Message::text(&"x".repeat(4096));
    assert_eq!(house.handle.publish("lobby", too_long).now(), Err(HandleError::TooLong));
    house.handle.publish("lobby", "there is room again".into()).now().unwrap();
    assert_eq!(member.hear().await, "there is room again");
    house.close().await;
}

/// Publishes numbers until the mailbox is full; how many went in.
fn fill(handle: &Handle) -> usize {
    for number in 0..1_000_000 {
        match handle.publish("lobby", Message::text(&number.to_string())).now() {
            Ok(()) => {}
            Err(HandleError::Full) => return number,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("there is no bound");
}

pub(crate) async fn a_handle_works_before_the_server_runs(platform: &'static dyn Platform) {
    let plan = Plan { shards: 3, ..Plan::default() };
    let Served { address: _, handle, incoming: _, run } = platform.serve(plan).await.unwrap();
    assert_eq!(handle.shards(), 3);
    let drained = handle.drain(farewell(Duration::from_secs(10)));
    let waiting = thread::spawn(|| drained.wait());
    soon(platform, run).await.unwrap();
    waiting.join().unwrap().unwrap();
    assert_eq!(handle.shard_stats().len(), 3);
    assert_eq!(futures_lite::future::poll_once(handle.ended()).await, Some(Ok(())));
}
