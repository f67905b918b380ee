//! Every bound of the engine, with its reason.

use std::time::Duration;

/// See each field; `Default` is what a lab starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Inputs decided in one record. Enough that the cost of an append is shared by hundreds.
    pub batch_inputs_max: usize,
    /// Encoded size at which a record is closed. Small enough that a follower reads it in one breath.
    pub batch_bytes_max: usize,
    /// Largest record that is written at all; an input that alone needs more goes to the dead letters.
    /// Under the log's own limit of 1 MiB, with room for the envelope.
    pub record_bytes_max: usize,
    /// Deciding one batch takes no longer than this, so that a scan behind a bulk batch does not wait.
    pub batch_time_max: Duration,
    /// Or so long, when somebody waits for another lane of the instance, which has no thread meanwhile. Not at once: small batches
    /// cost more, and on a machine that is full all lanes are waited for all the time.
    pub batch_time_hurried: Duration,
    /// Records in flight: five is what an idempotent Kafka producer keeps in order.
    pub in_flight_max: usize,
    /// Behind a record that is smaller than this, nothing is appended until the log has answered it: what comes meanwhile
    /// gathers for the next. So a log that is slow is given fewer and larger records, not five times as many; and a log
    /// that is quick makes nobody wait longer than for the record before. About a dozen scans (decision 0702). Setting
    /// `lanes.small_record_bytes`.
    pub small_record_bytes: usize,
    /// Commands that may wait in one lane, before callers are told to try again.
    pub commands_waiting_max: usize,
    /// While calls come to a lane, it takes a record of its inbox so often: its inputs were not waited for, and each such
    /// record, a few hundred inputs, is waited for by every call behind it. Nothing waits longer than so for its turn.
    pub inbox_waits: Duration,
    /// Bytes read from an inbox at a time.
    pub inbox_read_bytes: usize,
    /// Records go to the cache together, as one batch, once the oldest was decided so long ago: a row that several of them
    /// wrote is written once. What a cache is behind for that is read from the journal after a crash. Setting
    /// `cache.gather_ms`.
    pub gather: Duration,
    /// Or once they wrote so many rows, for their batch is made in one go, between two records. Setting
    /// `cache.gather_rows`.
    pub gather_rows_max: usize,
    /// Bytes committed and not yet in the cache, at which a lane stops deciding.
    pub unapplied_bytes_max: usize,
    /// Messages of one pair that may be on their way.
    pub relay_window_records: usize,
    /// Messages packed into one record of an inbox.
    pub relay_pack_messages: usize,
    /// Size at which such a record is closed.
    pub relay_pack_bytes: usize,
    /// How long messages that nobody waits for gather with others of their target; zero = not at all. Setting
    /// `lanes.messages_gather_ms`.
    pub relay_gather: Duration,
    /// Bytes of messages not yet arrived anywhere, at which a lane stops deciding.
    pub relay_bytes_max: usize,
    /// First pause after a failed relay; doubles up to `retry_max`.
    pub retry_min: Duration,
    /// Longest pause between attempts of anything.
    pub retry_max: Duration,
    /// An append to take a lane that is unanswered for so long is given up, and another made.
    pub open_timeout: Duration,
    /// A lane that another instance took is taken back only after so long without a record of it.
    pub session_timeout: Duration,
    /// An owner that appends nothing for so long watches its journal: a question is answered from a state that another
    /// owner has left behind for about so long at most. Longer than the pauses of a busy lane, which needs no watch.
    pub watch_after: Duration,
    /// How long answers are kept for retries. Setting `lanes.answers_kept_minutes`.
    pub outcome_kept: Duration,
    /// A request id whose own time is further ahead of lane time is refused.
    pub request_ahead_max: Duration,
    /// A call that takes longer in its lane, from arrival to answer, is counted and explained.
    pub call_budget: Duration,
    /// A durable acknowledgement of inputs from outside that takes longer is counted and explained.
    pub post_budget: Duration,
    /// A jump of the wall clock against the monotonic clock beyond this makes a lane *clock suspect*.
    pub clock_jump_max: Duration,
    /// A difference to the log's own time of the record that took the lane beyond this does, too.
    pub clock_log_difference_max: Duration,
    /// A gap in a sender's numbers that is older is asked for again.
    pub resend_after: Duration,
    /// A sender who does not answer what it is asked after an inbox was made anew is asked again after pauses that grow
    /// to this: it may be away for long, and each request stays in its inbox.
    pub resend_max: Duration,
    /// How long relay marks may stay only in memory while a lane is idle.
    pub marks_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_inputs_max: 1_024,
            batch_bytes_max: 256 << 10,
            record_bytes_max: 900 << 10,
            batch_time_max: Duration::from_millis(5),
            batch_time_hurried: Duration::from_millis(1),
            in_flight_max: 5,
            small_record_bytes: 4 << 10,
            commands_waiting_max: 1_024,
            inbox_waits: Duration::from_millis(20),
            inbox_read_bytes: 256 << 10,
            gather: Duration::from_secs(1),
            gather_rows_max: 8_192,
            unapplied_bytes_max: 32 << 20,
            relay_window_records: 8,
            relay_pack_messages: 128,
            relay_pack_bytes: 64 << 10,
            relay_gather: Duration::from_millis(250),
            relay_bytes_max: 64 << 20,
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(10),
            open_timeout: Duration::from_secs(25),
            session_timeout: Duration::from_secs(10),
            watch_after: Duration::from_secs(2),
            outcome_kept: Duration::from_secs(72 * 3_600),
            request_ahead_max: Duration::from_secs(300),
            call_budget: Duration::from_millis(20),
            post_budget: Duration::from_millis(50),
            clock_jump_max: Duration::from_secs(300),
            clock_log_difference_max: Duration::from_secs(120),
            resend_after: Duration::from_secs(30),
            resend_max: Duration::from_secs(600),
            marks_after: Duration::from_secs(1),
        }
    }
}
