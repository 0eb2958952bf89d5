//! The certificate and the key of a server, which may be replaced while it runs.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use tracing::{info, warn};

/// How often the files are looked at, at most: when a peer comes.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Why a certificate and its key were not taken. The operator is at fault.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} holds no {wanted} in PEM: {source}", path = .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The two do not make an identity: the key is of another certificate, or of a kind that is not
    /// known.
    #[error("{cert} and {key} do not go together: {source}", cert = .cert.display(), key = .key.display())]
    Pair {
        /// The file of the certificates.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

/// With which certificate a server shows itself, and how it encrypts.
pub struct Tls {
    config: Arc<ServerConfig>,
    files: Option<Files>,
}

/// The files that the config was made of.
struct Files {
    cert: PathBuf,
    key: PathBuf,
    /// As they were when they were last read, whether or not they could be used.
    seen: [Option<Stamp>; 2],
    looked: Instant,
}

/// What changes with a file: replaced, written, or switched by a symbolic link.
type Stamp = (SystemTime, u64);

impl Tls {
    /// The certificate chain in one file and its private key in another, both PEM.
    ///
    /// TLS 1.2 and 1.3 with ring's ciphers, for HTTP/1.1 (ALPN `http/1.1`), which is all that a
    /// WebSocket needs. When the files change they are read again: at the next peer that comes, but
    /// not more than once a second. If they cannot be used the old pair stays, and the log says why.
    ///
    /// # Errors
    ///
    /// What is wrong with which file.
    pub fn open(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (cert, key) = (cert.into(), key.into());
        let seen = stamps(&cert, &key);
        let config = Arc::new(load(&cert, &key)?);
        Ok(Self { config, files: Some(Files { cert, key, seen, looked: Instant::now() }) })
    }

    /// What the next peer is shown.
    pub(super) fn config(&mut self) -> Arc<ServerConfig> {
        self.look(Instant::now());
        Arc::clone(&self.config)
    }

    fn look(&mut self, now: Instant) {
        let Some(files) = &mut self.files else { return };
        if now.saturating_duration_since(files.looked) < LOOK_INTERVAL {
            return;
        }
        files.looked = now;
        let seen = stamps(&files.cert, &files.key);
        if seen == files.seen {
            return;
        }
        files.seen = seen;
        match load(&files.cert, &files.key) {
            Ok(config) => {
                info!(cert = %files.cert.display(), "the certificate was read again");
                self.config = Arc::new(config);
            }
            Err(error) => warn!(%error, "the certificate was changed; the one before stays in use"),
        }
    }
}

/// A config that the application has made. Nothing is read again, and the protocols of ALPN are the
/// application's to set.
impl From<Arc<ServerConfig>> for Tls {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self { config, files: None }
    }
}

fn stamps(cert: &Path, key: &Path) -> [Option<Stamp>; 2] {
    [cert, key].map(|path| {
        let file = fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len()))
    })
}

fn load(cert: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
    };
    let refuse = |path: &Path, wanted: &'static str| {
        let path = path.to_owned();
        move |source| TlsError::Pem { path, wanted, source }
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(cert)?)
        .collect::<Result<_, _>>()
        .map_err(refuse(cert, "certificate"))?;
    if chain.is_empty() {
        return Err(refuse(cert, "certificate")(pem::Error::NoItemsFound));
    }
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(refuse(key, "private key"))?;
    let pair = |source| TlsError::Pair { cert: cert.to_owned(), key: key.to_owned(), source };
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files.as_ref().map(|files| (&files.cert, &files.key));
        f.debug_struct("Tls").field("files", &files).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{env, process};

    use super::*;

    /// Two files that no other test has; removed with the value.
    struct Pair {
        cert: PathBuf,
        key: PathBuf,
    }

    impl Pair {
        fn new(name: &str) -> Self {
            let path =
                |kind| env::temp_dir().join(format!("fanlight-{name}-{}.{kind}", process::id()));
            let pair = Self { cert: path("cert"), key: path("key") };
            pair.renew();
            pair
        }

        /// Writes a new certificate and its key. No two are equally long at the same time, so that
        /// the change is seen however coarse the clock of the file system is.
        fn renew(&self) {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let padding = "\n".repeat(1 + self.length() % 7);
            fs::write(&self.cert, made.cert.pem() + &padding).unwrap();
            fs::write(&self.key, made.signing_key.serialize_pem()).unwrap();
        }

        fn length(&self) -> usize {
            fs::read(&self.cert).map_or(0, |bytes| bytes.len())
        }

        fn open(&self) -> Result<Tls, TlsError> {
            Tls::open(&self.cert, &self.key)
        }
    }

    impl Drop for Pair {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.cert);
            let _ = fs::remove_file(&self.key);
        }
    }

    #[test]
    fn a_pair_is_taken_and_offers_http() {
        let mut tls = Pair::new("taken").open().unwrap();
        assert_eq!(tls.config().alpn_protocols, [b"http/1.1".to_vec()]);
    }

    #[test]
    fn a_pair_that_changes_is_read_again_once_a_second_at_most() {
        let pair = Pair::new("renewed");
        let mut tls = pair.open().unwrap();
        let (first, opened) = (Arc::clone(&tls.config), Instant::now());
        pair.renew();
        tls.look(opened + LOOK_INTERVAL / 2);
        assert!(Arc::ptr_eq(&tls.config, &first), "it was looked at just now");
        tls.look(opened + LOOK_INTERVAL * 2);
        let second = Arc::clone(&tls.config);
        assert!(!Arc::ptr_eq(&second, &first));
        tls.look(opened + LOOK_INTERVAL * 4);
        assert!(Arc::ptr_eq(&tls.config, &second), "nothing has changed");
    }

    #[test]
    fn a_bad_pair_keeps_the_old_one_until_a_good_one_comes() {
        let pair = Pair::new("bad");
        let mut tls = pair.open().unwrap();
        let (first, opened) = (Arc::clone(&tls.config), Instant::now());
        // Half of it replaced: as seen between two writes of whoever renews it.
        let other = Pair::new("other");
        fs::copy(&other.cert, &pair.cert).unwrap();
        tls.look(opened + LOOK_INTERVAL * 2);
        fs::remove_file(&pair.key).unwrap();
        tls.look(opened + LOOK_INTERVAL * 4);
        assert!(Arc::ptr_eq(&tls.config, &first));
        fs::copy(&other.key, &pair.key).unwrap();
        tls.look(opened + LOOK_INTERVAL * 6);
        assert!(!Arc::ptr_eq(&tls.config, &first));
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_the_name_of_its_file() {
        let pair = Pair::new("refused");
        let refusal = |cert: &Path, key: &Path| Tls::open(cert, key).unwrap_err().to_string();
        let missing = Path::new("/nowhere/key.pem");
        assert!(refusal(&pair.cert, missing).starts_with("/nowhere/key.pem: "));
        let shown = pair.key.display().to_string();
        assert!(
            refusal(&pair.key, &pair.key).starts_with(&format!("{shown} holds no certificate"))
        );
        let shown = pair.cert.display().to_string();
        assert!(
            refusal(&pair.cert, &pair.cert).starts_with(&format!("{shown} holds no private key"))
        );
        let other = Pair::new("foreign");
        let mismatched = refusal(&pair.cert, &other.key);
        assert!(mismatched.contains("do not go together"), "{mismatched}");
    }
}
