//! The page's texts: none is missing in a language, none is left over, and none stands outside the catalogue.

use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Enums of the .proto files whose values the page says in words: each value has its word.
const SAID: &[&str] = &[
    "PoolSealReason",
    "ReceiveVerdict",
    "Control",
    "ImportState",
    "WellCall",
    "RetestReason",
    "PoolingStage",
    "Verdict",
    "FinalResult",
    "LotKind",
];

/// Words in capitals of the sources that are no reasons: names of the environment, and codes in instruments' files.
const NO_REASONS: &[&str] = &[
    "CARGO_PKG_VERSION",
    "CARGO_MANIFEST_DIR",
    "OUT_DIR",
    "TENFOLD_CONFIG",
    "NEGATIVE_CONTROL",
    "POSITIVE_CONTROL",
];

/// Reasons of one word, and names of gRPC codes that a connection answers with when no service does.
const SHORT_REASONS: &[&str] = &[
    "BACKWARDS",
    "INTERNAL",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "PERMISSION_DENIED",
];

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

/// Every file of the page, by its path below `web`.
fn files() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![web()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(web())
                    .expect("below web")
                    .to_string_lossy()
                    .into_owned();
                found.insert(name, std::fs::read_to_string(&path).expect("text"));
            }
        }
    }
    found
}

/// Files of texts.
const TEXTS: [&str; 3] = ["js/zh.js", "js/en.js", "js/reasons.js"];

fn catalogue(files: &BTreeMap<String, String>, language: &str) -> BTreeMap<String, String> {
    let line = Regex::new(r"(?m)^  '([^']+)': '((?:[^'\\]|\\.)*)',$").expect("a pattern");
    let text = &files[&format!("js/{language}.js")];
    let mut found = BTreeMap::new();
    for one in line.captures_iter(text) {
        let twice = found.insert(one[1].to_owned(), one[2].to_owned());
        assert_eq!(twice, None, "{} stands twice in {language}.js", &one[1]);
    }
    let lines = text.lines().filter(|line| line.starts_with("  '")).count();
    assert_eq!(
        lines,
        found.len(),
        "{language}.js has a line that this test cannot read"
    );
    found
}

fn scripts(files: &BTreeMap<String, String>) -> String {
    let scripts = files
        .iter()
        .filter(|(name, _)| name.ends_with(".js") && !TEXTS.contains(&name.as_str()));
    scripts.map(|(_, text)| text.as_str()).collect()
}

/// Names of an enum's values.
fn values(name: &str) -> Vec<String> {
    let pool =
        prost_reflect::DescriptorPool::decode(tenfold_proto::DESCRIPTORS).expect("descriptors");
    let kind = pool
        .get_enum_by_name(&format!("tenfold.v1.{name}"))
        .unwrap_or_else(|| panic!("no enum {name}"));
    kind.values()
        .map(|value| value.name().to_owned())
        .filter(|name| !name.ends_with("_UNSPECIFIED"))
        .collect()
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_places() {
    let files = files();
    let (zh, en) = (catalogue(&files, "zh"), catalogue(&files, "en"));
    let keys = |one: &BTreeMap<String, String>| one.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&zh), keys(&en));
    let place = Regex::new(r"\{\w+\}").expect("a pattern");
    for (key, text) in &zh {
        let places = |text: &str| {
            place
                .find_iter(text)
                .map(|one| one.as_str().to_owned())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(places(text), places(&en[key]), "{key}");
        assert!(!text.is_empty() && !en[key].is_empty(), "{key} is empty");
    }
}

#[test]
fn every_text_that_a_script_names_is_in_the_catalogue() {
    let files = files();
    let zh = catalogue(&files, "zh");
    let named = Regex::new(r"\bt\('([^']+)'").expect("a pattern");
    let scripts = scripts(&files);
    let missing: BTreeSet<&str> = named
        .captures_iter(&scripts)
        .map(|one| one.get(1).map_or("", |key| key.as_str()))
        .filter(|key| !zh.contains_key(*key))
        .collect();
    assert!(missing.is_empty(), "not in the catalogue: {missing:?}");
    for value in SAID.iter().flat_map(|name| values(name)) {
        assert!(zh.contains_key(&value), "{value} has no word");
    }
}

#[test]
fn every_text_of_the_catalogue_is_used() {
    let files = files();
    let scripts = scripts(&files);
    let said: Vec<String> = SAID.iter().flat_map(|name| values(name)).collect();
    // Keys made of two parts, such as t(`nav.${id}`) or t(`${id}.hint`).
    let head = Regex::new(r"(?:t|word)\(`([\w$.]+)\$\{").expect("a pattern");
    let heads: BTreeSet<String> = head
        .captures_iter(&scripts)
        .map(|one| one[1].to_owned())
        .collect();
    let tail = Regex::new(r"t\(`\$\{[^}]+\}\.(\w+)`").expect("a pattern");
    let tails: BTreeSet<String> = tail
        .captures_iter(&scripts)
        .map(|one| format!(".{}", &one[1]))
        .collect();
    let words = words();
    let unused: Vec<String> = catalogue(&files, "zh")
        .into_keys()
        .filter(|key| {
            let used = scripts.contains(&format!("'{key}'"))
                || heads.iter().any(|head| key.starts_with(head.as_str()))
                || tails.iter().any(|tail| key.ends_with(tail.as_str()))
                || said.contains(key)
                || words.contains(key);
            !used
        })
        .collect();
    assert!(unused.is_empty(), "nobody says: {unused:?}");
}

/// The reasons that the page knows, with their texts: an English title, a Chinese one, and in Chinese what to do.
fn known_reasons(files: &BTreeMap<String, String>) -> BTreeMap<String, Vec<String>> {
    let line = Regex::new(r"(?m)^  ([A-Z0-9_]+): \[(.*)\],$").expect("a pattern");
    let text = Regex::new(r"'((?:[^'\\]|\\.)*)'").expect("a pattern");
    let mut found = BTreeMap::new();
    for one in line.captures_iter(&files["js/reasons.js"]) {
        let texts = text.captures_iter(&one[2]).map(|text| text[1].to_owned());
        let twice = found.insert(one[1].to_owned(), texts.collect());
        assert_eq!(twice, None, "{} stands twice", &one[1]);
    }
    found
}

#[test]
fn every_reason_that_a_service_gives_has_its_texts_and_no_other() {
    let files = files();
    let known = known_reasons(&files);
    let han = Regex::new(r"\p{Han}").expect("a pattern");
    for (reason, texts) in &known {
        let [en, zh, todo] = texts.as_slice() else {
            panic!("{reason} has {} texts and not three", texts.len());
        };
        assert!(!en.is_empty() && !han.is_match(en), "{reason}: {en:?}");
        assert!(
            han.is_match(zh) && han.is_match(todo),
            "{reason}: {texts:?}"
        );
    }
    let literal = Regex::new(r#""([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)""#).expect("a pattern");
    let mut given: BTreeSet<String> = SHORT_REASONS.iter().map(|one| (*one).to_owned()).collect();
    for (path, text) in sources() {
        if path.ends_with("tests.rs") {
            continue;
        }
        // What only tests say is no reason.
        let text = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let found = literal.captures_iter(text).map(|one| one[1].to_owned());
        given.extend(found.filter(|word| !NO_REASONS.contains(&word.as_str())));
    }
    let known: BTreeSet<String> = known.into_keys().collect();
    let missing: Vec<&String> = given.difference(&known).collect();
    assert!(missing.is_empty(), "not in reasons.js: {missing:?}");
    let stale: Vec<&String> = known.difference(&given).collect();
    assert!(stale.is_empty(), "nobody gives: {stale:?}");
}

/// Sources of whatever answers a page.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders: Vec<PathBuf> = [
        "crates/domain/src",
        "crates/instruments/src",
        "crates/runtime/src",
        "crates/service-shell/src",
        "services/intake/src",
        "services/pooling/src",
        "services/results/src",
        "crates/console/src",
    ]
    .iter()
    .map(|one| root.join(one))
    .collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|end| end == "rs" || end == "toml")
            {
                let text = std::fs::read_to_string(&path).expect("text");
                found.push((path, text));
            }
        }
    }
    found
}

/// Words that services send, such as specimen types and states of the default policy.
fn words() -> BTreeSet<String> {
    let word = Regex::new(r#""([A-Za-z_-]{4,})""#).expect("a pattern");
    let sources = sources();
    sources
        .iter()
        .flat_map(|(_, text)| word.captures_iter(text).map(|one| one[1].to_owned()))
        .collect()
}

#[test]
fn every_file_of_the_page_is_served() {
    for path in files().keys() {
        assert!(
            tenfold_console::pages::file(path).is_some(),
            "{path} is not listed in pages.rs"
        );
    }
}

#[test]
fn no_script_says_anything_in_chinese_outside_the_catalogue() {
    let han = Regex::new(r"\p{Han}").expect("a pattern");
    for (name, text) in files() {
        let catalogue = TEXTS.contains(&name.as_str());
        assert!(
            catalogue || !han.is_match(&text),
            "{name} speaks Chinese by itself"
        );
    }
}
