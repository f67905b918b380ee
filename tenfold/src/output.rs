//! What commands print: tables for people, JSON for programs. Both are made from the reply's own
//! descriptor, so that no field is forgotten.

use comfy_table::{ContentArrangement, Table, presets};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(tenfold_proto::DESCRIPTORS).ok());

/// Where a command's answer goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// JSON if so asked, tables otherwise.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// The answer goes to a program.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// Prints a reply.
    pub fn reply<M: prost::Message + prost::Name>(self, reply: &M) {
        self.value(&to_json(reply));
    }

    /// Prints a value as JSON, or as tables.
    pub fn value(self, value: &Value) {
        if self.json {
            line(&value.to_string());
        } else {
            line(&for_people(value));
        }
    }

    /// Prints a text as it is; in JSON, as a string under `text`.
    pub fn value_or_text(self, text: &str) {
        if self.json {
            line(&serde_json::json!({ "text": text }).to_string());
        } else {
            line(text.trim_end());
        }
    }

    /// Prints a sentence, to people only.
    pub fn say(self, text: &str) {
        if !self.json {
            line(text);
        }
    }

    /// Prints rows under headings to people; the value to programs.
    pub fn rows(self, headings: &[&str], rows: Vec<Vec<String>>, value: &Value) {
        if self.json {
            line(&value.to_string());
        } else {
            line(&table(headings, rows));
        }
    }
}

/// A closed pipe (`| head`) ends the output, not the program.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A message as JSON with the field names of the .proto files; enums by name, moments in RFC 3339.
pub fn to_json<M: prost::Message + prost::Name>(message: &M) -> Value {
    let Some(descriptor) = POOL
        .as_ref()
        .and_then(|pool| pool.get_message_by_name(&M::full_name()))
    else {
        return Value::Null;
    };
    DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .ok()
        .and_then(|dynamic| dynamic_json(&dynamic))
        .unwrap_or(Value::Null)
}

/// Bytes as a message of that name; `None` if they are none, or have what it does not know.
pub fn decoded(name: &str, bytes: &[u8]) -> Option<Value> {
    let descriptor = POOL.as_ref()?.get_message_by_name(name)?;
    let dynamic = DynamicMessage::decode(descriptor, bytes).ok()?;
    let known = dynamic.unknown_fields().next().is_none() && dynamic.fields().next().is_some();
    known.then(|| dynamic_json(&dynamic))?
}

fn dynamic_json(message: &DynamicMessage) -> Option<Value> {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .skip_default_fields(true);
    let serializer = serde_json::value::Serializer;
    let mut value = message.serialize_with_options(serializer, &options).ok()?;
    moments(&mut value);
    Some(value)
}

/// Names of fields that hold milliseconds since 1970.
fn is_moment(name: &str) -> bool {
    let is_one = ["at", "due", "from", "since", "until"].contains(&name);
    is_one || name.ends_with("_at") || name.ends_with("_due")
}

/// Below this (1990) a number is no moment but a count that happens to have such a name.
const MOMENT_MIN: i64 = 631_152_000_000;

fn moments(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let at = field
                    .as_i64()
                    .filter(|at| is_moment(name) && *at > MOMENT_MIN);
                if let Some(at) = at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()) {
                    *field = Value::String(format!("{at:.3}"));
                } else {
                    moments(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(moments),
        _ => {}
    }
}

/// A table with headings.
pub fn table(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings.iter().map(|heading| heading.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// Plain fields as `name  value` lines, then each list of things as a table under its name.
fn for_people(value: &Value) -> String {
    match value {
        Value::Object(fields) => object(fields),
        Value::Array(items) => list(items),
        Value::Null => "nothing".to_owned(),
        other => cell(other),
    }
}

fn object(fields: &Map<String, Value>) -> String {
    let mut plain = Vec::new();
    let mut parts = Vec::new();
    for (name, field) in fields {
        match field {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                parts.push(format!(
                    "\n{} ({})\n{}",
                    title(name),
                    items.len(),
                    list(items)
                ));
            }
            Value::Object(inner) if inner.values().any(|v| v.is_array() || v.is_object()) => {
                parts.push(format!("\n{}\n{}", title(name), object(inner)));
            }
            // Sentences stand on lines of their own.
            Value::Array(items) if items.iter().any(is_sentence) => {
                let lines: Vec<String> = items.iter().map(|i| format!("  - {}", cell(i))).collect();
                parts.push(format!("\n{}\n{}", title(name), lines.join("\n")));
            }
            other => plain.push(vec![title(name), cell(other)]),
        }
    }
    let width = plain
        .iter()
        .filter_map(|row| row.first().map(String::len))
        .max();
    let mut text: Vec<String> = plain
        .iter()
        .map(|row| match row.as_slice() {
            [name, value] => format!("{name:<width$}  {value}", width = width.unwrap_or(0)),
            _ => String::new(),
        })
        .collect();
    text.extend(parts);
    if text.is_empty() {
        "nothing".to_owned()
    } else {
        text.join("\n")
    }
}

fn list(items: &[Value]) -> String {
    let mut headings: Vec<&str> = Vec::new();
    for item in items.iter().filter_map(Value::as_object) {
        for name in item.keys() {
            if !headings.contains(&name.as_str()) {
                headings.push(name);
            }
        }
    }
    if headings.is_empty() {
        return items.iter().map(cell).collect::<Vec<_>>().join(", ");
    }
    let rows = items
        .iter()
        .map(|item| {
            headings
                .iter()
                .map(|name| item.get(*name).map(cell).unwrap_or_default())
                .collect()
        })
        .collect();
    let titles: Vec<String> = headings.iter().map(|name| title(name)).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    table(&titles, rows)
}

fn is_sentence(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.contains(' ') && text.len() > 30)
}

fn title(name: &str) -> String {
    name.replace('_', " ")
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Null => String::new(),
        // Things inside things: their number; the whole is in --json.
        Value::Array(items) if items.iter().any(Value::is_object) => items.len().to_string(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| format!("{} {}", title(name), cell(field)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

/// Names of all enums' values, and how people say them: `FINAL_RESULT_NEGATIVE` is `negative`.
static WORDS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for kind in POOL.iter().flat_map(DescriptorPool::all_enums) {
        let mut prefix = String::new();
        for letter in kind.name().chars() {
            if letter.is_ascii_uppercase() && !prefix.is_empty() {
                prefix.push('_');
            }
            prefix.push(letter.to_ascii_uppercase());
        }
        for value in kind.values() {
            let name = value.name();
            let short = name.strip_prefix(&prefix).unwrap_or(name);
            let short = short
                .trim_start_matches('_')
                .to_lowercase()
                .replace('_', " ");
            words.insert(name.to_owned(), short);
        }
    }
    words
});

/// How people say an enum's value.
pub fn spoken(name: &str) -> String {
    word(name)
}

fn word(text: &str) -> String {
    WORDS
        .get(text)
        .map_or_else(|| text.to_owned(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenfold_proto::v1::{GetStatusReply, LaneStatus, ServiceStatus};

    fn reply() -> GetStatusReply {
        GetStatusReply {
            instance: "lab-3".to_owned(),
            started_at: 1_767_225_600_000,
            services: vec![ServiceStatus {
                service: "intake".to_owned(),
                lanes: 2,
                owned: vec![LaneStatus {
                    lane: 1,
                    seq: 7,
                    ..LaneStatus::default()
                }],
            }],
            ..GetStatusReply::default()
        }
    }

    #[test]
    fn programs_get_the_names_of_the_proto_files_and_moments_they_can_read() {
        let json = to_json(&reply());
        assert_eq!(json["started_at"], "2026-01-01T00:00:00.000Z");
        assert_eq!(json["services"][0]["owned"][0]["seq"], 7);
    }

    /// Lengths of time, and moments that only journals have.
    const NO_MOMENTS: [&str; 5] = ["p50_ms", "p95_ms", "at_risk", "due_from", "next"];

    #[test]
    fn every_moment_of_the_proto_files_can_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/tenfold/v1");
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for field in text
                .lines()
                .filter_map(|line| line.split("sfixed64 ").nth(1))
            {
                let name = field.split(' ').next().unwrap();
                seen += 1;
                assert!(is_moment(name) || NO_MOMENTS.contains(&name), "{name}");
            }
        }
        assert!(seen > 50, "{seen} moments");
    }

    #[test]
    fn enums_are_said_in_words() {
        assert_eq!(word("FINAL_RESULT_NEGATIVE"), "negative");
        assert_eq!(word("PLATE_SIZE_96"), "96");
        assert_eq!(word("AB12345678"), "AB12345678");
    }

    #[test]
    fn people_get_fields_and_tables() {
        let text = for_people(&to_json(&reply()));
        assert!(text.contains("instance    lab-3"), "{text}");
        assert!(text.contains("services (1)"), "{text}");
        assert!(text.contains("SERVICE"), "{text}");
    }
}
