//! The public JSON form of a registration: one object, its names those of the protobuf message.
//!
//! ```json
//! {"barcode": "ABCD1234", "site": "s-01", "kind": "person", "specimen_type": "np-swab",
//!  "sampling_class": "routine", "subjects": ["p-77"], "collected_at": "2026-01-02T03:04:05+08:00"}
//! ```
//!
//! Unknown names are errors, and every problem is told at once, by field. Values are never repeated in
//! an error: they may be personal.

use serde_json::{Map, Value};
use tenfold_proto::v1;

/// Everything wrong with a JSON registration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("; "))]
pub struct JsonError {
    /// One line a problem, each beginning with its field where there is one.
    pub problems: Vec<String>,
}

/// All names there are.
const FIELDS: [&str; 17] = [
    "barcode",
    "source",
    "version",
    "site",
    "lab",
    "kind",
    "specimen_type",
    "sampling_class",
    "subjects",
    "collection_pool",
    "observed_swabs",
    "collected_at",
    "collector",
    "round",
    "transport_box",
    "recollection_of",
    "isolation_repeat",
];

/// Reads one registration.
///
/// # Errors
/// Everything that is wrong with it; whether its values can be true is decided in the lane.
pub fn parse_json(bytes: &[u8]) -> Result<v1::Registration, JsonError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(bytes).map_err(|error| JsonError {
        problems: vec![format!(
            "not JSON: {} at line {}, column {}",
            match error.classify() {
                serde_json::error::Category::Eof => "it ends too early",
                _ => "it cannot be read",
            },
            error.line(),
            error.column()
        )],
    })?;
    let Value::Object(map) = value else {
        return Err(JsonError {
            problems: vec!["not an object: one registration a record is wanted".to_owned()],
        });
    };
    let mut fields = Fields {
        map,
        problems: Vec::new(),
    };
    let registration = fields.registration();
    if fields.problems.is_empty() {
        Ok(registration)
    } else {
        Err(JsonError {
            problems: fields.problems,
        })
    }
}

/// `person`, `object` or `environment`, in any case, or protobuf's own names of them.
#[must_use]
pub fn parse_kind(text: &str) -> Option<v1::Kind> {
    let text = text.to_ascii_lowercase();
    match text.strip_prefix("kind_").unwrap_or(&text) {
        "person" => Some(v1::Kind::Person),
        "object" => Some(v1::Kind::Object),
        "environment" => Some(v1::Kind::Environment),
        _ => None,
    }
}

struct Fields {
    map: Map<String, Value>,
    problems: Vec<String>,
}

impl Fields {
    fn registration(&mut self) -> v1::Registration {
        let unknown: Vec<String> = self
            .map
            .keys()
            .filter(|name| !FIELDS.contains(&name.as_str()))
            .take(10)
            .map(|name| name.chars().take(40).collect())
            .collect();
        if !unknown.is_empty() {
            self.problems.push(format!(
                "unknown names: {}; known are {}",
                unknown.join(", "),
                FIELDS.join(", ")
            ));
        }
        v1::Registration {
            barcode: self.text("barcode").unwrap_or_default(),
            source: self.text("source").unwrap_or_default(),
            version: self.number("version").unwrap_or_default(),
            site: self.text("site").unwrap_or_default(),
            lab: self.text("lab"),
            kind: self.kind().into(),
            specimen_type: self.text("specimen_type").unwrap_or_default(),
            sampling_class: self.text("sampling_class").unwrap_or_default(),
            subjects: self.texts("subjects"),
            collection_pool: self.truth("collection_pool"),
            observed_swabs: self.number("observed_swabs"),
            collected_at: self.time("collected_at"),
            collector: self.text("collector"),
            round: self.text("round"),
            transport_box: self.text("transport_box"),
            recollection_of: self.text("recollection_of"),
            isolation_repeat: self.truth("isolation_repeat"),
        }
    }

    /// A value that is there and not null.
    fn take(&mut self, field: &str) -> Option<Value> {
        self.map.remove(field).filter(|value| !value.is_null())
    }

    fn wrong(&mut self, field: &str, wanted: &str) {
        self.problems.push(format!("{field}: {wanted} is wanted"));
    }

    fn text(&mut self, field: &str) -> Option<String> {
        match self.take(field)? {
            Value::String(text) => Some(text),
            Value::Number(_) if field == "barcode" => {
                self.wrong(
                    field,
                    "a text (a number loses leading zeros, so it is not taken)",
                );
                None
            }
            _ => {
                self.wrong(field, "a text");
                None
            }
        }
    }

    fn texts(&mut self, field: &str) -> Vec<String> {
        match self.take(field) {
            None => return Vec::new(),
            Some(Value::Array(values)) => {
                let texts: Option<Vec<String>> = values
                    .into_iter()
                    .map(|value| match value {
                        Value::String(text) => Some(text),
                        _ => None,
                    })
                    .collect();
                if let Some(texts) = texts {
                    return texts;
                }
            }
            Some(_) => {}
        }
        self.wrong(field, "a list of texts");
        Vec::new()
    }

    fn number(&mut self, field: &str) -> Option<u32> {
        let value = self.take(field)?;
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
        if number.is_none() {
            self.wrong(field, "a whole number from 0 to 4294967295");
        }
        number
    }

    fn truth(&mut self, field: &str) -> bool {
        match self.take(field) {
            None => false,
            Some(Value::Bool(truth)) => truth,
            Some(_) => {
                self.wrong(field, "true or false");
                false
            }
        }
    }

    fn kind(&mut self) -> v1::Kind {
        let Some(text) = self.text("kind") else {
            return v1::Kind::Unspecified;
        };
        parse_kind(&text).unwrap_or_else(|| {
            self.wrong("kind", "person, object or environment");
            v1::Kind::Unspecified
        })
    }

    /// RFC 3339 with an offset, or milliseconds since 1970.
    fn time(&mut self, field: &str) -> Option<i64> {
        let value = self.take(field)?;
        let at = match &value {
            Value::Number(ms) => ms.as_i64(),
            Value::String(text) => text
                .parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_millisecond),
            _ => None,
        };
        if at.is_none() {
            self.wrong(
                field,
                "a time such as 2026-01-02T03:04:05+08:00 (with its offset), or milliseconds since 1970,",
            );
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"{"barcode": "0012345678", "site": "s-01", "kind": "Person",
        "specimen_type": "np-swab", "sampling_class": "routine", "subjects": ["p-1"], "lab": null,
        "observed_swabs": 1, "collected_at": "2026-01-02T03:04:05+08:00"}"#;

    #[test]
    fn a_registration_is_read_with_the_names_of_the_message() {
        let read = parse_json(format!("\u{FEFF}{GOOD}").as_bytes()).expect("good");
        assert_eq!(read.barcode, "0012345678");
        assert_eq!(read.kind(), v1::Kind::Person);
        assert_eq!(read.lab, None);
        assert_eq!(read.collected_at, Some(1_767_294_245_000));
        let in_ms = GOOD.replace("\"2026-01-02T03:04:05+08:00\"", "1767294245000");
        assert_eq!(parse_json(in_ms.as_bytes()), Ok(read));
    }

    #[test]
    fn everything_wrong_is_told_at_once_and_no_value_is_repeated() {
        let wrong = r#"{"barcode": 12345678, "nick_name": "SECRET", "subjects": ["SECRET", 1],
            "version": -1, "collection_pool": "SECRET", "kind": "SECRET",
            "collected_at": "2026-01-02 03:04:05 SECRET", "round": ["SECRET"]}"#;
        let error = parse_json(wrong.as_bytes()).expect_err("wrong");
        let text = error.to_string();
        for field in [
            "nick_name",
            "barcode: a text (a number loses leading zeros",
            "subjects",
            "version",
            "collection_pool",
            "kind",
            "collected_at",
            "round",
        ] {
            assert!(text.contains(field), "{field}: {text}");
        }
        assert!(!text.contains("SECRET"), "{text}");
    }

    #[test]
    fn what_is_no_object_is_told_where() {
        for (bytes, says) in [
            ("", "ends too early at line 1"),
            ("{\"barcode\": ", "ends too early"),
            ("{\n oops", "cannot be read at line 2"),
            ("[1]", "not an object"),
            ("\"text\"", "not an object"),
        ] {
            let error = parse_json(bytes.as_bytes()).expect_err(bytes);
            assert!(error.to_string().contains(says), "{bytes}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_json(&bytes);
        }
    }
}
