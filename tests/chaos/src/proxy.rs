//! A TCP proxy that can be told to misbehave: what stands between an instance and a broker.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes carried at once.
const CHUNK: usize = 64 * 1024;

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Well.
    Pass,
    /// Connections are closed, new ones too.
    Cut,
    /// Connections stay open, and nothing passes either way.
    Silent,
    /// What a client sends arrives; what is answered does not. Ends with the connection closed.
    NoAnswers,
    /// Everything takes this much longer, each way.
    Slow(Duration),
}

/// One proxy in front of one address.
pub struct Proxy {
    port: u16,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    /// Listens on a free port of this machine, and carries to `target`. Must be called in a runtime.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (mode, seen) = watch::channel(Mode::Pass);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target, seen.clone()));
            }
        });
        Ok(Self { port, mode })
    }

    /// The port clients connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The network is like this from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn carry(client: TcpStream, target: SocketAddr, mode: watch::Receiver<Mode>) {
    if *mode.borrow() == Mode::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Whichever way ends first takes the other with it.
    tokio::select! {
        () = pump(from_client, to_server, mode.clone(), false) => {}
        () = pump(from_server, to_client, mode, true) => {}
    }
}

/// Carries one way until the connection ends or the mode ends it.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    answers: bool,
) {
    let mut chunk = vec![0; CHUNK];
    let mut swallowed = false;
    loop {
        let now = *mode.borrow_and_update();
        match now {
            Mode::Cut => return,
            // Half an answer cannot be followed by the next one.
            Mode::Pass | Mode::Slow(_) | Mode::Silent if swallowed => return,
            Mode::Silent => {
                if mode.changed().await.is_err() {
                    return;
                }
                continue;
            }
            Mode::Pass | Mode::NoAnswers | Mode::Slow(_) => {}
        }
        let read = tokio::select! {
            read = from.read(&mut chunk) => read,
            changed = mode.changed() => {
                if changed.is_err() {
                    return;
                }
                continue;
            }
        };
        let Some(bytes) = read
            .ok()
            .filter(|read| *read > 0)
            .and_then(|read| chunk.get(..read))
        else {
            return;
        };
        match now {
            Mode::NoAnswers if answers => {
                swallowed = true;
                continue;
            }
            Mode::Slow(delay) => tokio::time::sleep(delay).await,
            _ => {}
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers every byte with the same.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn answer(stream: &mut TcpStream, within: Duration) -> Option<u8> {
        stream.write_all(b"x").await.ok()?;
        let read = tokio::time::timeout(within, stream.read_u8()).await;
        read.ok()?.ok()
    }

    #[tokio::test]
    async fn it_carries_cuts_falls_silent_and_heals() {
        let (soon, long) = (Duration::from_millis(200), Duration::from_secs(20));
        let proxy = Proxy::start(echo().await).await.unwrap();
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port()));
        let mut stream = connect().await.unwrap();
        assert_eq!(answer(&mut stream, long).await, Some(b'x'));
        proxy.set(Mode::Silent);
        assert_eq!(answer(&mut stream, soon).await, None, "nothing passes");
        proxy.set(Mode::Pass);
        let late = tokio::time::timeout(long, stream.read_u8()).await.unwrap();
        assert_eq!(late.unwrap(), b'x', "it was only late");
        proxy.set(Mode::Cut);
        let end = tokio::time::timeout(long, stream.read_u8()).await.unwrap();
        assert!(end.is_err(), "the connection is closed");
        proxy.set(Mode::NoAnswers);
        let mut stream = connect().await.unwrap();
        assert_eq!(answer(&mut stream, soon).await, None, "its answer is lost");
        proxy.set(Mode::Pass);
        let end = tokio::time::timeout(long, stream.read_u8()).await.unwrap();
        assert!(end.is_err(), "a connection with a hole in it is closed");
        let mut stream = connect().await.unwrap();
        assert_eq!(answer(&mut stream, long).await, Some(b'x'));
    }
}
