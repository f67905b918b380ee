//! `--set KEY=VALUE` as a source of settings that goes by its own name in errors.

use figment::providers::Serialized;
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

/// One setting of the command line.
pub(super) struct Flag<'a> {
    /// Such as `lanes.intake`.
    pub(super) key: &'a str,
    /// Already of the type that its text looks like.
    pub(super) value: Value,
}

impl Provider for Flag<'_> {
    fn metadata(&self) -> Metadata {
        // Without the name of figment's profile, of which settings have none.
        Metadata::named("--set").interpolater(|_, keys| keys.join("."))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Serialized::global(self.key, &self.value).data()
    }
}
