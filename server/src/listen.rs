//! Where to listen, as the command line has it.

use std::{fmt, net::SocketAddr, str::FromStr};

use crate::loopback::is_loopback;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The file of a Unix socket.
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

impl Listen {
    /// Whether it is reached from this machine only.
    pub(crate) fn is_here(&self) -> bool {
        match self {
            Self::Tcp(address) => is_loopback(address.ip()),
            #[cfg(unix)]
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        #[cfg(unix)]
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err("a path is needed behind unix:, as in unix:/run/fanlight.sock");
            }
            return Ok(Self::Unix(path.into()));
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            "an IP address and a port are needed, as in 127.0.0.1:9000 or [::1]:9000, or a path, as \
             in unix:/run/fanlight.sock"
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_paths_are_shown_as_they_are_read() {
        for text in ["127.0.0.1:9000", "[::1]:0", "unix:/run/fanlight.sock", "unix:here.sock"] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn only_what_is_of_this_machine_is_here() {
        let is_here = |text: &str| text.parse::<Listen>().unwrap().is_here();
        assert!(is_here("127.1.2.3:1") && is_here("[::1]:1") && is_here("unix:/run/f.sock"));
        assert!(!is_here("0.0.0.0:1") && !is_here("192.0.2.1:80"));
    }

    #[test]
    fn a_name_and_an_empty_path_are_refused_with_an_example() {
        for text in ["localhost:9000", "127.0.0.1", "/run/fanlight.sock", "unix:"] {
            assert!(text.parse::<Listen>().unwrap_err().contains("unix:/run"), "{text}");
        }
    }
}
