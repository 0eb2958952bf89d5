//! The file of a Unix socket, from before it is made until after it is removed.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Socket, Type};

use super::listener::BACKLOG;

/// The file of a socket that this process listens on; removed with the value, unless another
/// program has put its own in its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    /// Makes the file and listens. A socket that is there already and that nobody listens on is
    /// replaced: a process that was killed leaves one behind.
    ///
    /// # Errors
    ///
    /// `AddrInUse` if somebody listens, `AlreadyExists` if the file is no socket, and the operating
    /// system's.
    pub(super) fn listen(path: &Path) -> io::Result<(UnixListener, Self)> {
        let listener = match listen(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path)?;
                listen(path)?
            }
            listener => listener?,
        };
        let identity = identity(path)?;
        Ok((listener, Self { path: path.to_owned(), identity }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "a socket could not be removed");
        }
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Removes a socket on which nobody listens.
fn remove_stale(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        let why = "there is a file at the path that is not a socket";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Whoever has a full backlog listens too, and must not be waited for.
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        Ok(()) | Err(_) => {
            let why = "another program listens on the socket";
            Err(io::Error::new(io::ErrorKind::AddrInUse, why))
        }
    }
}

/// What tells a file from another one that takes its name.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use std::{env, os::unix::net::UnixStream, process};

    use super::*;

    /// A path that no other test has.
    fn path(name: &str) -> PathBuf {
        env::temp_dir().join(format!("fanlight-{name}-{}.sock", process::id()))
    }

    #[test]
    fn the_file_is_there_while_it_is_listened_on() {
        let path = path("life");
        let (_listener, file) = SocketFile::listen(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_that_somebody_listens_on_is_refused_and_left_alone() {
        let path = path("in-use");
        let (_listener, _file) = SocketFile::listen(&path).unwrap();
        let refused = SocketFile::listen(&path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_socket_that_nobody_listens_on_is_replaced() {
        let path = path("stale");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "as a process that was killed leaves it");
        let (_listener, _file) = SocketFile::listen(&path).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_no_socket_is_refused_and_kept() {
        let path = path("letter");
        fs::write(&path, "dear reader").unwrap();
        let refused = SocketFile::listen(&path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "dear reader");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn the_file_of_a_successor_is_not_removed() {
        let path = path("successor");
        let (_listener, ours) = SocketFile::listen(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let (_their_listener, _theirs) = SocketFile::listen(&path).unwrap();
        drop(ours);
        UnixStream::connect(&path).unwrap();
    }
}
