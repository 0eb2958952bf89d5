//! Messages and back.

use async_tungstenite::tungstenite::Message as Said;

use crate::{house::House, platform::Platform};

pub(crate) async fn messages_of_every_size_and_kind_come_back(platform: &'static dyn Platform) {
    let house = House::of(platform, 2).await;
    let mut client = house.client().await;
    for length in [0, 1, 125, 126, 65_535, 65_536, 200_000, 1 << 20] {
        let text = "x".repeat(length);
        client.say(&text).await;
        assert_eq!(client.hear().await, text);
        let binary = Said::binary(vec![length as u8; length]);
        client.send(binary.clone()).await.unwrap();
        assert_eq!(client.next().await.unwrap(), binary);
    }
    client.send(Said::Ping("are you there".into())).await.unwrap();
    assert_eq!(client.next().await.unwrap(), Said::Pong("are you there".into()));
    house.close().await;
}

pub(crate) async fn what_is_sent_without_waiting_comes_back_in_order(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 1).await;
    let mut client = house.client().await;
    for round in 0..20 {
        for number in 0..100 {
            client.say(&format!("{round} {number}")).await;
        }
        for number in 0..100 {
            assert_eq!(client.hear().await, format!("{round} {number}"));
        }
    }
    house.close().await;
}

pub(crate) async fn forty_clients_are_shared_out_and_served(platform: &'static dyn Platform) {
    let house = House::of(platform, 4).await;
    let mut clients = Vec::new();
    for _ in 0..40 {
        clients.push(house.client().await);
    }
    house.until(|stats| stats.open == 40).await;
    let open: Vec<_> = house.handle.shard_stats().iter().map(|stats| stats.open).collect();
    assert_eq!(open, [10; 4]);
    for (number, client) in clients.iter_mut().enumerate() {
        client.say(&number.to_string()).await;
    }
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.hear().await, number.to_string());
    }
    drop(clients);
    house.until(|stats| stats.connections == 0).await;
    house.close().await;
}
