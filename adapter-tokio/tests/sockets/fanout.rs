//! One thing said to many.

use std::time::Duration;

use fanlight_tokio::{CloseReason, Settings};
use tokio::net::TcpSocket;

use crate::house::{Client, House, Told, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_members_hear_one_order_on_whichever_shard_they_live() {
    const EACH: usize = 200;
    let house = House::open(2, Settings::default()).await;
    let mut members = Vec::new();
    for _ in 0..6 {
        members.push(house.member("lobby").await);
    }
    let mut speakers = Vec::new();
    for name in ["a", "b"] {
        let mut speaker = house.client().await;
        speakers.push(tokio::spawn(async move {
            for number in 0..EACH {
                speaker.say(&format!("say lobby {name}{number}")).await;
            }
            speaker
        }));
    }
    let mut heard = Vec::new();
    for member in &mut members {
        let mut order = Vec::new();
        for _ in 0..2 * EACH {
            order.push(member.hear().await);
        }
        heard.push(order);
    }
    for order in &heard[1..] {
        assert_eq!(order, &heard[0], "one order for all");
    }
    for name in ["a", "b"] {
        let of_one: Vec<_> = heard[0].iter().filter(|text| text.starts_with(name)).collect();
        let said: Vec<_> = (0..EACH).map(|number| format!("{name}{number}")).collect();
        assert_eq!(of_one, said.iter().collect::<Vec<_>>(), "in the order of the speaker");
    }
    for speaker in speakers {
        soon(speaker).await.unwrap();
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_cut_off_and_harms_nobody() {
    const MESSAGES: usize = 400;
    let house = House::open(
        2,
        Settings {
            message_bytes_max: 64 * 1024,
            outbox_bytes_max: 512 * 1024,
            stall_timeout: Duration::from_millis(100),
            close_timeout: Duration::from_millis(100),
            linger_timeout: Duration::from_millis(100),
            ..Settings::default()
        },
    )
    .await;

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = Client::over(soon(socket.connect(house.address)).await.unwrap()).await;
    let Told::Opened(slow_conn) = house.next_told().await else { panic!("it opened first") };
    slow.say("join lobby").await;
    assert_eq!(slow.hear().await, "joined lobby");

    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(house.member("lobby").await);
    }
    let text = "x".repeat(16 * 1024);
    for number in 0..MESSAGES {
        let said = format!("{number} {text}");
        members[0].say(&format!("say lobby {said}")).await;
        for member in &mut members {
            assert_eq!(member.hear().await, said);
        }
    }
    let reason = soon(async {
        loop {
            if let Told::Closed(conn, reason) = house.next_told().await {
                assert_eq!(conn, slow_conn);
                return reason;
            }
        }
    })
    .await;
    assert!(
        matches!(reason, CloseReason::OutboxFull | CloseReason::Stalled),
        "cut off for its slowness, not: {reason}"
    );
    house.until(|stats| stats.connections == 3).await;
    assert_eq!(house.handle.stats().overflows + house.handle.stats().timeouts, 1);
    house.close().await;
}
