//! The world outside: a short day of a few labs, with everybody who has a part in it, and the truth.
//!
//! [`plan`] (tubes and truth), [`wire`] (commands as the services' edges build them), [`site`],
//! [`reception`], [`bench`], [`robot`], [`plates`], [`receiver`], [`supervisor`] (who does what).

pub mod bench;
pub mod plan;
pub mod plates;
pub mod receiver;
pub mod reception;
pub mod robot;
pub mod site;
pub mod supervisor;
pub mod trouble;
pub mod wire;

use crate::ledger::Ledger;
use crate::shared::{Micros, SECOND};
use crate::task::{Hand, Tasks, read};
use bytes::Bytes;
use plan::Plan;
use std::cell::{Ref, RefCell, RefMut};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use tenfold_domain::Rejection;
use tenfold_proto::v1;
use v1::pooling_command::Command;
use v1::pooling_query::Query;

/// Number of a service.
pub const INTAKE: usize = 0;
/// Number of a service.
pub const POOLING: usize = 1;
/// Number of a service.
pub const RESULTS: usize = 2;

/// What lies on the tables of one lab.
#[derive(Debug, Default)]
pub struct Desk {
    /// Barcodes of tubes that arrive, and when.
    pub arriving: VecDeque<(Micros, String)>,
    /// Racks for the robot.
    pub racks: VecDeque<String>,
    /// Tubes to be scanned, by barcode or id, and not before when.
    pub to_scan: VecDeque<(Micros, String)>,
    /// What hands put into each well of a plate.
    pub wells: BTreeMap<String, BTreeMap<String, String>>,
}

/// What all actors of a run share.
#[derive(Debug)]
pub struct World {
    /// The plan of the day.
    pub plan: Plan,
    /// By lab.
    pub desks: BTreeMap<String, Desk>,
    /// Everything is reported: go home.
    pub over: bool,
    /// Nothing goes wrong any more.
    pub healed: bool,
    /// Version of the policy that is durable in every inbox.
    pub policy: u32,
}

/// An actor at work in a lab.
pub struct Person {
    /// Time, chance and calls.
    pub hand: Hand,
    /// The lab.
    pub lab: String,
    world: Rc<RefCell<World>>,
}

impl Person {
    /// Somebody of a lab.
    #[must_use]
    pub fn new(hand: Hand, lab: &str, world: &Rc<RefCell<World>>) -> Self {
        Self {
            hand,
            lab: lab.to_owned(),
            world: Rc::clone(world),
        }
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> Ref<'_, World> {
        self.world.borrow()
    }

    /// The world, to change it.
    #[must_use]
    pub fn change(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> RefMut<'_, Ledger> {
        self.hand.outside.ledger.borrow_mut()
    }

    /// Something on the lab's tables.
    pub fn desk<T>(&self, take: impl FnOnce(&mut Desk) -> T) -> T {
        take(self.change().desks.entry(self.lab.clone()).or_default())
    }

    /// The day is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.world().over
    }

    /// Simulated time.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.hand.shared().now()
    }

    /// Puts a tube on the table to be scanned, after a while.
    pub fn scan_later(&self, label: &str, after: Micros) {
        let at = self.now() + after;
        self.desk(|desk| {
            if !desk.to_scan.iter().any(|(_, known)| known == label) {
                desk.to_scan.push_back((at, label.to_owned()));
            }
        });
    }

    /// Commands pooling.
    ///
    /// # Errors
    /// The refusal.
    pub async fn pooling<R: prost::Message + Default>(
        &self,
        command: Command,
    ) -> Result<R, Rejection> {
        let body = wire::pooling(command);
        read(self.hand.command(POOLING, &self.lab, body).await)
    }

    /// Asks pooling.
    ///
    /// # Errors
    /// The refusal.
    pub async fn ask<R: prost::Message + Default>(&self, query: Query) -> Result<R, Rejection> {
        let body = wire::pooling_query(query);
        let lane = tenfold_runtime::lane_of(&self.lab, self.hand.outside.lanes[POOLING]);
        read(self.hand.query(POOLING, lane, body).await)
    }

    /// Something was refused that must not be.
    pub fn unexpected(&self, what: &str, rejection: &Rejection) {
        self.hand.shared().problem(format!(
            "{} of {}: {what} was refused: {rejection:?}",
            self.hand.name(),
            self.lab
        ));
    }

    /// A tube's barcode, by its id.
    #[must_use]
    pub fn barcode_of(&self, id: &str) -> Option<String> {
        self.ledger().lab(&self.lab).tubes.get(id).cloned()
    }
}

/// Everybody begins to work.
pub fn open(tasks: &mut Tasks, world: &Rc<RefCell<World>>, lanes: [u32; 3]) {
    let labs = world.borrow().plan.labs.clone();
    let tubes = world.borrow().plan.tubes.clone();
    for tube in tubes {
        let world = Rc::clone(world);
        let name = format!("site-{}", tube.registration.barcode);
        let (lab, at) = (tube.lab.clone(), tube.registered_at);
        tasks.start(name, at, move |hand| {
            site::paperwork(Person::new(hand, &lab, &world), tube.registration.barcode)
        });
    }
    for lab in labs {
        let start = |tasks: &mut Tasks, name: &str, after: Micros, run: Work| {
            let (world, lab) = (Rc::clone(world), lab.clone());
            let name = format!("{name}-{lab}");
            tasks.start(name, after, move |hand| {
                run(Person::new(hand, &lab, &world))
            });
        };
        start(tasks, "reception", SECOND, |p| Box::pin(reception::work(p)));
        start(tasks, "b1", 2 * SECOND, |p| Box::pin(bench::work(p, "b1")));
        start(tasks, "b2", 3 * SECOND, |p| Box::pin(bench::work(p, "b2")));
        start(tasks, "robot", 4 * SECOND, |p| Box::pin(robot::work(p)));
        start(tasks, "plates", 5 * SECOND, |p| Box::pin(plates::work(p)));
        start(tasks, "boss", 30 * SECOND, |p| {
            Box::pin(supervisor::work(p))
        });
    }
    for lane in 0..lanes[RESULTS] {
        let world = Rc::clone(world);
        tasks.start(format!("cdc-{lane}"), SECOND, move |hand| {
            receiver::work(Person::new(hand, "", &world), lane)
        });
    }
}

type Work = fn(Person) -> std::pin::Pin<Box<dyn std::future::Future<Output = ()>>>;

/// Bytes of a message.
pub fn bytes(message: &impl prost::Message) -> Bytes {
    message.encode_to_vec().into()
}
