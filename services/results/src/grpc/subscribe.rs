//! One receiver's stream: deliveries down, answers up.
//!
//! The queue is in the lanes; a stream only moves a bounded window of it. So a receiver that was away
//! goes on where it was, on any instance, and a slow one fills its own window and nobody else's. Each
//! lane has its own task: one that changes its owner delays no other.

use super::{ResultsGrpc, check};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tenfold_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use v1::results_command::Command;
use v1::results_query::Query;
use v1::results_reply::Reply;

/// What goes down.
pub type Down = ReceiverStream<Result<v1::ResultsDelivery, Status>>;

/// How long an idle lane is left alone.
const IDLE: Duration = Duration::from_millis(100);

/// How long a lane that does not answer is left alone.
const SILENT: Duration = Duration::from_secs(1);

/// Deliveries handed to the stream and not yet taken by the connection: beyond it, a slow receiver's
/// window stands still.
const DOWN_BUFFER: usize = 64;

/// Answers of one receiver that wait for a lane.
const UP_BUFFER: usize = 256;

/// Most deliveries asked for at once.
const BATCH_MAX: u32 = 200;

/// Most answers put into one command.
const ANSWERS_MAX: usize = 500;

/// A receiver's answer, for one lane.
type Answer = v1::NumberedAnswer;

/// Starts a stream.
pub(super) async fn subscribe(
    grpc: ResultsGrpc,
    mut up: Streaming<v1::SubscribeRequest>,
) -> Result<Down, Status> {
    let hello = up
        .message()
        .await?
        .ok_or_else(|| Status::invalid_argument("the first message names the receiver"))?;
    check("receiver", &hello.receiver)?;
    let (down, stream) = mpsc::channel(DOWN_BUFFER);
    let mut lanes = Vec::new();
    for lane in 0..grpc.gateway.lanes() {
        let (answers, inbox) = mpsc::channel(UP_BUFFER);
        lanes.push(answers);
        let courier = Courier {
            grpc: grpc.clone(),
            lane,
            receiver: hello.receiver.clone(),
            down: down.clone(),
            inbox,
            open: BTreeSet::new(),
            after: 0,
            looked_back: Instant::now(),
        };
        tokio::spawn(courier.run());
    }
    tokio::spawn(read_up(up, hello, lanes, down));
    Ok(ReceiverStream::new(stream))
}

/// Sorts answers by lane until the receiver hangs up; then the lanes' tasks end too.
async fn read_up(
    mut up: Streaming<v1::SubscribeRequest>,
    hello: v1::SubscribeRequest,
    lanes: Vec<mpsc::Sender<Answer>>,
    down: mpsc::Sender<Result<v1::ResultsDelivery, Status>>,
) {
    let mut message = Some(hello);
    while let Some(request) = message {
        for answer in request.answers {
            let Some((lane, number)) = parse(&answer.id) else {
                let status =
                    Status::invalid_argument(format!("{:?} is no id of a delivery", answer.id));
                let _ = down.send(Err(status)).await;
                return;
            };
            if let Some(lane) = lanes.get(lane) {
                let answer = Answer {
                    number,
                    rejected: answer.rejected,
                };
                if lane.send(answer).await.is_err() {
                    return;
                }
            }
        }
        message = up.message().await.ok().flatten();
    }
}

fn parse(id: &str) -> Option<(usize, u64)> {
    let (lane, number) = id.split_once('-')?;
    Some((lane.parse().ok()?, number.parse().ok()?))
}

/// Moves one lane's deliveries of one receiver.
struct Courier {
    grpc: ResultsGrpc,
    lane: u32,
    receiver: String,
    down: mpsc::Sender<Result<v1::ResultsDelivery, Status>>,
    inbox: mpsc::Receiver<Answer>,
    /// Sent here and not answered yet.
    open: BTreeSet<u64>,
    /// New deliveries lie behind this number.
    after: u64,
    /// When the whole queue was last looked through for what must be sent again.
    looked_back: Instant,
}

impl Courier {
    async fn run(mut self) {
        let stop = self.grpc.stop.clone();
        loop {
            let pause = match self.step().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => IDLE,
                Err(Ended) => return,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.down.closed() => return,
                answer = self.inbox.recv() => match answer {
                    Some(answer) => if self.take(answer).await.is_err() { return },
                    None => return,
                },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Sends what there is to send; `true` if there may be more.
    async fn step(&mut self) -> Result<bool, Ended> {
        let query = v1::PendingDeliveriesQuery {
            receiver: self.receiver.clone(),
            after: self.after,
            limit: BATCH_MAX,
        };
        let Some(pending) = self.pending(query).await else {
            tokio::time::sleep(SILENT).await;
            return Ok(false);
        };
        if pending.window == 0 {
            return Ok(false);
        }
        let mut deliveries = pending.deliveries;
        let resend = Duration::from_secs(u64::from(pending.resend_after_seconds));
        if deliveries.is_empty() && self.looked_back.elapsed() >= resend.min(Duration::from_secs(5))
        {
            self.looked_back = Instant::now();
            let query = v1::PendingDeliveriesQuery {
                receiver: self.receiver.clone(),
                after: 0,
                limit: BATCH_MAX,
            };
            deliveries = self
                .pending(query)
                .await
                .map(|again| again.deliveries)
                .unwrap_or_default();
        }
        // What is sent again is in the window already.
        let room = (pending.window as usize).saturating_sub(self.open.len());
        let fits: Vec<v1::PendingDelivery> = {
            let mut new = 0;
            deliveries
                .into_iter()
                .filter(|delivery| {
                    let again = self.open.contains(&delivery.number);
                    new += usize::from(!again);
                    again || new <= room
                })
                .collect()
        };
        if fits.is_empty() {
            return Ok(false);
        }
        self.send(&pending.lab, fits).await
    }

    async fn pending(&self, query: v1::PendingDeliveriesQuery) -> Option<v1::PendingDeliveries> {
        let body = super::encode(Query::Pending(query));
        let answered = self.grpc.gateway.query_lane(self.lane, body).await.ok()?;
        super::decode(&answered.body).ok()
    }

    async fn send(
        &mut self,
        lab: &str,
        deliveries: Vec<v1::PendingDelivery>,
    ) -> Result<bool, Ended> {
        let numbers: Vec<u64> = deliveries.iter().map(|delivery| delivery.number).collect();
        let tries = deliveries
            .iter()
            .map(|delivery| (delivery.number, delivery.attempts));
        let id = self.request_id(
            "send",
            tries.map(|(number, attempts)| format!("{number}:{attempts}")),
        );
        let send = v1::SendDeliveries {
            receiver: self.receiver.clone(),
            numbers,
        };
        let Ok(Reply::Sent(sent)) = self.command(lab, &id, Command::Send(send)).await else {
            tokio::time::sleep(SILENT).await;
            return Ok(false);
        };
        for pending in deliveries {
            self.after = self.after.max(pending.number);
            let Some(mut delivery) = pending.delivery else {
                continue;
            };
            if !sent.numbers.contains(&pending.number) {
                continue;
            }
            delivery.id = format!("{}-{}", self.lane, pending.number);
            self.open.insert(pending.number);
            self.down.send(Ok(delivery)).await.map_err(|_| Ended)?;
        }
        Ok(true)
    }

    /// Takes an answer, with those that wait behind it.
    async fn take(&mut self, first: Answer) -> Result<(), Ended> {
        let mut answers = vec![first];
        while answers.len() < ANSWERS_MAX {
            match self.inbox.try_recv() {
                Ok(answer) => answers.push(answer),
                Err(_) => break,
            }
        }
        for answer in &answers {
            self.open.remove(&answer.number);
        }
        let words = answers
            .iter()
            .map(|answer| format!("{}:{}", answer.number, answer.rejected));
        let id = self.request_id("answer", words);
        let acknowledge = v1::AcknowledgeDeliveries {
            receiver: self.receiver.clone(),
            answers,
        };
        loop {
            let query = v1::PendingDeliveriesQuery {
                receiver: self.receiver.clone(),
                after: u64::MAX,
                limit: 0,
            };
            let lab = self.pending(query).await.map(|pending| pending.lab);
            if let Some(lab) = lab.filter(|lab| !lab.is_empty()) {
                match self
                    .command(&lab, &id, Command::Acknowledge(acknowledge.clone()))
                    .await
                {
                    Err(status) if status.code() == tonic::Code::Unavailable => {}
                    // Refused for good: the receiver is told, and the deliveries are sent again in time.
                    Err(status) => return self.down.send(Err(status)).await.map_err(|_| Ended),
                    Ok(_) => return Ok(()),
                }
            }
            if self.grpc.stop.is_cancelled() || self.down.is_closed() {
                return Err(Ended);
            }
            tokio::time::sleep(SILENT).await;
        }
    }

    async fn command(&self, lab: &str, id: &str, command: Command) -> Result<Reply, Status> {
        self.grpc.command(lab, &self.receiver, id, command).await
    }

    /// The same for every try of the same content, and another for the next attempt.
    fn request_id(&self, what: &str, words: impl Iterator<Item = String>) -> String {
        let mut hash = blake3::Hasher::new();
        for word in words {
            hash.update(word.as_bytes());
            hash.update(b"\n");
        }
        format!("{what}-{}-{}", self.lane, hash.finalize().to_hex())
    }
}

/// The receiver has hung up.
struct Ended;
