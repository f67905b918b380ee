//! A disk in memory that remembers what was synced and what was only written, and that loses power.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use redb::StorageBackend;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use tenfold_runtime::log::embedded::Reserve;

/// Bytes that a disk writes all or nothing.
pub const SECTORS: [usize; 2] = [512, 4096];

/// A change that is not synced.
#[derive(Clone)]
enum Change {
    Write { offset: usize, data: Vec<u8> },
    Length(usize),
}

/// What goes wrong, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// At this change, counted from now, and for ever after.
    PowerLoss {
        after: u64,
    },
    /// At this change, counted from now, and at so many behind it.
    NoRoom {
        after: u64,
        lasts: u64,
    },
}

/// Bytes that a file occupies at least.
const BLOCK: usize = 4096;

/// How much the disk holds.
#[derive(Default)]
struct Room {
    /// Blocks it has; `None` = no end.
    blocks: Option<usize>,
    used: BTreeSet<usize>,
    reserved: usize,
}

impl Room {
    fn is_over(&self, more: usize) -> bool {
        self.blocks
            .is_some_and(|blocks| self.used.len() + self.reserved + more > blocks)
    }
}

/// What is left of the changes that were not synced when the power went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Nothing,
    Everything,
    /// A random part of the writes, in random order.
    SomeWrites,
    /// All but the last write, of which a random part of its sectors is there.
    TornLast {
        sector: usize,
    },
    /// Each sector as it was at any time since the last sync, each on its own.
    AnySectors {
        sector: usize,
    },
}

impl Left {
    pub fn all() -> Vec<Self> {
        let torn = SECTORS.map(|sector| Self::TornLast { sector });
        let any = SECTORS.map(|sector| Self::AnySectors { sector });
        let mut all = vec![Self::Nothing, Self::Everything, Self::SomeWrites];
        all.extend(torn.into_iter().chain(any));
        all
    }
}

struct State {
    synced: Vec<u8>,
    now: Vec<u8>,
    unsynced: Vec<Change>,
    fault: Fault,
    room: Room,
    opened: u32,
    /// Syncs are acknowledged and do nothing: what this must not hide is the tests' own blindness.
    lies: bool,
    changes: u64,
    trace: DefaultHasher,
}

/// See the module. Clones are the same disk.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<State>>);

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            synced: Vec::new(),
            now: Vec::new(),
            unsynced: Vec::new(),
            fault: Fault::None,
            room: Room::default(),
            opened: 0,
            lies: false,
            changes: 0,
            trace: DefaultHasher::new(),
        })))
    }

    /// A disk that says "synced" and has not.
    pub fn lying() -> Self {
        let disk = Self::new();
        disk.state().lies = true;
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn set_fault(&self, fault: Fault) {
        self.state().fault = fault;
    }

    /// It holds so many blocks.
    pub fn set_blocks(&self, blocks: usize) {
        self.state().room.blocks = Some(blocks);
    }

    /// The disk as a log's storage; counted.
    pub fn open(&self) -> Self {
        self.state().opened += 1;
        self.clone()
    }

    /// How often a log opened it.
    pub fn opened(&self) -> u32 {
        self.state().opened
    }

    /// Room kept aside on this disk.
    pub fn reserve(&self, blocks: usize) -> Arc<DiskReserve> {
        let disk = self.clone();
        Arc::new(DiskReserve { disk, blocks })
    }

    /// Changes that were asked of it so far.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// The same for runs that did the same.
    pub fn trace(&self) -> u64 {
        self.state().trace.finish()
    }

    /// The power is gone.
    pub fn is_dark(&self) -> bool {
        self.state().fault == Fault::PowerLoss { after: 0 }
    }

    /// Makes its first bytes zeros, as a damaged disk may.
    pub fn lose_head(&self, bytes: usize) {
        let mut state = self.state();
        state.now[..bytes].fill(0);
        state.synced[..bytes].fill(0);
    }

    /// Whoever used the disk is dead; the power comes back, and the disk has what is left.
    pub fn power_back(&self, left: Left, random: &mut StdRng) {
        let mut state = self.state();
        let unsynced = std::mem::take(&mut state.unsynced);
        let image = what_is_left(&state.synced, &unsynced, left, random);
        state.now.clone_from(&image);
        state.synced = image;
        state.fault = Fault::None;
    }
}

impl State {
    /// Counts a change; an error if it is the one that fails.
    fn change(&mut self, what: (u8, usize, usize)) -> io::Result<()> {
        what.hash(&mut self.trace);
        self.changes += 1;
        match &mut self.fault {
            Fault::PowerLoss { after: 0 } => Err(io::Error::other("the power is gone")),
            Fault::PowerLoss { after } => {
                *after -= 1;
                Ok(())
            }
            Fault::NoRoom { after: 0, lasts: 0 } | Fault::None => Ok(()),
            Fault::NoRoom { after: 0, lasts } => {
                *lasts -= 1;
                Err(io::ErrorKind::StorageFull.into())
            }
            Fault::NoRoom { after, .. } => {
                *after -= 1;
                Ok(())
            }
        }
    }

    fn take_room(&mut self, offset: usize, bytes: usize) -> io::Result<()> {
        let blocks = offset / BLOCK..(offset + bytes).div_ceil(BLOCK);
        let used = &self.room.used;
        let more: Vec<_> = blocks.filter(|block| !used.contains(block)).collect();
        if !more.is_empty() && self.room.is_over(more.len()) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room.used.extend(more);
        Ok(())
    }

    fn make(&mut self, change: Change) {
        make(&mut self.now, &change);
        self.unsynced.push(change);
    }
}

fn make(image: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => image.resize(*length, 0),
        Change::Write { offset, data } => {
            let end = offset + data.len();
            if image.len() < end {
                image.resize(end, 0);
            }
            image[*offset..end].copy_from_slice(data);
        }
    }
}

fn what_is_left(synced: &[u8], unsynced: &[Change], left: Left, random: &mut StdRng) -> Vec<u8> {
    let mut image = synced.to_vec();
    match left {
        Left::Nothing => {}
        Left::Everything => unsynced.iter().for_each(|change| make(&mut image, change)),
        Left::SomeWrites => {
            let share = random.random_range(0.05..0.95);
            let mut some: Vec<_> = unsynced
                .iter()
                .filter(|_| random.random_bool(share))
                .collect();
            some.shuffle(random);
            some.into_iter().for_each(|change| make(&mut image, change));
        }
        Left::TornLast { sector } => {
            let last = unsynced
                .iter()
                .rposition(|change| matches!(change, Change::Write { .. }));
            for (number, change) in unsynced.iter().enumerate() {
                match change {
                    Change::Write { offset, data } if Some(number) == last => {
                        tear(&mut image, *offset, data, sector, random);
                    }
                    change => make(&mut image, change),
                }
            }
        }
        Left::AnySectors { sector } => return any_sectors(image, unsynced, sector, random),
    }
    image
}

/// Writes only some of the sectors that a write touches.
fn tear(image: &mut Vec<u8>, offset: usize, data: &[u8], sector: usize, random: &mut StdRng) {
    let mut at = 0;
    while at < data.len() {
        let end = ((offset + at) / sector + 1) * sector - offset;
        let part = &data[at..end.min(data.len())];
        if random.random_bool(0.5) {
            let (offset, data) = (offset + at, part.to_vec());
            make(image, &Change::Write { offset, data });
        }
        at = end;
    }
}

/// Takes each sector, and the length, as it was at any moment since the last sync.
fn any_sectors(
    synced: Vec<u8>,
    unsynced: &[Change],
    sector: usize,
    random: &mut StdRng,
) -> Vec<u8> {
    let mut versions: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
    let mut lengths = vec![synced.len()];
    let mut image = synced.clone();
    for change in unsynced {
        make(&mut image, change);
        lengths.push(image.len());
        if let Change::Write { offset, data } = change {
            for number in offset / sector..(offset + data.len()).div_ceil(sector) {
                let bytes = image[number * sector..].iter().take(sector).copied();
                versions.entry(number).or_default().push(bytes.collect());
            }
        }
    }
    let mut left = synced;
    for (number, versions) in versions {
        let pick = random.random_range(0..=versions.len());
        if let Some(data) = pick.checked_sub(1).and_then(|pick| versions.get(pick)) {
            let (offset, data) = (number * sector, data.clone());
            make(&mut left, &Change::Write { offset, data });
        }
    }
    left.resize(lengths[random.random_range(0..lengths.len())], 0);
    left
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let offset = usize::try_from(offset).unwrap();
        let from = state.now.get(offset..offset + out.len());
        out.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        let length = usize::try_from(len).unwrap();
        state.change((1, length, 0))?;
        state.room.used.split_off(&length.div_ceil(BLOCK));
        state.make(Change::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        state.change((2, 0, 0))?;
        if !state.lies {
            state.unsynced.clear();
            state.synced = state.now.clone();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let offset = usize::try_from(offset).unwrap();
        state.change((3, offset, data.len()))?;
        state.take_room(offset, data.len())?;
        let data = data.to_vec();
        state.make(Change::Write { offset, data });
        Ok(())
    }
}

/// Blocks of a disk that nobody else may use.
pub struct DiskReserve {
    disk: Disk,
    blocks: usize,
}

impl Reserve for DiskReserve {
    fn keep(&self) -> io::Result<()> {
        let room = &mut self.disk.state().room;
        if room.reserved == 0 {
            if room.is_over(self.blocks) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            room.reserved = self.blocks;
        }
        Ok(())
    }

    fn give_up(&self) -> bool {
        std::mem::take(&mut self.disk.state().room.reserved) > 0
    }
}
