//! Hints of contamination, for those who look. They are in no journal.

use crate::v1;
use crate::v1::ContaminationKind as Kind;
use tenfold_domain::results::hints::Hint;

impl From<Hint> for v1::ContaminationHint {
    fn from(hint: Hint) -> Self {
        let mut wire = Self {
            wells: hint.wells().iter().map(ToString::to_string).collect(),
            text: hint.to_string(),
            ..Self::default()
        };
        let kind = match hint {
            Hint::StrongNeighbour {
                ct,
                neighbour,
                neighbour_ct,
                ..
            } => {
                wire.neighbour = neighbour.to_string();
                wire.neighbour_ct = Some(neighbour_ct);
                wire.ct = Some(ct);
                Kind::StrongNeighbour
            }
            Hint::Row(_) => Kind::Row,
            Hint::Column(_) => Kind::Column,
            Hint::SameCurve(_) => Kind::SameCurve,
            Hint::UnconfirmedPool(_) => Kind::UnconfirmedPool,
        };
        wire.set_kind(kind);
        wire
    }
}
