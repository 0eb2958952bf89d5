//! One task for each connection.

use std::{sync::mpsc, time::Duration};

use async_tungstenite::tungstenite::Message as Said;
use fanlight_core::{CloseReason, Message};
use fanlight_driver::{Connection, SendError};
use futures_lite::StreamExt;

use crate::{
    house::{House, Plan, soon},
    platform::Platform,
};

async fn with_tasks(platform: &'static dyn Platform) -> House {
    House::open(platform, Plan { shards: 2, has_tasks: true, ..Plan::default() }).await
}

/// Sends back whatever comes; what it ended with.
async fn echo(mut connection: Connection) -> Result<Option<CloseReason>, SendError> {
    while let Some(message) = connection.next().await {
        connection.send(message).await?;
    }
    Ok(connection.reason())
}

pub(crate) async fn a_task_for_each_connection_hears_and_speaks(platform: &'static dyn Platform) {
    let mut house = with_tasks(platform).await;
    let (tell, told) = mpsc::channel();
    let mut clients = Vec::new();
    for _ in 0..10 {
        let (client, connection) = house.given_client().await;
        let tell = tell.clone();
        platform.spawn(Box::pin(async move {
            let _ = tell.send(echo(connection).await);
        }));
        clients.push(client);
    }
    for number in 0..100 {
        for client in &mut clients {
            client.say(&number.to_string()).await;
        }
    }
    for client in &mut clients {
        for number in 0..100 {
            assert_eq!(client.hear().await, number.to_string());
        }
    }
    for mut client in clients {
        client.send(Said::Close(None)).await.unwrap();
        assert!(matches!(client.next().await, Ok(Said::Close(None))));
        client.hear_end().await;
    }
    for _ in 0..10 {
        assert_eq!(house.receive(&told).await, Ok(Some(CloseReason::PeerClosed(None))));
    }
    house.close().await;
}

pub(crate) async fn who_does_not_read_pauses_its_peer(platform: &'static dyn Platform) {
    const MESSAGES: usize = 1000;
    let mut house = with_tasks(platform).await;
    let (mut client, mut connection) = house.given_client().await;
    let text = |number: usize| format!("{number:08192}");
    platform.spawn(Box::pin(async move {
        for number in 0..MESSAGES {
            client.say(&text(number)).await;
        }
        client.hear_close().await;
    }));
    // 256 KiB are 32 of these; a read brings two.
    house.until(|stats| stats.received_messages >= 32).await;
    platform.sleep(Duration::from_millis(50)).await;
    let received = house.handle.stats().received_messages;
    assert!(received <= 34, "{received}");
    for number in 0..MESSAGES {
        let message = soon(platform, connection.next()).await.unwrap();
        assert_eq!(message.as_text(), Some(&*text(number)));
    }
    drop(connection);
    house.until(|stats| stats.connections == 0).await;
    house.close().await;
}

pub(crate) async fn who_writes_waits_for_a_slow_peer(platform: &'static dyn Platform) {
    const MESSAGES: usize = 120;
    let mut house = with_tasks(platform).await;
    let (mut client, mut connection) = house.given_client().await;
    let text = |number: usize| format!("{number:060000}");
    let (tell, told) = mpsc::channel();
    platform.spawn(Box::pin(async move {
        for number in 0..MESSAGES {
            connection.send(Message::text(&text(number))).await.unwrap();
            tell.send(number).unwrap();
        }
    }));
    // Half of its outbox, and what the kernel takes of it.
    house.until(|stats| stats.deliveries >= 30).await;
    for number in 0..MESSAGES {
        assert_eq!(client.hear().await, text(number));
    }
    assert_eq!(client.hear_close().await, (1000, String::new()));
    assert_eq!(told.iter().count(), MESSAGES);
    assert_eq!(house.handle.stats().overflows, 0);
    house.close().await;
}

pub(crate) async fn dropping_it_closes_the_connection(platform: &'static dyn Platform) {
    let mut house = with_tasks(platform).await;
    let (mut client, connection) = house.given_client().await;
    let (reader, mut writer) = connection.split();
    drop(reader);
    client.say("unheard").await;
    writer.send("last".into()).await.unwrap();
    assert_eq!(client.hear().await, "last");
    drop(writer);
    assert_eq!(client.hear_close().await, (1000, String::new()));
    house.close().await;
}
