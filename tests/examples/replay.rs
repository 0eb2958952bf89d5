//! Debug.
use Greeting::*;
use fanlight_tests::*;
use std::time::Duration;
fn main() {
    let ms = Duration::from_millis;
    let s = Scenario {
        seed: 0,
        shards: 3,
        bounds: Bounds::Roomy,
        ops: vec![
            Op::Advance { ms: 10289 },
            Op::Advance { ms: 2850 },
            Op::Advance { ms: 22454 },
            Op::Advance { ms: 32141 },
            Op::Accept { shard: 0, greeting: Upgraded(None) },
            Op::Accept { shard: 101, greeting: Upgraded(None) },
            Op::Accept { shard: 0, greeting: Upgraded(None) },
            Op::Accept { shard: 0, greeting: Upgraded(None) },
            Op::Accept { shard: 2, greeting: Upgraded(None) },
        ],
        ending: Ending::Drain(ms(1), ms(1)),
    };
    let stage = s.play();
    println!("{:?}", laws::hold(&s));
    for (at, shard, line) in &stage.world.record().lines {
        if shard.0 == 2 {
            println!("{at} {line:?}");
        }
    }
    println!(
        "{:?} {:?} {:?} {}",
        stage.world.hub(fanlight_core::ShardId(2)),
        stage.world.hub(fanlight_core::ShardId(2)).next_deadline().map(|x| x.as_nanos()),
        stage.world.live(),
        stage.world.now()
    );
}
