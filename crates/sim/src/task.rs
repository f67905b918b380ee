//! People and machines outside as plain `async` functions, on the scheduler's time: each is polled when
//! something it waits for has happened. No threads, no real time.

use crate::cluster::Directory;
use crate::faults::{Fault, Step};
use crate::host::Host;
use crate::ledger::Ledger;
use crate::shared::{MS, Micros, SECOND, Shared, What, lock};
use crate::world::wire;
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tenfold_domain::Rejection;
use tenfold_runtime::lane::calls::{Ask, Call, Reply};
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::processor::Answer;

/// Longest wait for an answer before a client tries again.
const PATIENCE: Micros = 12 * SECOND;

/// Where calls can be sent.
#[derive(Clone, Default)]
pub struct Doors(Rc<RefCell<Vec<Hosts>>>);

/// The instances of one service; none where one is down.
pub type Hosts = Vec<Option<Arc<Host>>>;

impl Doors {
    /// Who is there now: by service and instance.
    pub fn set(&self, hosts: Vec<Hosts>) {
        *self.0.borrow_mut() = hosts;
    }

    fn at(&self, service: usize, instance: usize) -> Option<Arc<Host>> {
        self.0.borrow().get(service)?.get(instance)?.clone()
    }

    fn count(&self, service: usize) -> usize {
        self.0.borrow().get(service).map_or(0, Vec::len)
    }
}

/// What all actors have in common.
#[derive(Clone)]
pub struct Outside {
    /// The run.
    pub shared: Arc<Shared>,
    /// Who owns what.
    pub directory: Arc<Directory>,
    /// Where calls can be sent.
    pub doors: Doors,
    /// Number of lanes by service.
    pub lanes: [u32; 3],
    /// What was answered.
    pub ledger: Rc<RefCell<Ledger>>,
}

/// One actor's hands: time, chance, and calls.
pub struct Hand {
    /// What it shares with others.
    pub outside: Outside,
    task: usize,
    name: String,
    chance: RefCell<StdRng>,
    requests: RefCell<u64>,
}

impl Hand {
    /// The run.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.outside.shared
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits.
    pub async fn sleep(&self, time: Micros) {
        let until = self.shared().now() + time;
        self.shared().at(until, What::Task(self.task));
        std::future::poll_fn(|_| {
            if self.shared().now() >= until {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Waits for a time drawn.
    pub async fn pause(&self, range: std::ops::Range<Micros>) {
        let time = self.draw(range);
        self.sleep(time).await;
    }

    /// A number drawn.
    pub fn draw(&self, range: std::ops::Range<u64>) -> u64 {
        self.chance.borrow_mut().random_range(range)
    }

    /// True with this likelihood.
    pub fn likely(&self, share: f64) -> bool {
        self.chance.borrow_mut().random_bool(share)
    }

    /// Does a fault strike now?
    #[must_use]
    pub fn strikes(&self, fault: Fault) -> bool {
        self.shared().strikes(fault)
    }

    /// A request id that was never used.
    #[must_use]
    pub fn request_id(&self) -> String {
        let mut requests = self.requests.borrow_mut();
        *requests += 1;
        format!("{}-{}", self.name, *requests)
    }

    /// Asks for something to be done, under one request id, until it is answered.
    pub async fn command(&self, service: usize, key: &str, body: Bytes) -> Answer {
        let id = self.request_id();
        self.command_as(service, key, &id, body).await
    }

    /// The same under a request id of one's own.
    pub async fn command_as(&self, service: usize, key: &str, id: &str, body: Bytes) -> Answer {
        let lane = tenfold_runtime::lane_of(key, self.outside.lanes[service]);
        let ask = || Ask::Command {
            actor: self.name.clone(),
            request_id: id.to_owned(),
            body: body.clone(),
        };
        let answer = self.ask(service, lane, ask).await;
        self.shared().say(|| {
            let told = match &answer {
                Ok(_) => "done".to_owned(),
                Err(refused) => format!("refused: {} {}", refused.reason, refused.message),
            };
            format!("{id} {}: {told}", wire::describe(service, &body))
        });
        let known = self
            .outside
            .ledger
            .borrow_mut()
            .answered(&self.name, id, &answer);
        if let Some(words) = known {
            self.shared().problem(words);
        }
        answer
    }

    /// Asks a question of a lane.
    pub async fn query(&self, service: usize, lane: u32, body: Bytes) -> Answer {
        self.ask(service, lane, || Ask::Query(body.clone())).await
    }

    async fn ask(&self, service: usize, lane: u32, ask: impl Fn() -> Ask) -> Answer {
        let mut at = self.outside.directory.owner(service, lane);
        loop {
            let count = self.outside.doors.count(service).max(1) as u64;
            let stale = self.likely(0.03);
            let instance = match at {
                Some(instance) if !stale => instance,
                _ => usize::try_from(self.draw(0..count)).unwrap_or(0),
            };
            let slot = Arc::new(Mutex::new(None));
            self.send(service, instance, lane, ask(), &slot);
            if matches!(ask(), Ask::Command { .. }) && self.strikes(Fault::CallTwice) {
                let other = usize::try_from(self.draw(0..count)).unwrap_or(0);
                self.send(service, other, lane, ask(), &slot);
            }
            match self.wait(&slot).await {
                Some(Reply::Answer { answer, .. }) => return answer,
                Some(Reply::NotOwner) => {
                    at = None;
                    self.pause(50 * MS..500 * MS).await;
                    if self.likely(0.5) {
                        at = self.outside.directory.owner(service, lane);
                    }
                }
                Some(Reply::Full | Reply::NoRoom(_) | Reply::Unavailable(_)) => {
                    self.pause(100 * MS..2 * SECOND).await;
                }
                None => at = self.outside.directory.owner(service, lane),
            }
        }
    }

    fn send(
        &self,
        service: usize,
        instance: usize,
        lane: u32,
        ask: Ask,
        slot: &Arc<Mutex<Option<Reply>>>,
    ) {
        let shared = Arc::clone(self.shared());
        let Some(host) = self.outside.doors.at(service, instance) else {
            return;
        };
        let soon = shared.delay(100, 3 * MS, 2 * SECOND);
        let call = Call {
            ask,
            queued_at: Duration::from_micros(shared.now() - host.born + 100 * SECOND),
            traceparent: String::new(),
            reply: reply(&shared, &host, self.task, slot),
        };
        shared.after(soon, What::Deliver(host, lane, Event::Call(call)));
    }

    async fn wait(&self, slot: &Arc<Mutex<Option<Reply>>>) -> Option<Reply> {
        let until = self.shared().now() + PATIENCE;
        self.shared().at(until, What::Task(self.task));
        std::future::poll_fn(|_| {
            if let Some(reply) = lock(slot).take() {
                return Poll::Ready(Some(reply));
            }
            if self.shared().now() >= until {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    /// A flood of questions to one lane, whose answers nobody waits for.
    pub fn flood(&self, service: usize, lane: u32, count: usize, query: &Bytes) {
        if let Some(owner) = self.outside.directory.owner(service, lane) {
            for _ in 0..count {
                let slot = Arc::default();
                self.send(service, owner, lane, Ask::Query(query.clone()), &slot);
            }
        }
    }
}

fn reply(
    shared: &Arc<Shared>,
    host: &Arc<Host>,
    task: usize,
    slot: &Arc<Mutex<Option<Reply>>>,
) -> tenfold_runtime::lane::calls::ReplyTo {
    let (shared, host, slot) = (Arc::clone(shared), Arc::clone(host), Arc::clone(slot));
    Box::new(move |reply| {
        if shared.point(&host, Step::Answered, false) {
            return;
        }
        if !shared.strikes(Fault::AnswerLost) {
            *lock(&slot) = Some(reply);
            let soon = shared.delay(100, 3 * MS, SECOND);
            shared.after(soon, What::Task(task));
        }
        shared.point(&host, Step::Answered, true);
    })
}

/// Reads an answer's message.
///
/// # Errors
/// The refusal.
pub fn read<M: prost::Message + Default>(answer: Answer) -> Result<M, Rejection> {
    let bytes = answer?;
    M::decode(bytes)
        .map_err(|error| Rejection::invalid("ANSWER_UNREADABLE", "", error.to_string(), ""))
}

type Actor = Pin<Box<dyn Future<Output = ()>>>;

/// The actors of a run.
pub struct Tasks {
    outside: Outside,
    actors: Vec<Option<Actor>>,
    seed: u64,
}

impl Tasks {
    /// None yet.
    #[must_use]
    pub const fn new(outside: Outside, seed: u64) -> Self {
        Self {
            outside,
            actors: Vec::new(),
            seed,
        }
    }

    /// Adds one; it begins after a while.
    pub fn start<F: Future<Output = ()> + 'static>(
        &mut self,
        name: impl Into<String>,
        after: Micros,
        actor: impl FnOnce(Hand) -> F,
    ) {
        let task = self.actors.len();
        let seed = self.seed ^ (task as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hand = Hand {
            outside: self.outside.clone(),
            task,
            name: name.into(),
            chance: RefCell::new(StdRng::seed_from_u64(seed)),
            requests: RefCell::new(0),
        };
        self.actors.push(Some(Box::pin(actor(hand))));
        self.outside.shared.after(after, What::Task(task));
    }

    /// An actor goes on.
    pub fn poll(&mut self, task: usize) {
        let Some(slot) = self.actors.get_mut(task) else {
            return;
        };
        let Some(actor) = slot else { return };
        let mut context = Context::from_waker(Waker::noop());
        if actor.as_mut().poll(&mut context).is_ready() {
            *slot = None;
        }
    }

    /// How many are still at work.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.actors.iter().flatten().count()
    }
}
