//! Ways in other than a plain port: TLS and Unix sockets.

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::PathBuf,
    process,
    sync::Arc,
};

use rustix::process::Signal;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tungstenite::{Message, WebSocket, client::client};

use crate::{
    RUNTIMES,
    process::{Fanlight, WAIT_MAX},
};

/// A path for a file of one test, which nobody else has.
fn path(name: &str) -> PathBuf {
    env::temp_dir().join(format!("fanlight-binary-{}-{name}", process::id()))
}

/// Writes a certificate and its key; removed with the value.
struct Identity {
    cert: PathBuf,
    key: PathBuf,
    der: CertificateDer<'static>,
}

impl Identity {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (path(&format!("{name}.cert")), path(&format!("{name}.key")));
        fs::write(&cert, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Self { cert, key, der: made.cert.der().clone() }
    }

    fn args(&self) -> [&str; 4] {
        ["--tls-cert", self.cert.to_str().unwrap(), "--tls-key", self.key.to_str().unwrap()]
    }

    /// A socket that trusts this certificate and no other.
    fn encrypt(&self, fanlight: &Fanlight) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let tcp = TcpStream::connect(fanlight.address()).unwrap();
        tcp.set_read_timeout(Some(WAIT_MAX)).unwrap();
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), tcp)
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.cert);
        let _ = fs::remove_file(&self.key);
    }
}

fn echoes(client: &mut WebSocket<impl Read + Write>) {
    for message in [Message::text("hello"), Message::binary(vec![7; 100_000])] {
        client.send(message.clone()).unwrap();
        assert_eq!(client.read().unwrap(), message);
    }
}

#[test]
fn with_a_certificate_everything_is_encrypted() {
    let identity = Identity::new("encrypted");
    for runtime in RUNTIMES {
        let [a, b, c, d] = identity.args();
        let mut fanlight = Fanlight::start(&[a, b, c, d, "--runtime", runtime]);
        let (mut echo, _) = client("ws://localhost/echo", identity.encrypt(&fanlight))
            .unwrap_or_else(|error| {
                panic!("{runtime}: {error}");
            });
        echoes(&mut echo);
        let mut page = identity.encrypt(&fanlight);
        page.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        page.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\nok"), "{runtime}: {answer}");
        fanlight.signal(Signal::TERM);
        assert!(echo.read().unwrap().is_close());
        while echo.read().is_ok() {}
        assert_eq!(fanlight.exit_code(), Some(0), "{runtime}");
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_and_ends_with_1() {
    let (identity, other) = (Identity::new("good"), Identity::new("other"));
    let [_, cert, _, key] = identity.args();
    let [_, _, _, other_key] = other.args();
    for (cert, key, said) in [
        (cert, "/nowhere/key.pem", "/nowhere/key.pem: "),
        (key, key, "holds no certificate"),
        (cert, cert, "holds no private key"),
        (cert, other_key, "do not go together"),
    ] {
        let args = ["--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key];
        let output = Fanlight::output(&args);
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(said), "{said:?} is not in {stderr:?}");
    }
}

#[test]
fn a_unix_socket_is_listened_on_replaced_and_removed() {
    let path = path("listen.sock");
    let listen = format!("unix:{}", path.display());
    let connect = || {
        let stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
        client("ws://localhost/echo", stream).unwrap().0
    };
    for runtime in RUNTIMES {
        let args = ["--runtime", runtime];
        drop(Fanlight::start_at(&listen, &args));
        assert!(path.exists(), "it was killed");
        let mut fanlight = Fanlight::start_at(&listen, &args);
        let mut echo = connect();
        echoes(&mut echo);

        let output = Fanlight::output(&["--listen", &listen, "--runtime", runtime]);
        assert_eq!(output.status.code(), Some(1), "{runtime}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&listen) && said.contains("in use"), "{said}");

        fanlight.signal(Signal::TERM);
        while echo.read().is_ok() {}
        assert_eq!(fanlight.exit_code(), Some(0), "{runtime}");
        assert!(!path.exists(), "{runtime}");
    }
}
