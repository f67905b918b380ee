//! One record of the public topic.

use crate::json::parse_json;
use prost::Message as _;
use tenfold_proto::v1;
use tenfold_runtime::log::LogRecord;

/// The header that says how a record is written.
const CONTENT_TYPE: &str = "content-type";

/// What a record is.
#[derive(Clone, Debug, PartialEq)]
pub enum Routed {
    /// A registration.
    Registration(Box<v1::Registration>),
    /// Nothing that can be read.
    Undecodable {
        /// Why.
        reason: String,
    },
}

/// Reads a record by its content type; without one, `{` as its first character means JSON.
#[must_use]
pub fn read_record(record: &LogRecord) -> Routed {
    let stated = record
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE))
        .map(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase());
    let media = stated
        .as_deref()
        .map(|text| text.split(';').next().unwrap_or_default().trim().to_owned());
    let read = match media.as_deref() {
        Some("application/json") => json(&record.value),
        Some("application/x-protobuf" | "application/protobuf") => protobuf(&record.value),
        Some(_) => Err(
            "its content-type is neither application/json nor application/x-protobuf".to_owned(),
        ),
        None if looks_like_json(&record.value) => json(&record.value),
        None => protobuf(&record.value),
    };
    match read {
        Ok(registration) => Routed::Registration(Box::new(registration)),
        Err(reason) => Routed::Undecodable { reason },
    }
}

fn looks_like_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    bytes
        .iter()
        .find(|b| !b.is_ascii_whitespace())
        .is_some_and(|b| *b == b'{')
}

fn json(bytes: &[u8]) -> Result<v1::Registration, String> {
    parse_json(bytes).map_err(|error| error.to_string())
}

fn protobuf(bytes: &[u8]) -> Result<v1::Registration, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    v1::Registration::decode(bytes).map_err(|error| format!("not a registration: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use tenfold_domain::Timestamp;

    fn record(value: impl Into<Bytes>, content_type: Option<&str>) -> LogRecord {
        LogRecord {
            offset: 1,
            appended_at: Timestamp(0),
            key: None,
            value: value.into(),
            headers: content_type
                .map(|t| ("Content-Type".to_owned(), Bytes::from(t.to_owned())))
                .into_iter()
                .collect(),
        }
    }

    fn registration() -> v1::Registration {
        v1::Registration {
            barcode: "ABCD1234".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn json_and_protobuf_are_told_apart_by_header_or_first_character() {
        let good = Routed::Registration(Box::new(registration()));
        let json = r#" {"barcode": "ABCD1234"}"#;
        let protobuf = registration().encode_to_vec();
        for (value, content_type) in [
            (Bytes::from(json), None),
            (Bytes::from(json), Some("application/json; charset=utf-8")),
            (Bytes::from(protobuf.clone()), None),
            (
                Bytes::from(protobuf.clone()),
                Some("application/x-protobuf"),
            ),
        ] {
            assert_eq!(read_record(&record(value, content_type)), good);
        }
        for (value, content_type) in [
            (Bytes::from(json), Some("text/csv")),
            (Bytes::from(protobuf), Some("application/json")),
            (Bytes::new(), None),
            (Bytes::from("oops"), None),
        ] {
            let read = read_record(&record(value, content_type));
            assert!(matches!(read, Routed::Undecodable { .. }), "{read:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_routed_somehow(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read_record(&record(bytes, None));
        }
    }
}
