//! TLS.

use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanlight_core::Settings;
use fanlight_driver::Tls;
use futures_lite::AsyncReadExt;
use futures_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};

use crate::{
    client::{Client, Raw},
    house::{House, Plan, settings, soon},
    platform::{Link, Platform},
};

/// Two files with a certificate and its key; removed with the value.
struct Identity {
    cert: PathBuf,
    key: PathBuf,
    der: CertificateDer<'static>,
}

impl Identity {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = |kind| {
            let name = format!("fanlight-behaviours-{}-{number}.{kind}", process::id());
            env::temp_dir().join(name)
        };
        let mut identity =
            Self { cert: path("cert"), key: path("key"), der: CertificateDer::from(Vec::new()) };
        identity.renew();
        identity
    }

    fn renew(&mut self) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&self.cert, made.cert.pem()).unwrap();
        fs::write(&self.key, made.signing_key.serialize_pem()).unwrap();
        self.der = made.cert.der().clone();
    }

    fn plan(&self) -> Plan {
        let tls = Tls::open(&self.cert, &self.key).unwrap();
        Plan { shards: 2, tls: Some(tls), ..Plan::default() }
    }

    /// What trusts this certificate and no other.
    fn trusts(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsConnector::from(Arc::new(config))
    }

    async fn encrypt(&self, house: &House) -> std::io::Result<TlsStream<Link>> {
        let name = ServerName::try_from("localhost").unwrap();
        soon(house.platform, self.trusts().connect(name, house.link())).await
    }

    async fn client(&self, house: &House) -> Client {
        let stream = self.encrypt(house).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        Client::over(house.platform, Box::new(stream)).await
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.cert);
        let _ = fs::remove_file(&self.key);
    }
}

pub(crate) async fn an_encrypted_connection_is_like_any_other(platform: &'static dyn Platform) {
    let identity = Identity::new();
    let house = House::open(platform, identity.plan()).await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = identity.client(&house).await;
        client.join("lobby").await;
        clients.push(client);
    }
    for length in [0, 1, 16 * 1024, 500_000] {
        let text = "x".repeat(length);
        clients[0].say(&format!("say lobby {text}")).await;
        for client in &mut clients {
            assert_eq!(client.hear().await, text);
        }
    }
    for mut client in clients {
        client.say("bye").await;
        assert_eq!(client.hear_close().await, (4000, "bye".to_owned()));
    }
    house.until(|stats| stats.connections == 0).await;
    house.close().await;
}

pub(crate) async fn a_handshake_has_the_deadline_of_an_upgrade(platform: &'static dyn Platform) {
    let identity = Identity::new();
    let house = House::open(platform, identity.plan()).await;
    // One says nothing, one a little of a handshake, and one shakes hands and asks for nothing.
    let (mut silent, mut slow) = (house.raw(), house.raw());
    slow.send([0x16, 3, 1, 2, 0, 1]).await;
    let mut idle = identity.encrypt(&house).await.unwrap();
    house.until(|stats| stats.upgrading == 3).await;
    house.clock.pass(Duration::from_secs(9));
    let mut client = identity.client(&house).await;
    assert_eq!(house.handle.stats().timeouts, 0, "it is not time yet");
    house.clock.pass(Duration::from_secs(1));
    silent.hear_end().await;
    slow.hear_end().await;
    // Without a request it is let go without an answer.
    while let Ok(1..) = soon(platform, idle.read(&mut [0; 1024])).await {}
    client.say("still here").await;
    assert_eq!(client.hear().await, "still here");
    house.until(|stats| stats.connections == 1).await;
    house.close().await;
}

pub(crate) async fn handshakes_are_bounded_in_number(platform: &'static dyn Platform) {
    let identity = Identity::new();
    let settings = Settings { upgrading_max: 2, ..settings() };
    let house = House::open(platform, Plan { shards: 1, settings, ..identity.plan() }).await;
    let held = [house.raw(), house.raw()];
    house.until(|stats| stats.upgrading == 2).await;
    // Whoever comes now is let go before anything is computed for it.
    house.raw().hear_end().await;
    house.until(|stats| stats.refused == 1).await;
    drop(held);
    house.until(|stats| stats.upgrading == 0).await;
    identity.client(&house).await.say("room again").await;
    house.close().await;
}

pub(crate) async fn a_handshake_that_fails_harms_nobody(platform: &'static dyn Platform) {
    let (identity, other) = (Identity::new(), Identity::new());
    let house = House::open(platform, identity.plan()).await;
    let mut client = identity.client(&house).await;
    let mut plain: Raw = house.raw();
    plain.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    plain.hear_end().await;
    assert!(other.encrypt(&house).await.is_err(), "it does not trust this certificate");
    house.until(|stats| stats.connections == 1).await;
    client.say("still here").await;
    assert_eq!(client.hear().await, "still here");
    house.close().await;
}

pub(crate) async fn a_certificate_that_is_replaced_is_shown_to_the_next(
    platform: &'static dyn Platform,
) {
    let mut identity = Identity::new();
    let house = House::open(platform, identity.plan()).await;
    let mut before = identity.client(&house).await;
    identity.renew();
    // The files are looked at once a second, at most, by the real clock.
    soon(platform, async {
        while identity.encrypt(&house).await.is_err() {
            platform.sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    before.say("still here").await;
    assert_eq!(before.hear().await, "still here");
    house.close().await;
}
