//! XML, element by element: no document types, no entities of its own, a bounded depth.

use crate::bounds::{LINES_MAX, XML_DEPTH_MAX};
use crate::place::Place;
use crate::refusal::{Reason, Refusal};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// A start tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Its name, without a prefix.
    pub name: String,
    /// Its attributes, by names without a prefix.
    pub attributes: Vec<(String, String)>,
    /// The line it stands on, from 1.
    pub line: u32,
}

impl Tag {
    /// An attribute's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Start(Tag),
    Text(String),
    End(String),
}

/// A reader of elements.
pub(crate) struct Xml<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    open: Vec<String>,
    /// An empty element's end, told after its start.
    pending: Option<String>,
    counted: usize,
    line: u32,
    seen_root: bool,
}

impl<'a> Xml<'a> {
    pub fn of(text: &'a str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        Self {
            text,
            reader: Reader::from_str(text),
            open: Vec::new(),
            pending: None,
            counted: 0,
            line: 1,
            seen_root: false,
        }
    }

    /// The line that is read.
    fn line(&mut self) -> u32 {
        let at = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        let more = self
            .text
            .as_bytes()
            .get(self.counted..at)
            .unwrap_or_default();
        let ends = more.iter().filter(|byte| **byte == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
        self.counted = at;
        self.line
    }

    fn damaged(&mut self, why: impl std::fmt::Display) -> Refusal {
        let line = self.line();
        Refusal::at(
            Reason::Damaged,
            Place {
                sheet: String::new(),
                line,
            },
            format!("the XML is cut or broken: {why}"),
        )
    }

    /// The next element; `None` at the end of the document.
    pub fn next(&mut self) -> Result<Option<Element>, Refusal> {
        if let Some(name) = self.pending.take() {
            return Ok(Some(Element::End(name)));
        }
        loop {
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.damaged(error)),
            };
            match event {
                Event::Start(start) => {
                    self.seen_root = true;
                    let tag = self.tag(&start)?;
                    self.open.push(tag.name.clone());
                    if self.open.len() > XML_DEPTH_MAX {
                        return Err(
                            self.damaged(format!("elements stand more than {XML_DEPTH_MAX} deep"))
                        );
                    }
                    return Ok(Some(Element::Start(tag)));
                }
                Event::Empty(start) => {
                    self.seen_root = true;
                    let tag = self.tag(&start)?;
                    self.pending = Some(tag.name.clone());
                    return Ok(Some(Element::Start(tag)));
                }
                Event::End(_) => {
                    return Ok(self.open.pop().map(Element::End));
                }
                Event::Text(text) => {
                    return Ok(Some(Element::Text(text.xml10_content().into_owned())));
                }
                Event::CData(text) => {
                    return Ok(Some(Element::Text(text.xml10_content().into_owned())));
                }
                Event::GeneralRef(entity) => {
                    let text = match entity.resolve_char_ref() {
                        Ok(Some(letter)) => letter.to_string(),
                        Ok(None) => match known_entity(&entity.xml10_content()) {
                            Some(text) => text.to_owned(),
                            None => return Err(self.damaged("it uses an entity of its own")),
                        },
                        Err(error) => return Err(self.damaged(error)),
                    };
                    return Ok(Some(Element::Text(text)));
                }
                Event::DocType(_) => {
                    return Err(self.damaged("a document type is not taken"));
                }
                Event::Eof if self.open.is_empty() && self.seen_root => return Ok(None),
                Event::Eof => return Err(self.damaged("it ends in the middle")),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
    }

    fn tag(&mut self, start: &BytesStart<'_>) -> Result<Tag, Refusal> {
        let name = start.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes().take(LINES_MAX.min(100)) {
            let read = attribute
                .map_err(|error| error.to_string())
                .and_then(|attribute| {
                    let value = attribute
                        .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                        .map_err(|error| error.to_string())?
                        .into_owned();
                    Ok((attribute.key.local_name().as_ref().to_owned(), value))
                });
            match read {
                Ok(pair) => attributes.push(pair),
                Err(why) => return Err(self.damaged(why)),
            }
        }
        Ok(Tag {
            name,
            attributes,
            line: self.line(),
        })
    }
}

fn known_entity(name: &str) -> Option<&'static str> {
    match name {
        "amp" => Some("&"),
        "lt" => Some("<"),
        "gt" => Some(">"),
        "quot" => Some("\""),
        "apos" => Some("'"),
        _ => None,
    }
}

/// The root element's name, without a prefix.
pub(crate) fn root(text: &str) -> Option<String> {
    let mut reader = Xml::of(text);
    loop {
        match reader.next() {
            Ok(Some(Element::Start(tag))) => return Some(tag.name),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}
