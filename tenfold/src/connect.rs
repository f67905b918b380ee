//! Connections to the services, and what every mutating call carries.

use crate::failure::{Failure, Outcome};
use std::time::Duration;
use tenfold_service_shell::config::Config;
use tonic::transport::{Channel, Endpoint};

/// Longest wait for a connection to open.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// A service that the command line talks to.
#[derive(Clone, Copy, Debug)]
pub enum To {
    /// The registry.
    Intake,
    /// Tubes, pools, plates.
    Pooling,
    /// Runs, calls, reports.
    Results,
}

/// Who calls, and where.
#[derive(Clone, Debug)]
pub struct Session {
    /// Settings.
    pub config: Config,
    /// Who calls, a pseudonym.
    pub actor: String,
    request_id: Option<String>,
}

impl Session {
    /// A session; `request_id` is given by a caller that repeats an earlier try.
    pub const fn new(config: Config, actor: String, request_id: Option<String>) -> Self {
        Self {
            config,
            actor,
            request_id,
        }
    }

    /// The request id of this command: the one given, or a new one.
    pub fn request_id(&self) -> String {
        self.request_id
            .clone()
            .unwrap_or_else(|| uuid::Uuid::now_v7().to_string())
    }

    /// The caller repeats an earlier try.
    pub const fn has_request_id(&self) -> bool {
        self.request_id.is_some()
    }

    /// The lab a command is about: as it says, or as the settings say.
    pub fn lab(&self, named: Option<String>) -> Outcome<String> {
        named
            .or_else(|| Some(self.config.client.lab.clone()))
            .filter(|lab| !lab.is_empty())
            .ok_or_else(|| {
                Failure::Usage("which lab? say --lab, or set client.lab in the settings".to_owned())
            })
    }

    /// A channel to a service that connects at its first call.
    pub fn channel(&self, to: To) -> Outcome<Channel> {
        let client = &self.config.client;
        let address = match to {
            To::Intake => &client.intake,
            To::Pooling => &client.pooling,
            To::Results => &client.results,
        };
        Ok(self.endpoint(address)?.connect_lazy())
    }

    /// The endpoint of an address, with time limits.
    pub fn endpoint(&self, address: &str) -> Outcome<Endpoint> {
        let endpoint = Endpoint::from_shared(address.to_owned())
            .map_err(|error| Failure::Usage(format!("{address:?} is no address: {error}")))?;
        Ok(endpoint
            .connect_timeout(CONNECT_MAX)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_while_idle(true))
    }

    /// A request with the session's deadline, for unary calls.
    pub fn ask<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.set_timeout(Duration::from_millis(self.config.client.timeout_ms));
        request
    }
}
