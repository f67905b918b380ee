//! `tenfold policy check|apply|show`.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::Subcommand;
use std::path::{Path, PathBuf};
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::operations_client::OperationsClient;
use tenfold_proto::v1::{ApplyPolicyRequest, GetPolicyRequest};

const EXAMPLES: &str = "\
Examples:
  tenfold policy show --default > policy.toml   a commented policy to begin with
  tenfold policy check policy.toml              everything that is wrong with it, without a service
  tenfold policy apply policy.toml              send it through every lane; raise `version` with every change";

/// Commands about the policy.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Policy {
    /// Tell everything that is wrong with a policy file; asks no service
    Check {
        /// The policy
        file: PathBuf,
    },
    /// Check a policy file and put it in force in every lane
    Apply {
        /// The policy
        file: PathBuf,
    },
    /// Print a policy
    Show {
        /// The commented policy for a lab that starts today, instead of the one in force
        #[arg(long)]
        default: bool,
    },
}

/// Does it.
pub async fn run(session: Session, output: Output, command: Policy) -> Outcome {
    match command {
        Policy::Check { file } => {
            let policy = checked(&file)?.1;
            output.value(&serde_json::json!({
                "version": policy.version,
                "labs": policy.labs.len(),
                "sites": policy.sites.len(),
                "classes": policy.classes.len(),
                "assays": policy.assays.len(),
                "receivers": policy.receivers.len(),
            }));
            Ok(())
        }
        Policy::Apply { file } => {
            let content = checked(&file)?.0;
            let request = session.ask(ApplyPolicyRequest {
                actor: session.actor.clone(),
                request_id: session.request_id(),
                content,
            });
            let reply = OperationsClient::new(session.channel(To::Intake)?)
                .apply_policy(request)
                .await?
                .into_inner();
            output.reply(&reply);
            Ok(())
        }
        Policy::Show { default: true } => {
            output.value_or_text(tenfold_domain::policy::Policy::default_text());
            Ok(())
        }
        Policy::Show { default: false } => {
            let mut intake = IntakeClient::new(session.channel(To::Intake)?);
            let reply = intake
                .get_policy(session.ask(GetPolicyRequest {}))
                .await?
                .into_inner();
            if output.is_json() {
                output.reply(&reply);
            } else {
                output.value_or_text(&reply.content);
            }
            if reply.lanes_active < reply.lanes {
                return Err(Failure::Wrong(format!(
                    "version {} is active in {} of {} lanes of intake: apply it again",
                    reply.version, reply.lanes_active, reply.lanes
                )));
            }
            Ok(())
        }
    }
}

/// Reads a policy file; fails with everything that is wrong with it.
fn checked(file: &Path) -> Outcome<(String, tenfold_domain::policy::Policy)> {
    let content = std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    match tenfold_domain::policy::Policy::parse(&content) {
        Ok(policy) => Ok((content, policy)),
        Err(errors) => {
            let lines: Vec<String> = errors
                .iter()
                .map(|error| {
                    if error.field.is_empty() {
                        format!("  {}", error.message)
                    } else {
                        format!("  {}: {}", error.field, error.message)
                    }
                })
                .collect();
            Err(Failure::Wrong(format!(
                "{} has {} problem(s):\n{}",
                file.display(),
                lines.len(),
                lines.join("\n")
            )))
        }
    }
}
