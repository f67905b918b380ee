//! The policy in a lane's state, and parsed policies kept in memory.
//!
//! Every service keeps the active policy in two tables of its own, [`ActivePolicy`] (small, read by
//! each decision) and [`PolicyText`] (read once per process and policy); both belong in its list of
//! tables. [`decide_activation`] judges a new policy, [`fold_activation`] makes it the active one, and
//! [`Library::active`] hands it out parsed.

use super::{Policy, PolicyError};
use crate::rejection::{Code, Rejection};
use crate::tables::{Read, ReadExt, Record, TableId, Write, WriteExt};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

/// Most policies kept parsed: the active one, and those that a replay passes on its way to it.
const KEPT_MAX: usize = 8;

/// Longest text of a policy, in bytes: far above any lab's, and small enough for one inbox record.
pub const POLICY_BYTES_MAX: usize = 512 * 1024;

/// blake3 of a policy's text.
pub type Digest = [u8; 32];

/// Which policy is active in a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivePolicy {
    /// Its version.
    pub version: u32,
    /// blake3 of its text.
    pub digest: Digest,
}

impl Record for ActivePolicy {
    const TABLE: TableId = 198;
    const NAME: &'static str = "active policy";
    type Key = ();
}

/// The active policy's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyText {
    /// TOML, as it was applied.
    pub content: String,
}

impl Record for PolicyText {
    const TABLE: TableId = 199;
    const NAME: &'static str = "policy text";
    type Key = ();
}

/// Judges a policy that wants to become active: `true` = it does, `false` = it is active already.
///
/// # Errors
/// - `POLICY_TOO_LONG`, `POLICY_INVALID`: it cannot be used at all.
/// - `POLICY_VERSION_MISMATCH`: the text says another version than its sender.
/// - `POLICY_OLD`: a newer one is active.
/// - `POLICY_CHANGED_WITHOUT_VERSION`: another text with the active version.
pub fn decide_activation(
    library: &Library,
    state: &dyn Read,
    content: &str,
    version: u32,
) -> Result<bool, Rejection> {
    let active = state.get::<ActivePolicy>(&());
    if let Some(active) = &active
        && active.version == version
        && active.digest == digest(content)
    {
        return Ok(false);
    }
    if content.len() > POLICY_BYTES_MAX {
        return Err(Rejection::invalid(
            "POLICY_TOO_LONG",
            "content",
            format!(
                "the policy has {} bytes: {POLICY_BYTES_MAX} are allowed",
                content.len()
            ),
            "shorten its comments",
        ));
    }
    let policy = library.get(content).map_err(|errors| invalid(&errors))?;
    if policy.version != version {
        return Err(Rejection::invalid(
            "POLICY_VERSION_MISMATCH",
            "version",
            format!(
                "the text says version {}, its sender {version}",
                policy.version
            ),
            "send the version that the text says",
        ));
    }
    match active {
        Some(active) if active.version > version => Err(Rejection::precondition(
            "POLICY_OLD",
            "version",
            format!("version {version} is below the active {}", active.version),
            format!("give the policy version {} or more", next(active.version)),
        )),
        Some(active) if active.version == version => Err(Rejection::new(
            Code::AlreadyExists,
            "POLICY_CHANGED_WITHOUT_VERSION",
            "version",
            format!("version {version} is active with another text"),
            format!("give the changed policy version {}", next(active.version)),
        )),
        _ => Ok(true),
    }
}

/// Makes a policy the active one.
pub fn fold_activation(state: &mut dyn Write, content: &str, version: u32) {
    let active = ActivePolicy {
        version,
        digest: digest(content),
    };
    state.put(&(), &active);
    let text = PolicyText {
        content: content.to_owned(),
    };
    state.put(&(), &text);
}

/// The refusal of a policy with these problems: the first is the headline, the message lists all.
#[must_use]
pub fn invalid(errors: &[PolicyError]) -> Rejection {
    /// Problems listed in full; more are counted.
    const LISTED_MAX: usize = 20;
    let mut message = errors
        .iter()
        .take(LISTED_MAX)
        .map(|e| match e.field.as_str() {
            "" => e.message.trim_end().to_owned(),
            field => format!("{field}: {}", e.message),
        })
        .collect::<Vec<_>>()
        .join("; ");
    if errors.len() > LISTED_MAX {
        message.push_str(&format!("; and {} more", errors.len() - LISTED_MAX));
    }
    let field = errors.first().map_or("", |e| e.field.as_str());
    Rejection::invalid(
        "POLICY_INVALID",
        field,
        message,
        "correct the file; `tenfold policy check FILE` shows the same without applying it",
    )
}

const fn next(version: u32) -> u32 {
    version.saturating_add(1)
}

/// The digest of a policy's text.
#[must_use]
pub fn digest(content: &str) -> Digest {
    *blake3::hash(content.as_bytes()).as_bytes()
}

/// A few things made from policy texts, by the text's digest. Pure to its callers: what they get
/// depends on the digest alone. The oldest leaves when it is full.
#[derive(Debug)]
pub struct Memo<T> {
    kept: RwLock<VecDeque<(Digest, Arc<T>)>>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self {
            kept: RwLock::default(),
        }
    }
}

impl<T> Memo<T> {
    /// What was made for this digest, or what `make` makes now.
    ///
    /// # Errors
    /// Those of `make`; they are not kept.
    pub fn get_or_make<E>(
        &self,
        digest: &Digest,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let found = |kept: &VecDeque<(Digest, Arc<T>)>| {
            kept.iter()
                .find(|(d, _)| d == digest)
                .map(|(_, made)| Arc::clone(made))
        };
        if let Some(made) = found(&self.kept.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(made);
        }
        let made = Arc::new(make()?);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = found(&kept) {
            return Ok(made);
        }
        while kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((*digest, Arc::clone(&made)));
        Ok(made)
    }
}

/// Parsed policies.
#[derive(Debug, Default)]
pub struct Library {
    memo: Memo<Policy>,
}

impl Library {
    /// The policy that a text says.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn get(&self, content: &str) -> Result<Arc<Policy>, Vec<PolicyError>> {
        self.memo
            .get_or_make(&digest(content), || Policy::parse(content))
    }

    /// The policy that is active in a lane.
    ///
    /// # Errors
    /// `NO_POLICY`: none is, or it cannot be read by this release.
    pub fn active(&self, state: &dyn Read) -> Result<Arc<Policy>, Rejection> {
        let active = state.get::<ActivePolicy>(&()).ok_or_else(no_policy)?;
        self.memo.get_or_make(&active.digest, || {
            let text = state.get::<PolicyText>(&()).ok_or_else(no_policy)?;
            Policy::parse(&text.content).map_err(|errors| {
                let mut refused = no_policy();
                refused.message = format!(
                    "the active policy (version {}) cannot be read by this release: {}",
                    active.version,
                    invalid(&errors).message
                );
                refused
            })
        })
    }
}

/// The refusal of whatever needs a policy while there is none.
#[must_use]
pub fn no_policy() -> Rejection {
    Rejection::precondition(
        "NO_POLICY",
        "",
        "no policy is active yet",
        "apply one: `tenfold policy apply FILE`; `tenfold policy show --default` prints one to start from",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::MemoryTables;

    fn text(version: u32) -> String {
        Policy::default_text().replacen("version = 1\n", &format!("version = {version}\n"), 1)
    }

    fn apply(state: &mut MemoryTables, content: &str, version: u32) -> Result<bool, String> {
        let changed = decide_activation(&Library::default(), state, content, version)
            .map_err(|refused| refused.reason)?;
        if changed {
            fold_activation(state, content, version);
        }
        Ok(changed)
    }

    #[test]
    fn before_any_policy_there_is_none() {
        let refused = Library::default()
            .active(&MemoryTables::default())
            .map(|p| p.version);
        assert_eq!(refused, Err(no_policy()));
    }

    #[test]
    fn a_policy_becomes_active_once_and_the_same_again_changes_nothing() {
        let mut state = MemoryTables::default();
        assert_eq!(apply(&mut state, &text(3), 3), Ok(true));
        assert_eq!(apply(&mut state, &text(3), 3), Ok(false));
        let library = Library::default();
        let active = library.active(&state).map(|p| p.version);
        assert_eq!(active, Ok(3));
        assert_eq!(apply(&mut state, &text(4), 4), Ok(true));
        assert_eq!(library.active(&state).map(|p| p.version), Ok(4));
    }

    #[test]
    fn an_old_a_changed_a_misnamed_and_a_broken_policy_are_refused() {
        let mut state = MemoryTables::default();
        assert_eq!(apply(&mut state, &text(3), 3), Ok(true));
        let refused = |state: &mut MemoryTables, content: &str, version| {
            apply(state, content, version).expect_err("refused")
        };
        assert_eq!(refused(&mut state, &text(2), 2), "POLICY_OLD");
        let changed = format!("{}\n# a remark\n", text(3));
        assert_eq!(
            refused(&mut state, &changed, 3),
            "POLICY_CHANGED_WITHOUT_VERSION"
        );
        assert_eq!(refused(&mut state, &text(5), 6), "POLICY_VERSION_MISMATCH");
        assert_eq!(refused(&mut state, "version = ", 9), "POLICY_INVALID");
        let long = format!("{}#{}", text(9), "x".repeat(POLICY_BYTES_MAX));
        assert_eq!(refused(&mut state, &long, 9), "POLICY_TOO_LONG");
    }

    #[test]
    fn the_memo_forgets_the_oldest_when_it_is_full() {
        let memo = Memo::<u32>::default();
        for n in 0..=KEPT_MAX {
            let key = digest(&n.to_string());
            assert_eq!(
                memo.get_or_make(&key, || Ok::<_, ()>(n as u32)).as_deref(),
                Ok(&(n as u32))
            );
        }
        let first = digest("0");
        assert_eq!(memo.get_or_make(&first, || Err(())), Err(()));
        let second = digest("1");
        assert_eq!(memo.get_or_make(&second, || Err(())).as_deref(), Ok(&1));
    }
}
