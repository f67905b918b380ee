//! Conversions between wire and domain types: one file for what all services share ([`sample`],
//! [`message`], [`rejection`]), one a service for its events and calls.
//!
//! To the wire is `From` and cannot fail; from the wire is `TryFrom` and fails with [`WireError`].

pub mod intake;
pub mod message;
pub mod pooling;
pub mod rejection;
pub mod results;
pub mod sample;

/// What cannot be said in domain types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field {field}: {problem}")]
pub struct WireError {
    /// The field, as the .proto names it.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl WireError {
    /// A field holds something it must not.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }

    /// A field that must be there is not.
    #[must_use]
    pub fn missing(field: &'static str) -> Self {
        Self::new(field, "is missing")
    }
}

/// Converts a repeated field, item by item.
pub(crate) fn all<A, B: TryFrom<A, Error = WireError>>(items: Vec<A>) -> Result<Vec<B>, WireError> {
    items.into_iter().map(B::try_from).collect()
}

/// Converts a repeated field to the wire, item by item.
pub(crate) fn wire<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

/// Two enums with the same cases, whose first wire case means "not given" and is refused.
macro_rules! enum_conversion {
    ($domain:ty, $wire:ty, $field:literal, { $($case:ident),+ $(,)? }) => {
        impl From<$domain> for $wire {
            fn from(value: $domain) -> Self {
                match value { $(<$domain>::$case => <$wire>::$case,)+ }
            }
        }

        impl TryFrom<$wire> for $domain {
            type Error = $crate::convert::WireError;
            fn try_from(value: $wire) -> Result<Self, Self::Error> {
                match value {
                    $(<$wire>::$case => Ok(<$domain>::$case),)+
                    _ => Err($crate::convert::WireError::missing($field)),
                }
            }
        }
    };
}
pub(crate) use enum_conversion;
