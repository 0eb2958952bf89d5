//! Readers that cannot keep up.

use std::time::Duration;

use async_tungstenite::tungstenite::Message as Said;
use fanlight_core::{CloseReason, ConnId, Settings};

use crate::{
    client::Client,
    house::{House, Plan, settings},
    platform::Platform,
    service::Told,
};

const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A member of `lobby` that hears nothing more from then on, and its connection.
async fn sleepy(house: &House) -> (Client, ConnId) {
    let mut slow = Client::over(house.platform, house.link_with(Some(4096))).await;
    let Told::Opened(conn) = house.next_told().await else { panic!("it opened first") };
    slow.join("lobby").await;
    (slow, conn)
}

pub(crate) async fn a_reader_that_is_too_slow_is_cut_off_and_harms_nobody(
    platform: &'static dyn Platform,
) {
    const MESSAGES: usize = 100;
    let settings =
        Settings { message_bytes_max: 64 * 1024, outbox_bytes_max: 512 * 1024, ..settings() };
    let house = House::open(platform, Plan { shards: 2, settings, ..Plan::default() }).await;
    let (mut slow, slow_conn) = sleepy(&house).await;
    let mut members = Vec::new();
    for _ in 0..3 {
        let (mut member, _) = house.opened_client().await;
        member.join("lobby").await;
        members.push(member);
    }
    let text = "x".repeat(16 * 1024);
    for number in 0..MESSAGES {
        let said = format!("{number} {text}");
        members[0].say(&format!("say lobby {said}")).await;
        for member in &mut members {
            assert_eq!(member.hear().await, said);
        }
    }
    // Time has stood still: it is the bound that was reached.
    house.until(|stats| stats.overflows == 1).await;
    // It is given time for its last words, and takes them.
    let mut heard = 0;
    while let Ok(said) = slow.next().await {
        if let Said::Close(close) = said {
            assert_eq!(u16::from(close.unwrap().code), 1013);
            break;
        }
        heard += 1;
    }
    assert!(heard < MESSAGES, "what it was given is whole, and not all");
    drop(slow);
    assert_eq!(house.next_told().await, Told::Closed(slow_conn, CloseReason::OutboxFull));
    house.until(|stats| stats.connections == 3).await;
    house.close().await;
}

pub(crate) async fn a_reader_that_takes_nothing_stalls(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let (_slow, slow_conn) = sleepy(&house).await;
    let (mut other, _) = house.opened_client().await;
    // More than the kernel takes for it, and less than its outbox.
    let text = "x".repeat(100 * 1024);
    for number in 0..20 {
        other.say(&format!("say lobby {number} {text}")).await;
    }
    other.say("said").await;
    assert_eq!(other.hear().await, "said");
    house.until(|stats| stats.queued > 0).await;
    let told = loop {
        let told = house.pass_until_told(STALL_TIMEOUT / 30).await;
        if let Told::Closed(conn, reason) = told {
            assert_eq!(conn, slow_conn, "{reason}");
            break reason;
        }
    };
    assert_eq!(told, CloseReason::Stalled);
    house.until(|stats| stats.queued == 0).await;
    house.close().await;
}
