//! What the page may ask. A call that is not listed here does not exist for a browser.

/// A service that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// The registry.
    Intake,
    /// Tubes, pools, plates.
    Pooling,
    /// Runs, calls, reports.
    Results,
}

impl Service {
    /// Its name in `tenfold.v1`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intake => "Intake",
            Self::Pooling => "Pooling",
            Self::Results => "Results",
        }
    }
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Answers a question: may be watched.
    Asks,
    /// Changes something, once for each request id.
    Changes,
}

/// A call that the page may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// Where it goes.
    pub service: Service,
    /// Its name there.
    pub method: &'static str,
    /// What it does.
    pub effect: Effect,
}

const fn asks(service: Service, method: &'static str) -> Call {
    Call {
        service,
        method,
        effect: Effect::Asks,
    }
}

const fn changes(service: Service, method: &'static str) -> Call {
    Call {
        service,
        method,
        effect: Effect::Changes,
    }
}

/// All of them. What concerns registrations, policies and receivers is not a bench's business.
pub const CALLS: &[Call] = &[
    asks(Service::Intake, "GetSample"),
    asks(Service::Intake, "GetBoard"),
    changes(Service::Pooling, "Receive"),
    changes(Service::Pooling, "Relabel"),
    changes(Service::Pooling, "HoldTube"),
    changes(Service::Pooling, "ReleaseHold"),
    changes(Service::Pooling, "DiscardTube"),
    asks(Service::Pooling, "GetTube"),
    changes(Service::Pooling, "Scan"),
    changes(Service::Pooling, "ConfirmTransfer"),
    changes(Service::Pooling, "UndoScan"),
    changes(Service::Pooling, "ClosePool"),
    asks(Service::Pooling, "ListOpenPools"),
    asks(Service::Pooling, "GetPool"),
    changes(Service::Pooling, "StartPlate"),
    changes(Service::Pooling, "FillPlate"),
    changes(Service::Pooling, "Place"),
    changes(Service::Pooling, "ConfirmPlate"),
    changes(Service::Pooling, "BindLot"),
    changes(Service::Pooling, "UnbindLot"),
    changes(Service::Pooling, "CombinePlates"),
    changes(Service::Pooling, "SealPlate"),
    changes(Service::Pooling, "LoadPlate"),
    asks(Service::Pooling, "GetPlate"),
    asks(Service::Pooling, "ListPlates"),
    asks(Service::Pooling, "ListWork"),
    asks(Service::Pooling, "GetBoard"),
    changes(Service::Results, "ImportRun"),
    asks(Service::Results, "GetResultTimeline"),
    asks(Service::Results, "Explain"),
    asks(Service::Results, "GetRun"),
    asks(Service::Results, "GetCurves"),
    asks(Service::Results, "ListRuns"),
    asks(Service::Results, "GetResultsBoard"),
    asks(Service::Results, "ListOrders"),
    asks(Service::Results, "ListWork"),
    changes(Service::Results, "ResolveWork"),
];

/// The call of these names, if a page may make it.
#[must_use]
pub fn find(service: &str, method: &str) -> Option<Call> {
    CALLS
        .iter()
        .copied()
        .find(|call| call.service.name() == service && call.method == method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_does_not_exist() {
        assert!(find("Pooling", "Scan").is_some());
        assert_eq!(find("Intake", "ApplyPolicy"), None);
        assert_eq!(find("Operations", "Export"), None);
    }

    #[test]
    fn whatever_changes_something_carries_a_request_id() {
        for call in CALLS {
            let input = crate::wire::Method::of(*call)
                .unwrap_or_else(|why| panic!("{call:?}: {why}"))
                .input();
            assert_eq!(
                input.get_field_by_name("request_id").is_some(),
                call.effect == Effect::Changes,
                "{call:?}"
            );
        }
    }
}
