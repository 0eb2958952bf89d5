//! Requests that the service does not answer at once.

use std::{thread, time::Duration};

use fanlight_core::{Admission, ConnId, Topic};
use fanlight_driver::HandleError;

use crate::{
    client::{Raw, UPGRADE},
    house::{House, soon},
    platform::Platform,
    service::Told,
};

/// A peer whose request waits.
async fn waiting(house: &House) -> (Raw, ConnId) {
    let mut raw = house.raw();
    raw.send(UPGRADE.replacen('/', "/later", 1)).await;
    match house.next_told().await {
        Told::Asked(conn) => (raw, conn),
        told @ (Told::Opened(_) | Told::Closed(..)) => panic!("{told:?}, but it was asked first"),
    }
}

pub(crate) async fn a_request_is_admitted_later_by_a_plain_thread(platform: &'static dyn Platform) {
    let house = House::of(platform, 2).await;
    let (mut raw, conn) = waiting(&house).await;
    house.clock.pass(Duration::from_secs(9));
    let handle = house.handle.clone();
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || tell.send(handle.admit(conn, Admission::user("ann")).wait()));
    let head = raw.hear_head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(house.receive(&told).await, Ok(()));
    assert_eq!(house.next_told().await, Told::Opened(conn));
    assert_eq!(soon(platform, house.handle.count(Topic::user("ann"))).await, Ok(1));
    house.close().await;
}

pub(crate) async fn a_request_that_nobody_decides_is_answered_at_its_deadline(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 1).await;
    let (mut raw, conn) = waiting(&house).await;
    house.clock.pass(Duration::from_secs(10));
    let answer = String::from_utf8(raw.hear_out().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let admitting = house.handle.admit(conn, Admission::default());
    assert_eq!(soon(platform, admitting).await, Err(HandleError::Gone));
    house.close().await;
}
