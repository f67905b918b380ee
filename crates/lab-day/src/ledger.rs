//! What was asked and what was answered, a JSON object a line: `tenfold audit --ledger FILE` compares it
//! with the journals. Its form is told in `docs/audit.md`.

use crate::link::{no_answer, reason};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tenfold_proto::v1::Registration;
use tonic::Status;

/// A command, as its ledger line names it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is asked for.
    pub command: &'static str,
    /// Who asks.
    pub actor: String,
    /// The same for all tries.
    pub request_id: String,
}

/// Where lines are written; nowhere, unless asked. Clones share the file.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Option<Arc<Mutex<File>>>);

impl Ledger {
    /// Writes to a file, behind what is there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn to(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self(Some(Arc::new(Mutex::new(file)))))
    }

    /// A command has ended, after all its tries.
    pub fn answered<T>(&self, service: &str, asked: &Asked, answer: &Result<T, Status>) {
        let (word, why) = match answer {
            Ok(_) => ("done", String::new()),
            Err(status) if no_answer(status) => ("unknown", String::new()),
            Err(status) => ("refused", reason(status)),
        };
        self.line(&[
            ("service", service.into()),
            ("actor", asked.actor.as_str().into()),
            ("request_id", asked.request_id.as_str().into()),
            ("command", asked.command.into()),
            ("answer", word.into()),
            ("reason", why.into()),
        ]);
    }

    /// Registrations of a stream were acknowledged as durable.
    pub fn durable(&self, source: &str, registrations: &[Registration]) {
        if self.0.is_none() {
            return;
        }
        for registration in registrations {
            self.line(&[
                ("service", "intake".into()),
                ("actor", source.into()),
                ("barcode", registration.barcode.as_str().into()),
                ("version", registration.version.into()),
                ("command", "register_stream".into()),
                ("answer", "done".into()),
            ]);
        }
    }

    fn line(&self, fields: &[(&str, Value)]) {
        let Some(file) = &self.0 else { return };
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut line = Value::Object(fields.collect::<Map<_, _>>()).to_string();
        line.push('\n');
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            eprintln!("the ledger cannot be written: {error}");
        }
    }
}
