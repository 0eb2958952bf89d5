//! One thing said to many.

use fanlight_core::Audience;

use crate::{house::House, platform::Platform};

pub(crate) async fn all_members_hear_one_order_on_whichever_shard_they_live(
    platform: &'static dyn Platform,
) {
    const EACH: usize = 200;
    let house = House::of(platform, 2).await;
    let mut members = Vec::new();
    for _ in 0..6 {
        members.push(house.member("lobby").await);
    }
    for name in ["a", "b"] {
        let mut speaker = house.client().await;
        platform.spawn(Box::pin(async move {
            for number in 0..EACH {
                speaker.say(&format!("say lobby {name}{number}")).await;
            }
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
    house.close().await;
}

pub(crate) async fn a_broadcast_reaches_everyone_and_a_topic_its_members(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 3).await;
    let (mut others, mut members) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        others.push(house.client().await);
        members.push(house.member("lobby").await);
    }
    house.until(|stats| stats.open == 10).await;
    members[0].say("say lobby hello").await;
    for member in &mut members {
        assert_eq!(member.hear().await, "hello");
    }
    house.handle.publish(Audience::Everyone, "to all".into()).now().unwrap();
    for client in others.iter_mut().chain(&mut members) {
        assert_eq!(client.hear().await, "to all", "and nothing that was not for them before");
    }
    house.close().await;
}
