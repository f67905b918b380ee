//! Names of things. Each is a newtype, so that a site never stands where a lab is wanted.
//!
//! Most are short, and every row and event is full of them: one of up to 23 bytes lies in place, and no clone
//! allocates.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::borrow::Borrow;
use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// Takes the text as it is; rules about it are checked where it enters the system.
            pub fn new(text: impl Into<SmolStr>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, to own; without the machinery of [`fmt`].
            #[must_use]
            pub fn text(&self) -> String {
                self.0.as_str().to_owned()
            }

            /// Nothing was given.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id! {
    /// What a scanner reads from a tube, pool, plate or rack. Never holds personal data.
    Barcode
}
text_id! {
    /// A collection site.
    SiteId
}
text_id! {
    /// Where tubes are physically interchangeable; a lane of pooling and of results belongs to one or more whole labs.
    LabId
}
text_id! {
    /// Who did it: a technician's pseudonym, a robot, or a service (`timer`, `intake`).
    Actor
}
text_id! {
    /// The sampling class of a specimen (`routine`, `fever-clinic`, ...): a key into the policy.
    ClassId
}
text_id! {
    /// A person's or an object's pseudonym: a keyed HMAC made outside this system.
    Subject
}
text_id! {
    /// A bench in a lab, at which pools are made.
    BenchId
}
text_id! {
    /// A system that receives reports.
    ReceiverId
}
text_id! {
    /// A kit with its targets and Ct rules, a key into the policy's assays.
    AssayId
}

macro_rules! numbered_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name {
            /// The lab that made it.
            pub lab: LabId,
            /// Its number within the lab, from 1, never used again.
            pub number: u64,
        }

        impl $name {
            /// The id with this number in this lab.
            pub fn new(lab: impl Into<LabId>, number: u64) -> Self {
                Self { lab: lab.into(), number }
            }

            /// What [`fmt::Display`] writes; without the machinery of [`fmt`], which costs more than the rest of an event.
            #[must_use]
            pub fn text(&self) -> String {
                let mut digits = itoa::Buffer::new();
                [self.lab.as_str(), "/", $letter, digits.format(self.number)].concat()
            }

            /// Reads what [`fmt::Display`] writes.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let (lab, number) = text.rsplit_once('/')?;
                let number = number.strip_prefix($letter)?.parse().ok()?;
                (!lab.is_empty()).then(|| Self::new(lab, number))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{}/", $letter, "{}"), self.lab, self.number)
            }
        }
    };
}

numbered_id! {
    /// A tube as a thing, made at receipt; barcodes are aliases of it. Written `lab-1/T17`.
    TubeId, "T"
}
numbered_id! {
    /// A lab pool. Written `lab-1/P17`.
    PoolId, "P"
}
numbered_id! {
    /// A retest, re-extraction or re-collection order. Written `lab-1/O17`.
    OrderId, "O"
}
