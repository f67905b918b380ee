//! Who may come in: how many connections at once, and how long one may say nothing.
//!
//! Every connection has a seat. One that has not greeted yet (for gRPC: sent the preface of HTTP/2) must do so in
//! time. When all seats are taken, the one that has been silent longest makes room; if all have greeted, the
//! newcomer is refused. So a crowd that says nothing keeps out nobody who does, and the memory of a process
//! is bounded. What has greeted is watched by HTTP/2's pings, by the bounds of streams, and by each call's deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Connections told to leave that are not gone yet; with more, newcomers are refused.
const LEAVING_MAX: usize = 64;

/// Rest after the system could not accept: it has no descriptors, and those that leave give some back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Descriptors kept for the log, caches and pages.
const DESCRIPTORS_KEPT: u64 = 256;

/// What a connection must do to stay.
#[derive(Clone, Copy, Debug)]
pub struct Greeting {
    /// Bytes it must send; `usize::MAX` = it always leaves in the end.
    pub bytes: usize,
    /// In this time.
    pub within: Duration,
}

/// A listener that lets in no more than it has seats.
pub struct Door {
    listener: TcpListener,
    seats: Arc<Seats>,
    greeting: Greeting,
}

struct Seats {
    name: &'static str,
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    open: usize,
    /// Those that have not greeted, oldest first.
    silent: BTreeMap<u64, oneshot::Sender<()>>,
    /// Those told to leave.
    leaving: BTreeSet<u64>,
}

/// A connection that was let in.
pub struct Guest {
    stream: TcpStream,
    state: State,
    seat: Seat,
}

enum State {
    Silent {
        left: usize,
        told: oneshot::Receiver<()>,
        late: Pin<Box<Sleep>>,
    },
    Greeted,
    Leaving,
}

struct Seat {
    seats: Arc<Seats>,
    number: u64,
}

impl Door {
    /// A door with this many seats; `name` is its label in metrics.
    #[must_use]
    pub fn new(
        listener: TcpListener,
        name: &'static str,
        seats: usize,
        greeting: Greeting,
    ) -> Self {
        let seats = Arc::new(Seats {
            name,
            most: seats,
            taken: Mutex::default(),
        });
        Self {
            listener,
            seats,
            greeting,
        }
    }

    /// The next connection that is let in.
    pub async fn next(&mut self) -> (Guest, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    if let Some(guest) = self.let_in(stream) {
                        return (guest, address);
                    }
                    metrics::counter!("tenfold_connections_refused_total", "door" => self.seats.name)
                        .increment(1);
                }
                Err(error) => {
                    tracing::warn!(door = self.seats.name, %error, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn let_in(&self, stream: TcpStream) -> Option<Guest> {
        let (tell, told) = oneshot::channel();
        let seat = self.seats.take(tell)?;
        // Without it small answers wait for the client's delayed acknowledgement: 40 ms each, measured.
        let _ = stream.set_nodelay(true);
        let state = State::Silent {
            left: self.greeting.bytes,
            told,
            late: Box::pin(tokio::time::sleep(self.greeting.within)),
        };
        Some(Guest {
            stream,
            state,
            seat,
        })
    }
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(self: &Arc<Self>, tell: oneshot::Sender<()>) -> Option<Seat> {
        let mut taken = self.lock();
        if taken.open.saturating_sub(taken.leaving.len()) >= self.most {
            if taken.leaving.len() >= LEAVING_MAX {
                return None;
            }
            let (number, oldest) = taken.silent.pop_first()?;
            let _ = oldest.send(());
            taken.leaving.insert(number);
        }
        let number = taken.next;
        taken.next += 1;
        taken.open += 1;
        taken.silent.insert(number, tell);
        self.tell(&taken);
        Some(Seat {
            seats: Arc::clone(self),
            number,
        })
    }

    fn tell(&self, taken: &Taken) {
        metrics::gauge!("tenfold_connections_count", "door" => self.name).set(taken.open as f64);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.open = taken.open.saturating_sub(1);
        taken.silent.remove(&self.number);
        taken.leaving.remove(&self.number);
        self.seats.tell(&taken);
    }
}

impl Guest {
    /// Must it leave?
    fn leave(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let why = match &mut self.state {
            State::Greeted => return Ok(()),
            State::Leaving => "it was told to leave",
            State::Silent { told, late, .. } => {
                if Pin::new(told).poll(context).is_ready() {
                    "it made room for another"
                } else if late.as_mut().poll(context).is_ready() {
                    "it did not greet in time"
                } else {
                    return Ok(());
                }
            }
        };
        if !matches!(self.state, State::Leaving) {
            self.state = State::Leaving;
            metrics::counter!("tenfold_connections_dropped_total", "door" => self.seat.seats.name)
                .increment(1);
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    }

    fn heard(&mut self, bytes: usize) {
        if let State::Silent { left, .. } = &mut self.state {
            // A door whose guests always leave counts nothing.
            if *left != usize::MAX {
                *left = left.saturating_sub(bytes);
            }
            if *left == 0 {
                self.state = State::Greeted;
                self.seat.seats.lock().silent.remove(&self.seat.number);
            }
        }
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guest = self.get_mut();
        guest.leave(context)?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut guest.stream).poll_read(context, buffer);
        guest.heard(buffer.filled().len().saturating_sub(before));
        polled
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let guest = self.get_mut();
        guest.leave(context)?;
        Pin::new(&mut guest.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let guest = self.get_mut();
        guest.leave(context)?;
        Pin::new(&mut guest.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl Connected for Guest {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl axum::serve::Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        self.next().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// As many seats as wanted, if the system gives as many descriptors: asks it for all that it may give.
#[must_use]
pub fn seats(wanted: u32) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let given = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let wanted = u64::from(wanted);
    let room = given.map_or(wanted, |given| given.saturating_sub(DESCRIPTORS_KEPT));
    if room < wanted {
        tracing::warn!(
            wanted,
            room,
            "the system gives too few descriptors for grpc.connections_max: see `ulimit -n`"
        );
    }
    usize::try_from(room.min(wanted).max(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
