//! One registration as a file states it: a row of CSV, or a line of JSON with the same names.

use serde::Deserialize;
use tenfold_proto::v1::{Kind, Registration};

/// Columns that a CSV file must have.
pub const REQUIRED: &[&str] = &["barcode", "site", "kind", "specimen_type", "sampling_class"];

/// Columns that a CSV file may have.
pub const OPTIONAL: &[&str] = &[
    "source",
    "version",
    "lab",
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

/// Between the subjects of a collection pool, in one field of CSV.
const SUBJECT_SEPARATOR: char = ';';

/// A registration in JSON. Unknown names are errors.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct JsonRow {
    barcode: String,
    source: String,
    version: u32,
    site: String,
    lab: Option<String>,
    kind: String,
    specimen_type: String,
    sampling_class: String,
    subjects: Vec<String>,
    collection_pool: bool,
    observed_swabs: Option<u32>,
    collected_at: Option<Moment>,
    collector: Option<String>,
    round: Option<String>,
    transport_box: Option<String>,
    recollection_of: Option<String>,
    isolation_repeat: bool,
}

/// Milliseconds since 1970, or RFC 3339.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Moment {
    Millis(i64),
    Text(String),
}

/// Reads a line of JSON.
pub fn from_json(line: &str) -> Result<Registration, String> {
    let row: JsonRow = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let collected_at = match row.collected_at {
        None => None,
        Some(Moment::Millis(at)) => Some(at),
        Some(Moment::Text(text)) => Some(moment(&text)?),
    };
    Ok(Registration {
        barcode: row.barcode,
        source: row.source,
        version: row.version,
        site: row.site,
        lab: row.lab,
        kind: kind(&row.kind)?.into(),
        specimen_type: row.specimen_type,
        sampling_class: row.sampling_class,
        subjects: row.subjects,
        collection_pool: row.collection_pool,
        observed_swabs: row.observed_swabs,
        collected_at,
        collector: row.collector,
        round: row.round,
        transport_box: row.transport_box,
        recollection_of: row.recollection_of,
        isolation_repeat: row.isolation_repeat,
    })
}

/// Reads a row of CSV; `field` gives a column's text, empty if the file has no such column.
pub fn from_fields<'a>(field: impl Fn(&str) -> &'a str) -> Result<Registration, String> {
    let given = |name: &str| Some(field(name)).filter(|text| !text.is_empty());
    let text = |name: &str| given(name).map(str::to_owned);
    let number = |name: &str| -> Result<Option<u32>, String> {
        given(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| format!("{name} {text:?} is not a whole number"))
            })
            .transpose()
    };
    let flag = |name: &str| match field(name) {
        "" | "false" | "no" | "0" => Ok(false),
        "true" | "yes" | "1" => Ok(true),
        other => Err(format!("{name} {other:?} is neither true nor false")),
    };
    if REQUIRED.iter().skip(1).all(|name| given(name).is_none()) {
        return Err("nothing but a barcode".to_owned());
    }
    Ok(Registration {
        barcode: field("barcode").to_owned(),
        source: field("source").to_owned(),
        version: number("version")?.unwrap_or(0),
        site: field("site").to_owned(),
        lab: text("lab"),
        kind: kind(field("kind"))?.into(),
        specimen_type: field("specimen_type").to_owned(),
        sampling_class: field("sampling_class").to_owned(),
        subjects: field("subjects")
            .split(SUBJECT_SEPARATOR)
            .map(str::trim)
            .filter(|subject| !subject.is_empty())
            .map(str::to_owned)
            .collect(),
        collection_pool: flag("collection_pool")?,
        observed_swabs: number("observed_swabs")?,
        collected_at: given("collected_at").map(moment).transpose()?,
        collector: text("collector"),
        round: text("round"),
        transport_box: text("transport_box"),
        recollection_of: text("recollection_of"),
        isolation_repeat: flag("isolation_repeat")?,
    })
}

fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "person" | "KIND_PERSON" => Ok(Kind::Person),
        "object" | "KIND_OBJECT" => Ok(Kind::Object),
        "environment" | "KIND_ENVIRONMENT" => Ok(Kind::Environment),
        other => Err(format!(
            "kind {other:?} is not person, object or environment"
        )),
    }
}

fn moment(text: &str) -> Result<i64, String> {
    text.parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_millisecond)
        .map_err(|_| {
            format!("collected_at {text:?} is not a moment such as 2026-01-31T07:05:00+08:00")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_takes_a_moment_as_text_or_as_milliseconds_and_refuses_unknown_names() {
        let text =
            r#"{"barcode":"AB123456","kind":"object","collected_at":"2026-01-01T08:00:00+08:00"}"#;
        assert_eq!(
            from_json(text).expect("a row").collected_at,
            Some(1_767_225_600_000)
        );
        let millis = r#"{"barcode":"AB123456","kind":"person","collected_at":1767225600000}"#;
        assert_eq!(
            from_json(millis).expect("a row").collected_at,
            Some(1_767_225_600_000)
        );
        let error =
            from_json(r#"{"barcode":"AB123456","kind":"person","name":"x"}"#).expect_err("a name");
        assert!(error.contains("name"), "{error}");
    }

    #[test]
    fn a_row_with_nothing_but_a_barcode_says_so() {
        let error = from_fields(|name| if name == "barcode" { "AB123456" } else { "" });
        assert_eq!(error.expect_err("a refusal"), "nothing but a barcode");
    }
}
