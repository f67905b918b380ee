//! Names of the engine's metrics, each with its description, in one place.
//!
//! Template: `tenfold_<name>_<unit>[_total]`. Label `service` everywhere; `reason` where it says why.

/// Name and description.
pub type Metric = (&'static str, &'static str);

macro_rules! metrics {
    ($($name:ident = $text:literal, $about:literal;)+) => {
        $(#[doc = $about] pub const $name: &str = $text;)+

        /// Every metric of the engine, with its description.
        pub const ALL: &[Metric] = &[$(($text, $about)),+];
    };
}

metrics! {
    QUEUE_SECONDS = "tenfold_queue_seconds", "Time a call waited in its lane before it was decided.";
    DECIDE_SECONDS = "tenfold_decide_seconds", "Time to decide one batch.";
    ACKNOWLEDGE_SECONDS = "tenfold_acknowledge_seconds", "Time from handing a journal record to the log until the log answers: what of an append is not the lane's.";
    APPEND_SECONDS = "tenfold_append_seconds", "Time from appending a record to its commit.";
    ANSWER_SECONDS = "tenfold_answer_seconds", "Time from a record's acknowledgement to the answers that waited for it.";
    CALLS_OVER_BUDGET = "tenfold_calls_over_budget_total", "Calls over the budget, by the stage that took most; each has a log line.";
    POST_SECONDS = "tenfold_post_seconds", "Time until inputs from outside were durable in an inbox.";
    CALL_SECONDS = "tenfold_call_seconds", "Time from a call's arrival at the lane to its answer.";
    BATCH_INPUTS = "tenfold_batch_inputs", "Inputs decided in one record.";
    RECORDS_COMMITTED = "tenfold_records_committed_total", "Journal records committed.";
    EVENTS_COMMITTED = "tenfold_events_committed_total", "Events committed.";
    APPENDS_FAILED = "tenfold_appends_failed_total", "Journal appends without a good end.";
    OFFSETS_UNEXPECTED = "tenfold_offsets_unexpected_total", "Journal appends acknowledged at another offset than expected, or none.";
    OWNERS_FENCED = "tenfold_owners_fenced_total", "Times a lane was lost to another owner.";
    LANES_STOPPED = "tenfold_lanes_stopped_total", "Times a lane stopped and needed a person.";
    LANES_OWNED = "tenfold_lanes_owned", "Lanes this instance owns.";
    READERS_MOVED = "tenfold_log_readers_moved_total", "Kafka readers whose consumer stalled, and that another took over.";
    JOURNAL_STRAYS = "tenfold_journal_strays_total", "Journal records ignored: of fenced owners, or out of order.";
    CALLS_REFUSED = "tenfold_calls_refused_total", "Calls refused because too many waited.";
    COMMANDS_REJECTED = "tenfold_commands_rejected_total", "Commands rejected, by reason.";
    INPUTS_REJECTED = "tenfold_inputs_rejected_total", "Inputs from outside rejected, by reason.";
    DECISIONS_PANICKED = "tenfold_decisions_panicked_total", "Decisions that panicked: bugs.";
    DEAD_LETTERS = "tenfold_dead_letters_total", "Inputs that went to the dead letters.";
    RELAYS_DUPLICATE = "tenfold_relays_duplicate_total", "Relayed records that were known already.";
    RELAYS_EARLY = "tenfold_relays_early_total", "Relayed records passed over because earlier ones were missing.";
    RELAYS_CONTRADICT = "tenfold_relays_contradict_total", "Relayed records that contradict an earlier one: alarm.";
    CACHE_RENEWALS = "tenfold_cache_renewals_total", "Caches closed and opened again, because they held as much memory as they may.";
    SNAPSHOTS_WRITTEN = "tenfold_snapshots_written_total", "Snapshots of lanes that were written.";
    SNAPSHOTS_FAILED = "tenfold_snapshots_failed_total", "Snapshots that were begun and not written, by reason; tried again after a minute.";
    SNAPSHOTS_RESTORED = "tenfold_snapshots_restored_total", "Times a lane with an empty cache went on from a snapshot.";
    SNAPSHOTS_REFUSED = "tenfold_snapshots_refused_total", "Snapshots that were passed over when a lane had an empty cache, by reason: damaged and foreign are alarms.";
    SNAPSHOT_WRITE_SECONDS = "tenfold_snapshot_write_seconds", "Time to write a snapshot, while the lane worked.";
    SNAPSHOT_RESTORE_SECONDS = "tenfold_snapshot_restore_seconds", "Time to read a snapshot, until its lane went on from it.";
    LANES_SETTLING = "tenfold_lanes_settling", "Lanes whose cache does not have all rows of their snapshot yet.";
    HEAD_BYTES = "tenfold_head_bytes_total", "Bytes of older journal and inbox records that were put away in the store of heads.";
    HEADS_FAILED = "tenfold_heads_failed_total", "Times older records could not be put away and stay in the log, by reason: damaged, foreign and missing are alarms.";
    CLOCK_SUSPECT = "tenfold_clock_suspect_total", "Times a lane's clock became suspect: alarm.";
}
