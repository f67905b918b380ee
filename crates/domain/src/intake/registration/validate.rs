//! Whether a registration can be true: every field's problem at once.

use super::{
    Registration, SUBJECT_BYTES_MAX, SUBJECTS_MAX, SWABS_MAX, TEXT_BYTES_MAX, VERSION_MAX,
};
use crate::ids::LabId;
use crate::intake::barcode::{BARCODE_BYTES_MAX, Rules};
use crate::policy::RegistrationPolicy;
use crate::rejection::Rejection;
use crate::sample::{Flag, Hold, Kind, Sample};
use crate::time::{Millis, Timestamp};
use std::collections::HashSet;
use std::fmt::Display;

/// 0001-01-01 and 9999-12-31: what a calendar can say. A plausible time is the flags' matter.
const COLLECTED_AT_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;
/// Known values listed in a message.
const LISTED_MAX: usize = 12;

/// What is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A tube not registered before, stated at this moment.
    New,
    /// A new version for a tube whose barcode was accepted then.
    Known {
        /// When its first version was decided; flags of time are measured from it.
        registered_at: Timestamp,
    },
}

/// The sample that a registration becomes, with its flags and hold, routed to its lab.
///
/// # Errors
/// Everything that is wrong with it in one rejection: the first problem is the headline, the message
/// names the others with field and reason.
pub fn accept(
    rules: &Rules,
    registration: Registration,
    subject: Subject,
    version: u32,
    now: Timestamp,
) -> Result<Sample, Rejection> {
    let mut problems = Vec::new();
    if subject == Subject::New {
        let checked = rules.check_barcode(&registration.site, registration.barcode.as_str(), now);
        problems.extend(checked.err());
    }
    texts(&registration, &mut problems);
    let lab = place(rules, &registration, &mut problems);
    content(rules, &registration, version, &mut problems);
    subjects(&rules.policy.registration, &registration, &mut problems);
    match (lab, registration.kind, combine(problems)) {
        (Some(lab), Some(kind), None) => {
            let registered_at = match subject {
                Subject::New => now,
                Subject::Known { registered_at } => registered_at,
            };
            let limits = &rules.policy.registration;
            Ok(sample(
                limits,
                registration,
                kind,
                lab,
                version,
                registered_at,
            ))
        }
        (_, _, Some(rejection)) => Err(rejection),
        // Not reached: without lab or kind there is a problem.
        _ => Err(problem(
            "REGISTRATION_INCOMPLETE",
            "",
            "a field is missing",
            "",
        )),
    }
}

fn sample(
    limits: &RegistrationPolicy,
    r: Registration,
    kind: Kind,
    lab: LabId,
    version: u32,
    registered_at: Timestamp,
) -> Sample {
    Sample {
        flags: flags(limits, &r, registered_at),
        hold: hold(&r),
        barcode: r.barcode,
        version,
        site: r.site,
        lab,
        kind,
        specimen_type: r.specimen_type,
        class: r.class,
        subjects: r.subjects,
        collection_pool: r.collection_pool,
        observed_swabs: r.observed_swabs,
        collected_at: r.collected_at,
        registered_at,
        collector: r.collector,
        round: r.round,
        transport_box: r.transport_box,
        recollection_of: r.recollection_of,
    }
}

fn flags(limits: &RegistrationPolicy, r: &Registration, at: Timestamp) -> Vec<Flag> {
    let tolerance = Millis::from_mins(i64::from(limits.future_tolerance_minutes));
    let late = Millis::from_hours(i64::from(limits.late_entry_hours));
    let of_time = match r.collected_at {
        None => Some(Flag::CollectedUnknown),
        Some(collected) if collected > at.plus(tolerance) => Some(Flag::CollectedInFuture),
        Some(collected) if collected < at.minus(late) => Some(Flag::LateEntry),
        Some(_) => None,
    };
    let repeat = r.isolation_repeat.then_some(Flag::IsolationRepeat);
    of_time.into_iter().chain(repeat).collect()
}

/// The tube is held if somebody counted other than is registered. An object without a subject counts as one.
fn hold(r: &Registration) -> Option<Hold> {
    let registered = u32::try_from(r.subjects.len()).unwrap_or(u32::MAX).max(1);
    let observed = r.observed_swabs?;
    (observed != registered).then_some(Hold::CountMismatch {
        registered,
        observed,
    })
}

fn problem(
    reason: &str,
    field: &str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Rejection {
    Rejection::invalid(reason, field, message, help)
}

/// One rejection of all problems.
fn combine(problems: Vec<Rejection>) -> Option<Rejection> {
    let mut all = problems.into_iter();
    let mut headline = all.next()?;
    for other in all {
        headline.message.push_str(&format!(
            "; also {} ({}): {}",
            other.field, other.reason, other.message
        ));
    }
    Some(headline)
}

fn texts(r: &Registration, problems: &mut Vec<Rejection>) {
    let bounded = [
        ("source", r.source.as_str()),
        ("site", r.site.as_str()),
        ("lab", r.lab.as_ref().map_or("", |lab| lab.as_str())),
        ("specimen_type", r.specimen_type.as_str()),
        ("sampling_class", r.class.as_str()),
        ("collector", r.collector.as_deref().unwrap_or_default()),
        ("round", r.round.as_deref().unwrap_or_default()),
        (
            "transport_box",
            r.transport_box.as_deref().unwrap_or_default(),
        ),
        (
            "recollection_of",
            r.recollection_of.as_ref().map_or("", |b| b.as_str()),
        ),
    ];
    for (field, text) in bounded {
        let most = if field == "recollection_of" {
            BARCODE_BYTES_MAX
        } else {
            TEXT_BYTES_MAX
        };
        check_text(field, text, most, problems);
    }
    if r.recollection_of.as_ref() == Some(&r.barcode) {
        problems.push(problem(
            "RECOLLECTION_OF_ITSELF",
            "recollection_of",
            "a tube cannot replace itself",
            "give the barcode of the earlier tube",
        ));
    }
}

/// Text is bounded and has no control characters. Its value is not repeated: it may be personal.
fn check_text(field: &str, text: &str, most: usize, problems: &mut Vec<Rejection>) {
    if text.len() > most {
        problems.push(problem(
            "TEXT_TOO_LONG",
            field,
            format!("{field} has {} bytes: {most} are allowed", text.len()),
            "shorten it",
        ));
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        problems.push(problem(
            "TEXT_CONTROL_CHARACTER",
            field,
            format!("{field} has the control character U+{:04X}", u32::from(c)),
            "remove it",
        ));
    }
}

fn place(rules: &Rules, r: &Registration, problems: &mut Vec<Rejection>) -> Option<LabId> {
    let policy = &rules.policy;
    let site = policy.sites.get(&r.site);
    if site.is_none() {
        problems.push(problem(
            "SITE_UNKNOWN",
            "site",
            format!(
                "site {} is not in the policy: it knows {}",
                shown(r.site.as_str()),
                listed(policy.sites.keys())
            ),
            "correct the site's id, or add the site to the policy",
        ));
    }
    match &r.lab {
        Some(lab) if policy.labs.contains_key(lab) => Some(lab.clone()),
        Some(lab) => {
            problems.push(problem(
                "LAB_UNKNOWN",
                "lab",
                format!(
                    "lab {} is not in the policy: it knows {}",
                    shown(lab.as_str()),
                    listed(policy.labs.keys())
                ),
                "leave the lab out, and the site's lab counts",
            ));
            None
        }
        None => site.map(|site| site.lab.clone()),
    }
}

fn content(rules: &Rules, r: &Registration, version: u32, problems: &mut Vec<Rejection>) {
    let policy = &rules.policy;
    if r.kind.is_none() {
        problems.push(problem(
            "KIND_MISSING",
            "kind",
            "the kind is not given",
            "say person, object or environment",
        ));
    }
    let types = &policy.registration.specimen_types;
    if !types.contains(&r.specimen_type) {
        problems.push(problem(
            "SPECIMEN_TYPE_UNKNOWN",
            "specimen_type",
            format!(
                "specimen type {} is not in the policy: it knows {}",
                shown(&r.specimen_type),
                listed(types)
            ),
            "use one of these, or add it to registration.specimen_types",
        ));
    }
    if !policy.classes.contains_key(&r.class) {
        problems.push(problem(
            "CLASS_UNKNOWN",
            "sampling_class",
            format!(
                "class {} is not in the policy: it knows {}",
                shown(r.class.as_str()),
                listed(policy.classes.keys())
            ),
            "use one of these, or add it to the policy's classes",
        ));
    }
    if version > VERSION_MAX {
        problems.push(problem(
            "VERSION_LIMIT",
            "version",
            format!("version {version} is above {VERSION_MAX}"),
            "count versions from 1, by one",
        ));
    }
    if r.collected_at
        .is_some_and(|at| !COLLECTED_AT_MS.contains(&at.0))
    {
        problems.push(problem(
            "COLLECTED_AT_RANGE",
            "collected_at",
            "collected_at is outside the years 1 to 9999",
            "send milliseconds since 1970 UTC, or leave it out if it is not known",
        ));
    }
    if r.observed_swabs.is_some_and(|n| n > SWABS_MAX) {
        problems.push(problem(
            "OBSERVED_SWABS_LIMIT",
            "observed_swabs",
            format!("observed_swabs is above {SWABS_MAX}"),
            "count the swabs in this tube alone",
        ));
    }
}

fn subjects(limits: &RegistrationPolicy, r: &Registration, problems: &mut Vec<Rejection>) {
    let count = r.subjects.len();
    let pool_max = usize::from(limits.collection_pool_max());
    match r.kind {
        Some(Kind::Person) | None if r.collection_pool => {
            if !(1..=pool_max).contains(&count) {
                problems.push(problem(
                    "COLLECTION_POOL_SIZE",
                    "subjects",
                    format!("{count} subjects in one collection pool: 1 to {pool_max} are allowed"),
                    "register each tube with the persons swabbed into it",
                ));
            }
        }
        Some(Kind::Person) | None => {
            if count != 1 {
                problems.push(problem(
                    "SUBJECTS_COUNT",
                    "subjects",
                    format!("{count} subjects in a single tube: 1 is wanted"),
                    "give the person's pseudonym, or say collection_pool if several were swabbed into it",
                ));
            }
        }
        Some(Kind::Object | Kind::Environment) => {
            if r.collection_pool {
                problems.push(problem(
                    "COLLECTION_POOL_KIND",
                    "collection_pool",
                    "only swabs of persons are pooled at collection",
                    "leave collection_pool out",
                ));
            }
            if count > 1 {
                problems.push(problem(
                    "SUBJECTS_COUNT",
                    "subjects",
                    format!("{count} subjects of an object or place: 1 at most"),
                    "give its lot or place as the one subject, or none",
                ));
            }
        }
    }
    let mut seen = HashSet::new();
    for (n, subject) in r.subjects.iter().take(SUBJECTS_MAX).enumerate() {
        let field = || format!("subjects[{n}]");
        if subject.is_empty() {
            problems.push(problem(
                "SUBJECT_MISSING",
                &field(),
                "the pseudonym is empty",
                "give the person's pseudonym",
            ));
        } else if count > 1 && !seen.insert(subject) {
            problems.push(problem(
                "SUBJECT_TWICE",
                &field(),
                "this person is in the tube already",
                "register each person once; if two swabs were taken, say so in observed_swabs",
            ));
        }
        if subject.as_str().len() > SUBJECT_BYTES_MAX
            || subject.as_str().chars().any(char::is_control)
        {
            check_text(&field(), subject.as_str(), SUBJECT_BYTES_MAX, problems);
        }
    }
}

/// A value in a message: quoted, and cut if it is too long to be one.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(TEXT_BYTES_MAX).collect();
    format!("{cut:?}")
}

fn listed<T: Display>(known: impl IntoIterator<Item = T>) -> String {
    let mut all = known.into_iter();
    let first: Vec<String> = all
        .by_ref()
        .take(LISTED_MAX)
        .map(|k| k.to_string())
        .collect();
    let rest = all.count();
    let mut text = first.join(", ");
    if rest > 0 {
        text.push_str(&format!(" and {rest} more"));
    }
    text
}
