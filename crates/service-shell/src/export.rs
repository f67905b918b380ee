//! The embedded log as a stream of bytes, while work goes on: what `tenfold backup` reads.

use bytes::Bytes;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tenfold_proto::v1::ExportReply;
use tenfold_runtime::archive;
use tenfold_runtime::log::Log;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Pieces that may wait for a slow reader: with their size, the memory an export takes.
const PIECES_MAX: usize = 8;
/// Bytes of a piece.
const PIECE_BYTES: usize = 256 << 10;

/// Starts reading the log on a thread of its own; ends early when nobody reads the stream any more.
pub(crate) fn stream(log: Arc<dyn Log>) -> ReceiverStream<Result<ExportReply, Status>> {
    let (pieces, stream) = channel(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let (records, all) = (AtomicU64::new(0), AtomicU64::new(0));
        let to = Pieces {
            to: &pieces,
            records: &records,
            all: &all,
        };
        let mut to = io::BufWriter::with_capacity(PIECE_BYTES, to);
        let written = archive::write::write(log.as_ref(), &mut to, &mut |done, of| {
            records.store(done, Ordering::Relaxed);
            all.store(of, Ordering::Relaxed);
        });
        if let Err(error) = written {
            tracing::warn!(%error, "an export ended early");
            // Nobody may be there to hear it.
            drop(pieces.blocking_send(Err(Status::failed_precondition(error.to_string()))));
        }
    });
    ReceiverStream::new(stream)
}

/// Writes into a stream of replies.
struct Pieces<'s> {
    to: &'s Sender<Result<ExportReply, Status>>,
    records: &'s AtomicU64,
    all: &'s AtomicU64,
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes.get(..PIECE_BYTES).unwrap_or(bytes);
        let reply = ExportReply {
            data: Bytes::copy_from_slice(piece),
            records: self.records.load(Ordering::Relaxed),
            records_all: self.all.load(Ordering::Relaxed),
        };
        self.to
            .blocking_send(Ok(reply))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
