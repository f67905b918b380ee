//! Events and calls of pooling: what its journal keeps ([`to_wire`] and back), and here the small enums that
//! calls and events share.

mod from_wire;
mod to_wire;

pub use to_wire::quadrants;

use super::enum_conversion;
use crate::v1;
use tenfold_domain::policy::LotKind;
use tenfold_domain::pooling::board::Stage;
use tenfold_domain::pooling::event::Mark;
use tenfold_domain::pooling::pool::assign::LimitBy;
use tenfold_domain::pooling::pool::{Mode, SealReason};

enum_conversion!(Stage, v1::PoolingStage, "stage", {
    Expected, Pending, Waiting, Held, Pooled, Plated, Loaded, AwaitingRetest, Closed, Withdrawn, Discarded,
});
enum_conversion!(Mark, v1::TubeMark, "mark", { InTime, AtRisk, Late });
enum_conversion!(LimitBy, v1::PoolLimitBy, "limit_by", { Assay, Class, Risk });
enum_conversion!(SealReason, v1::PoolSealReason, "why", {
    Full, Deadline, Linger, ByHand, RackDone,
});
enum_conversion!(LotKind, v1::LotKind, "kind", { Kit, Reagent, Consumable });
enum_conversion!(Mode, v1::PoolingMode, "mode", { Scan, Rack, Plan });
