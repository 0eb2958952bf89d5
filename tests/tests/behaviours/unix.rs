//! Unix sockets.

use std::{
    env,
    os::unix::net::UnixStream,
    path::PathBuf,
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{
    client::Client,
    house::{House, Plan},
    platform::Platform,
};

/// A path that nobody else has.
fn path() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("fanlight-behaviours-{}-{number}.sock", process::id()))
}

pub(crate) async fn a_unix_socket_is_like_any_other(platform: &'static dyn Platform) {
    let path = path();
    let plan = Plan { shards: 2, unix: Some(path.clone()), ..Plan::default() };
    let house = House::open(platform, plan).await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let stream = UnixStream::connect(&path).unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut client = Client::over(platform, platform.unix(stream).unwrap()).await;
        client.join("lobby").await;
        clients.push(client);
    }
    // More than the kernel takes at once.
    let text = "x".repeat(500_000);
    clients[0].say(&format!("say lobby {text}")).await;
    for client in &mut clients {
        assert_eq!(client.hear().await, text);
    }
    for mut client in clients {
        client.say("bye").await;
        assert_eq!(client.hear_close().await.0, 4000);
    }
    house.until(|stats| stats.connections == 0).await;
    house.close().await;
}

pub(crate) async fn its_file_is_there_as_long_as_the_server(platform: &'static dyn Platform) {
    let path = path();
    let house = House::open(platform, Plan { unix: Some(path.clone()), ..Plan::default() }).await;
    let refused = platform.serve(Plan { unix: Some(path.clone()), ..Plan::default() }).await;
    let error = refused.err().expect("somebody listens there");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    house.close().await;
    assert!(!path.exists());
}
