//! One lane without threads: its clock, its mail, its background and its cache's writer are in the test's hand.

use crate::bed::{Bed, limits};
use crate::faulty::FaultyLog;
use crate::ledger::Ledger;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicU32;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenfold_domain::{Rejection, Timestamp};
use tenfold_runtime::cache::{Applier, BasedCache, Cache};
use tenfold_runtime::clock::Clock;
use tenfold_runtime::entropy::SystemEntropy;
use tenfold_runtime::heads::whole::Whole;
use tenfold_runtime::heads::{self, Heads};
use tenfold_runtime::lane::calls::{Ask, Call, Reply};
use tenfold_runtime::lane::context::{Context, Event};
use tenfold_runtime::lane::early::Early;
use tenfold_runtime::lane::{Lane, Status};
use tenfold_runtime::limits::Limits;
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::log::{Log, Topic};
use tenfold_runtime::processor::{Answer, Processor};
use tenfold_runtime::snapshot::Snapshots;
use tenfold_runtime::snapshot::store::MemoryStore;

/// Steps after which a lane that goes on must have come to rest.
const STEPS_MAX: usize = 10_000;

type Queue<T> = Arc<Mutex<VecDeque<T>>>;
type Work = Box<dyn FnOnce() + Send>;

/// The clocks, which stand still until they are told to go on.
#[derive(Default)]
struct HandClock(Mutex<Duration>);

impl Clock for HandClock {
    fn wall(&self) -> Timestamp {
        let since = i64::try_from(self.monotonic().as_millis()).unwrap();
        Timestamp(1_700_000_000_000 + since)
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

/// See the module.
pub struct Hand {
    pub lane: Lane<Ledger>,
    /// Its connection to the log.
    pub log: Arc<FaultyLog>,
    /// What the lane reads: the same, or with heads.
    pub port: Arc<dyn Log>,
    /// Background work that waits.
    pub works: Queue<Work>,
    /// So many other lanes of its instance are waited for.
    pub hurried: Arc<AtomicU32>,
    mail: Queue<Event>,
    applier: Arc<Applier>,
    clock: Arc<HandClock>,
}

/// A log in memory with the lanes created, at the time that [`Hand`]s begin with.
pub fn memory() -> (MemoryLog, Bed) {
    let log = MemoryLog::new();
    log.set_now(HandClock::default().wall());
    let port: Arc<dyn Log> = Arc::new(log.clone());
    (log, Bed::new(port))
}

/// Each record's rows go to the cache at once: time stands still here.
fn at_once() -> Limits {
    Limits {
        gather: Duration::ZERO,
        ..limits()
    }
}

impl Hand {
    /// The lane of a service, which nobody wants yet.
    pub fn new(bed: &Bed, service: &'static str, cache: Arc<dyn Cache>) -> Self {
        Self::within(bed, service, cache, at_once())
    }

    /// The same, within bounds of its own.
    pub fn within(bed: &Bed, service: &'static str, cache: Arc<dyn Cache>, limits: Limits) -> Self {
        Self::made(bed, service, BasedCache::over(cache), limits, (None, None))
    }

    /// The same, with snapshots.
    pub fn with(bed: &Bed, cache: Arc<dyn Cache>, snapshots: Snapshots) -> Self {
        Self::on(bed, BasedCache::over(cache), snapshots)
    }

    /// The same, on caches that may stand on a base.
    pub fn on(bed: &Bed, cache: BasedCache, snapshots: Snapshots) -> Self {
        Self::made(bed, "intake", cache, at_once(), (Some(snapshots), None))
    }

    /// The same, with the heads of journal and inbox in the store of snapshots.
    pub fn with_heads(
        bed: &Bed,
        cache: Arc<dyn Cache>,
        snapshots: Snapshots,
        heads: heads::Settings,
    ) -> Self {
        let outside = (Some(snapshots), Some(heads));
        Self::made(bed, "intake", BasedCache::over(cache), at_once(), outside)
    }

    fn made(
        bed: &Bed,
        service: &'static str,
        cache: BasedCache,
        limits: Limits,
        (snapshots, heads): (Option<Snapshots>, Option<heads::Settings>),
    ) -> Self {
        let log = FaultyLog::new(Arc::clone(&bed.log), &bed.prefix);
        let mut port: Arc<dyn Log> = Arc::clone(&log) as _;
        let heads = heads.zip(snapshots.as_ref()).map(|(settings, snapshots)| {
            let store = Arc::clone(&snapshots.store);
            let near = Arc::new(MemoryStore::default());
            let background = Arc::new(|work: Box<dyn FnOnce() + Send>| work());
            Heads::new(Arc::clone(&port), store, near, settings, background)
        });
        if let Some(heads) = &heads {
            port = Arc::new(Whole(Arc::clone(heads)));
        }
        let (mail, works) = (Queue::<Event>::default(), Queue::<Work>::default());
        let (to_mail, to_works) = (Arc::clone(&mail), Arc::clone(&works));
        let (applier, clock) = (
            Arc::new(Applier::stepped(cache.clone())),
            Arc::new(HandClock::default()),
        );
        let topics = ["intake.inbox", "pooling.inbox", "results.inbox", "reports"];
        let lanes: HashMap<String, u32> = topics
            .into_iter()
            .chain(["dead-letters"])
            .map(|name| (name.to_owned(), port.lanes(&Topic::named(name)).unwrap()))
            .collect();
        let hurried = Arc::<AtomicU32>::default();
        let ledger = Ledger(service);
        let context = Context {
            service: ledger.service(),
            instance: "hand".to_owned(),
            address: String::new(),
            log: Arc::clone(&port),
            cache,
            early: Early::default(),
            snapshots,
            heads,
            applier: Arc::clone(&applier),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SystemEntropy),
            hurried: Arc::clone(&hurried),
            limits,
            standby: false,
            lanes,
            mailbox: Arc::new(move |_, event| to_mail.lock().unwrap().push_back(event)),
            notify: Arc::new(|_, _| {}),
            background: Arc::new(move |work| to_works.lock().unwrap().push_back(work)),
        };
        Self {
            lane: Lane::new(0, Arc::new(context), Arc::new(ledger)),
            log,
            port,
            works,
            hurried,
            mail,
            applier,
            clock,
        }
    }

    /// The lane hears something.
    pub fn hear(&mut self, event: Event) {
        self.lane.handle(event);
        self.settle();
    }

    /// Everything happens that can, but for work in the background and the passing of time.
    pub fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            let mut still = !self.applier.step();
            while let Some(event) = self.next_event() {
                self.lane.handle(event);
                still = false;
            }
            still &= !self.lane.turn();
            let waits = self.applier.waiting() > 0 || !self.mail.lock().unwrap().is_empty();
            if still && !waits {
                return;
            }
        }
        panic!("the lane does not come to rest: {:?}", self.lane.status());
    }

    fn next_event(&self) -> Option<Event> {
        self.mail.lock().unwrap().pop_front()
    }

    /// Time passes.
    pub fn wait(&mut self, time: Duration) {
        self.let_time_pass(time);
        self.settle();
    }

    /// Time passes, and nobody tells the lane.
    pub fn let_time_pass(&self, time: Duration) {
        *self.clock.0.lock().unwrap() += time;
    }

    /// The oldest background work, which is not done yet.
    pub fn take_work(&mut self) -> Work {
        let work = self.works.lock().unwrap().pop_front();
        work.unwrap_or_else(|| panic!("nothing to do: {:?}", self.lane.status()))
    }

    /// Does the oldest background work, as its thread would.
    pub fn work(&mut self) {
        let work = self.take_work();
        std::thread::scope(|scope| {
            let _ = scope.spawn(work).join();
        });
        self.settle();
    }

    /// Works, and lets time pass, until the lane is owned.
    pub fn own(&mut self) {
        for _ in 0..100 {
            if self.status().phase == "owned" {
                return;
            }
            if self.works.lock().unwrap().is_empty() {
                self.wait(Duration::from_millis(100));
            } else {
                self.work();
            }
        }
        panic!("the lane is not owned: {:?}", self.status());
    }

    /// What it looks like.
    pub fn status(&self) -> Status {
        self.lane.status()
    }

    /// Asks, and takes what is answered at once.
    pub fn ask(&mut self, query: &'static str) -> String {
        self.try_ask(query)
            .unwrap_or_else(|| panic!("no answer: {:?}", self.status()))
    }

    /// Asks; `None` if that is not answered at once.
    pub fn try_ask(&mut self, query: &'static str) -> Option<String> {
        self.call(Ask::Query(query.into())).map(text)
    }

    /// Has something decided.
    pub fn command(&mut self, id: &str, said: &'static str) -> Option<String> {
        self.call(Self::asked(id, said)).map(text)
    }

    /// The same, which is refused at once.
    pub fn refused(&mut self, id: &str, said: &'static str) -> Rejection {
        let answer = self.call(Self::asked(id, said)).expect("an answer");
        answer.expect_err("a refusal")
    }

    /// A command.
    pub fn asked(id: &str, said: &'static str) -> Ask {
        Ask::Command {
            actor: "tester".to_owned(),
            request_id: id.to_owned(),
            body: said.into(),
        }
    }

    /// Decides one batch, which has a call: something to decide, or a question. Its answer comes later.
    pub fn one_turn(&mut self, ask: Ask) -> Receiver<Reply> {
        let (call, answered) = self.ring(ask);
        self.lane.handle(Event::Call(call));
        self.lane.turn();
        answered
    }

    fn ring(&self, ask: Ask) -> (Call, Receiver<Reply>) {
        let (send, answered) = std::sync::mpsc::channel();
        let call = Call {
            ask,
            queued_at: self.clock.monotonic(),
            traceparent: String::new(),
            reply: Box::new(move |reply| drop(send.send(reply))),
        };
        (call, answered)
    }

    fn call(&mut self, ask: Ask) -> Option<Answer> {
        let (call, answered) = self.ring(ask);
        self.hear(Event::Call(call));
        match answered.try_recv() {
            Ok(Reply::Answer { answer, .. }) => Some(answer),
            Ok(_) | Err(_) => None,
        }
    }
}

/// What the ledger says.
fn text(answer: Answer) -> String {
    String::from_utf8(answer.unwrap().to_vec()).unwrap()
}
