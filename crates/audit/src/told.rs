//! A client's ledger file: what it asked for, and what it was answered. One JSON object a line:
//!
//! ```json
//! {"service":"pooling","actor":"tech-7","request_id":"0198…","command":"scan","answer":"done"}
//! {"service":"pooling","actor":"tech-7","request_id":"0198…","command":"scan","answer":"refused","reason":"TUBE_HELD"}
//! {"service":"intake","actor":"s-07","barcode":"AB12345678","version":1,"command":"register-stream","answer":"done"}
//! {"service":"results","actor":"lab-1","request_id":"0198…","command":"import-run","answer":"unknown"}
//! ```
//!
//! `done` = the call was answered, and must have taken effect exactly once. `refused` = it must not have
//! more than once what the journal keeps of it, a refusal. `unknown` = nobody answered: once, or not at
//! all. A line with a `barcode` and no `request_id` is a registration of a stream that was
//! acknowledged as durable: it must be registered, refused, or on its way. The key of a request is
//! (service, actor, request id), the same for all its tries.

use crate::hashes::hash64;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::BufRead;

/// How a request ended, as its client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// Done.
    Done,
    /// Refused, with a reason.
    Refused,
    /// Nobody answered.
    Unknown,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Which service was called: `intake`, `pooling`, `results`.
    pub service: String,
    /// Who called.
    #[serde(default)]
    pub actor: String,
    /// The same for all tries; empty for a registration of a stream.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// The barcode of a registration of a stream.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub barcode: String,
    /// The version of that registration.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u32,
    /// What was asked for, for people.
    #[serde(default)]
    pub command: String,
    /// How it ended.
    pub answer: Answered,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Key of a request.
#[must_use]
pub fn key(service: &str, actor: &str, request_id: &str) -> u64 {
    hash64(&[service.as_bytes(), actor.as_bytes(), request_id.as_bytes()])
}

/// All lines, found by their keys.
#[derive(Debug, Default)]
pub struct Told {
    /// Requests by key.
    pub requests: HashMap<u64, Line>,
    /// Registrations of streams, by hash of the barcode.
    pub registrations: HashMap<u64, Line>,
}

impl Told {
    /// Reads a file. A later line about the same request stands, unless it knows less.
    ///
    /// # Errors
    /// The file cannot be read, or a line is not as it must be; says which.
    pub fn read(&mut self, file: impl BufRead) -> Result<(), String> {
        for (number, text) in (1_u64..).zip(file.lines()) {
            let text = text.map_err(|error| error.to_string())?;
            if text.trim().is_empty() {
                continue;
            }
            let line: Line =
                serde_json::from_str(&text).map_err(|error| format!("line {number}: {error}"))?;
            if !crate::source::SERVICES.contains(&line.service.as_str()) {
                return Err(format!(
                    "line {number}: there is no service {:?}",
                    line.service
                ));
            }
            self.add(line)
                .map_err(|why| format!("line {number}: {why}"))?;
        }
        Ok(())
    }

    fn add(&mut self, line: Line) -> Result<(), &'static str> {
        let (lines, key) = if !line.request_id.is_empty() {
            let key = key(&line.service, &line.actor, &line.request_id);
            (&mut self.requests, key)
        } else if !line.barcode.is_empty() {
            (&mut self.registrations, hash64(&[line.barcode.as_bytes()]))
        } else {
            return Err("neither request_id nor barcode is given");
        };
        match lines.get(&key) {
            Some(known) if known.answer != Answered::Unknown && line.answer != known.answer => {
                if line.answer != Answered::Unknown {
                    return Err("the same request was answered otherwise by an earlier line");
                }
            }
            _ => {
                lines.insert(key, line);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Told, String> {
        let mut told = Told::default();
        told.read(text.as_bytes())?;
        Ok(told)
    }

    #[test]
    fn a_file_is_read_line_by_line_and_an_answer_stands() {
        let told = read(concat!(
            r#"{"service":"pooling","actor":"t","request_id":"1","command":"scan","answer":"unknown"}"#,
            "\n\n",
            r#"{"service":"pooling","actor":"t","request_id":"1","command":"scan","answer":"done"}"#,
            "\n",
            r#"{"service":"pooling","actor":"t","request_id":"1","command":"scan","answer":"unknown"}"#,
            "\n",
            r#"{"service":"intake","barcode":"AB12345678","version":1,"answer":"done"}"#,
        ))
        .expect("it is as it must be");
        assert_eq!(
            told.requests[&key("pooling", "t", "1")].answer,
            Answered::Done
        );
        assert_eq!(told.registrations.len(), 1);
    }

    #[test]
    fn what_cannot_be_is_told_with_its_line() {
        for (text, says) in [
            (
                "{\"service\":\"pooling\",\"answer\":\"done\"}",
                "line 1: neither",
            ),
            (
                "\n{\"service\":\"bar\",\"request_id\":\"1\",\"answer\":\"done\"}",
                "line 2: there is no service",
            ),
            (
                "{\"service\":\"pooling\",\"request_id\":\"1\",\"answer\":\"perhaps\"}",
                "line 1",
            ),
        ] {
            let error = read(text).expect_err("refused");
            assert!(error.starts_with(says), "{error}");
        }
    }
}
