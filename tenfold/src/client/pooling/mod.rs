//! Commands at the bench: tubes, pools, plates.

pub mod plate;
pub mod pool;
pub mod scan;
pub mod tube;

use crate::connect::{Session, To};
use crate::failure::Outcome;
use clap::Args;
use tenfold_proto::v1::pooling_client::PoolingClient;
use tonic::transport::Channel;

/// The lab that a command is about.
#[derive(Args, Clone)]
pub struct Lab {
    /// The lab, such as lab-1; if not given, client.lab of the settings
    #[arg(long, value_name = "LAB")]
    pub lab: Option<String>,
}

/// Who asks pooling, where, and under which id.
struct Caller {
    lab: String,
    actor: String,
    request_id: String,
    client: PoolingClient<Channel>,
}

fn caller(session: &Session, lab: Lab) -> Outcome<Caller> {
    Ok(Caller {
        lab: session.lab(lab.lab)?,
        actor: session.actor.clone(),
        request_id: session.request_id(),
        client: PoolingClient::new(session.channel(To::Pooling)?),
    })
}

/// Calls one method of pooling with a request that has lab, actor and request id, and prints the reply.
macro_rules! change {
    ($session:expr, $output:expr, $lab:expr, $method:ident, $request:ident { $($field:ident : $value:expr),* $(,)? }) => {{
        let mut caller = $crate::client::pooling::caller(&$session, $lab)?;
        let request = tenfold_proto::v1::$request {
            lab: caller.lab,
            actor: caller.actor,
            request_id: caller.request_id,
            $($field: $value),*
        };
        let reply = caller.client.$method($session.ask(request)).await?.into_inner();
        $output.reply(&reply);
        Ok(())
    }};
}

/// Asks one method of pooling with a request that has only a lab and what is asked for, and prints the reply.
macro_rules! question {
    ($session:expr, $output:expr, $lab:expr, $method:ident, $request:ident { $($field:ident : $value:expr),* $(,)? }) => {{
        let mut caller = $crate::client::pooling::caller(&$session, $lab)?;
        let request = tenfold_proto::v1::$request {
            lab: caller.lab,
            $($field: $value),*
        };
        let reply = caller.client.$method($session.ask(request)).await?.into_inner();
        $output.reply(&reply);
        Ok(())
    }};
}

pub(super) use {change, question};
