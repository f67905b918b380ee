//! `tenfold dead-letters`: inputs that nobody could decide, and what is done with them.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, decoded, to_json};
use clap::Subcommand;
use serde_json::{Value, json};
use tenfold_proto::v1::operations_client::OperationsClient;
use tenfold_proto::v1::{
    DeadLetterView, DiscardDeadLetterRequest, GetDeadLetterRequest, HandledDeadLetter,
    ListDeadLettersRequest, RetryDeadLetterRequest,
};
use tonic::transport::Channel;

/// Bytes of a line of hexadecimal.
const HEX_LINE: usize = 16;
/// Most bytes shown in hexadecimal.
const HEX_MAX: usize = 4_096;

/// Inputs that nobody could decide.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  tenfold dead-letters list                       what waits for somebody
  tenfold dead-letters show 12                    the whole record, decoded if that is possible
  tenfold dead-letters retry 12                   put back where it came from, once the cause is mended
  tenfold dead-letters discard 12 --reason \"a test of the site's new software\"
Letters stay in the topic for ever; what was done with them is kept beside them.")]
pub enum DeadLetters {
    /// Those that wait, oldest first
    List {
        /// Those that somebody handled as well
        #[arg(long)]
        all: bool,
        /// Numbers from this one on
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        from: u64,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// One, with its content
    Show {
        /// Its number in the list
        number: u64,
    },
    /// Put its content back where it came from; what is known already changes nothing
    Retry {
        /// Its number in the list
        number: u64,
    },
    /// Mark it as handled
    Discard {
        /// Its number in the list
        number: u64,
        /// Why it is of no use
        #[arg(long)]
        reason: String,
    },
}

/// Does what was typed.
pub async fn run(session: Session, output: Output, command: DeadLetters) -> Outcome {
    let mut client = OperationsClient::new(session.channel(To::Intake)?);
    match command {
        DeadLetters::List { all, from, limit } => {
            let request = session.ask(ListDeadLettersRequest { all, from, limit });
            let reply = client.list_dead_letters(request).await?.into_inner();
            let rows = reply.letters.iter().map(row).collect();
            let headings = ["number", "at", "origin", "size", "reason", "handled"];
            output.rows(&headings, rows, &to_json(&reply));
            if reply.next > 0 {
                output.say(&format!("more: --from {}", reply.next));
            }
            Ok(())
        }
        DeadLetters::Show { number } => show(&session, &mut client, output, number).await,
        DeadLetters::Retry { number } => {
            let request = session.ask(RetryDeadLetterRequest {
                actor: session.actor.clone(),
                request_id: session.request_id(),
                number,
            });
            handled(output, client.retry_dead_letter(request).await)
        }
        DeadLetters::Discard { number, reason } => {
            let request = session.ask(DiscardDeadLetterRequest {
                actor: session.actor.clone(),
                request_id: session.request_id(),
                number,
                reason,
            });
            handled(output, client.discard_dead_letter(request).await)
        }
    }
}

fn handled(
    output: Output,
    answer: Result<tonic::Response<HandledDeadLetter>, tonic::Status>,
) -> Outcome {
    output.reply(&answer.map_err(Failure::from)?.into_inner());
    Ok(())
}

async fn show(
    session: &Session,
    client: &mut OperationsClient<Channel>,
    output: Output,
    number: u64,
) -> Outcome {
    let request = session.ask(GetDeadLetterRequest { number });
    let letter = client.get_dead_letter(request).await?.into_inner();
    let mut value = to_json(&letter);
    let content = content(&letter);
    if let Value::Object(fields) = &mut value {
        fields.remove("content");
        if output.is_json() {
            fields.extend(match content {
                Content::Text(text) => [("text".to_owned(), Value::from(text))],
                Content::Message(name, message) => {
                    [("message".to_owned(), json!({ name: message }))]
                }
                Content::Bytes => [("hex".to_owned(), Value::from(hex(&letter.content)))],
            });
            output.value(&value);
            return Ok(());
        }
    }
    output.value(&value);
    let shown = match content {
        Content::Text(text) => text,
        Content::Message(name, message) => {
            let pretty = serde_json::to_string_pretty(&message).unwrap_or_default();
            format!("{name} {pretty}")
        }
        Content::Bytes => lines(&letter.content),
    };
    output.say(&format!("\n{shown}"));
    Ok(())
}

/// What a letter's content turned out to be.
enum Content {
    Text(String),
    Message(&'static str, Value),
    Bytes,
}

fn content(letter: &DeadLetterView) -> Content {
    let plain = |text: &&str| !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    if let Some(text) = std::str::from_utf8(&letter.content).ok().filter(plain) {
        return Content::Text(text.to_owned());
    }
    candidates(&letter.origin)
        .iter()
        .find_map(|name| Some(Content::Message(name, decoded(name, &letter.content)?)))
        .unwrap_or(Content::Bytes)
}

/// What may have come from there.
fn candidates(origin: &str) -> &'static [&'static str] {
    if origin.starts_with("registrations/") {
        &["tenfold.v1.Registration"]
    } else if origin == "command" {
        &[
            "tenfold.v1.IntakeCommand",
            "tenfold.v1.PoolingCommand",
            "tenfold.v1.ResultsCommand",
        ]
    } else {
        &[
            "tenfold.v1.ExternalInput",
            "tenfold.v1.Message",
            "tenfold.lane.v1.InboxRecord",
        ]
    }
}

fn row(letter: &DeadLetterView) -> Vec<String> {
    let at = jiff::Timestamp::from_millisecond(letter.at).map(|at| format!("{at:.0}"));
    let reason: String = letter.reason.chars().take(60).collect();
    let handled = letter
        .handled
        .as_ref()
        .map(|handled| format!("{} by {}", handled.how, handled.actor));
    vec![
        letter.number.to_string(),
        at.unwrap_or_default(),
        letter.origin.clone(),
        letter.size.to_string(),
        reason.replace(char::is_control, " "),
        handled.unwrap_or_default(),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Offset, bytes, and the same as text, as every tool for it shows them.
fn lines(bytes: &[u8]) -> String {
    let shown = bytes.get(..HEX_MAX).unwrap_or(bytes);
    let mut lines: Vec<String> = shown
        .chunks(HEX_LINE)
        .enumerate()
        .map(|(at, chunk)| {
            let pairs: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            let text: String = chunk
                .iter()
                .map(|byte| match byte {
                    b' '..=b'~' => char::from(*byte),
                    _ => '.',
                })
                .collect();
            format!("{:08x}  {:<47}  {text}", at * HEX_LINE, pairs.join(" "))
        })
        .collect();
    if bytes.len() > shown.len() {
        lines.push(format!(
            "and {} bytes more: --json",
            bytes.len() - shown.len()
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;
    use tenfold_proto::v1::{ExternalInput, PolicyActivated, external_input};

    fn letter(origin: &str, content: impl Into<Vec<u8>>) -> DeadLetterView {
        DeadLetterView {
            origin: origin.to_owned(),
            content: content.into().into(),
            ..DeadLetterView::default()
        }
    }

    #[test]
    fn content_is_shown_as_what_it_is() {
        let text = content(&letter("registrations/0@1", "{\"barcode\": 1,\n oops"));
        assert!(matches!(text, Content::Text(text) if text.contains("oops")));
        let policy = PolicyActivated {
            content: "a = 1".to_owned(),
            version: 3,
        };
        let input = ExternalInput {
            input: Some(external_input::Input::Policy(policy)),
        };
        let shown = content(&letter("results.inbox/0@9", input.encode_to_vec()));
        assert!(
            matches!(&shown, Content::Message("tenfold.v1.ExternalInput", m) if m["policy"]["version"] == 3)
        );
        let bytes = content(&letter("registrations/0@1", [0xff, 0xfe, 0x00]));
        assert!(matches!(bytes, Content::Bytes));
    }

    #[test]
    fn bytes_are_shown_with_their_place_and_as_text() {
        let text = lines(b"0123456789abcdef\xff!");
        assert!(text.contains("00000000  30 31 32"), "{text}");
        assert!(text.ends_with(".!"), "{text}");
        assert!(lines(&[0; HEX_MAX + 7]).ends_with("and 7 bytes more: --json"));
    }
}
