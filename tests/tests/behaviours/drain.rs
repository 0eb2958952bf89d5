//! The graceful end.

use std::{net::TcpStream, time::Duration};

use fanlight_core::{CloseCode, CloseReason};

use crate::{
    client::UPGRADE,
    house::{House, farewell, soon},
    platform::Platform,
    service::Told,
};

const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) async fn clients_that_obey_end_it_at_once(platform: &'static dyn Platform) {
    let house = House::of(platform, 2).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(house.client().await);
    }
    let drained = house.handle.drain(farewell(TIMEOUT));
    for client in clients {
        assert_eq!(client.hear_close().await, (1001, "closing time".to_owned()));
    }
    // Not a moment has passed.
    soon(platform, drained).await.unwrap();
    house.ends_empty().await;
    let address = house.address.expect("it listened on a port");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

pub(crate) async fn clients_that_do_not_obey_end_it_at_its_deadline(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 2).await;
    let (obedient, _) = house.opened_client().await;
    let mut others = Vec::new();
    for _ in 0..4 {
        let mut raw = house.raw();
        raw.send(UPGRADE).await;
        raw.hear_head().await;
        let Told::Opened(conn) = house.next_told().await else { panic!("it opened") };
        others.push((raw, conn));
    }
    let drained = house.handle.drain(farewell(TIMEOUT));
    assert_eq!(obedient.hear_close().await.0, 1001);
    for (raw, _) in &mut others {
        assert_eq!(raw.hear(2).await, [0x88, 14], "a Close with a code and a text");
        assert_eq!(raw.hear(2).await, [3, 233]);
        assert_eq!(raw.hear(12).await, b"closing time");
    }
    house.until(|stats| stats.connections == 4).await;
    // They neither answer nor leave. There is a deadline for each of that, and one for the drain.
    let passes = async {
        for _ in 0..TIMEOUT.as_secs() {
            house.clock.pass(Duration::from_secs(1));
            platform.sleep(Duration::from_millis(1)).await;
        }
        soon(platform, drained).await
    };
    passes.await.unwrap();
    house.ends_empty().await;
    let mut ends = Vec::new();
    for _ in 0..5 {
        let Told::Closed(conn, reason) = house.next_told().await else { panic!("all are closed") };
        assert_eq!(reason, CloseReason::Drained(CloseCode::Away));
        ends.push(conn);
    }
    assert!(others.iter().all(|(_, conn)| ends.contains(conn)), "each is told of");
}

pub(crate) async fn nobody_is_let_in_meanwhile(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let mut raw = house.raw();
    raw.send(UPGRADE).await;
    raw.hear_head().await;
    let drained = house.handle.drain(farewell(TIMEOUT));
    assert_eq!(raw.hear(2).await, [0x88, 14]);
    // The listener is closed as soon as that is heard of, and then the system refuses by itself.
    let address = house.address.expect("it listened on a port");
    soon(platform, async {
        while TcpStream::connect(address).is_ok() {
            platform.sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    house.until(|stats| stats.open == 0).await;
    drop(raw);
    soon(platform, drained).await.unwrap();
    house.ends_empty().await;
}
