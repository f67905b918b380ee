//! Archives, looked into without trust: every entry is unpacked once and counted, before anybody reads it.

use crate::bounds::{ENTRIES_MAX, UNZIP_RATIO_FROM, UNZIP_RATIO_MAX, UNZIPPED_BYTES_MAX};
use crate::refusal::{Reason, Refusal};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// What an archive is.
pub(super) enum Found {
    /// An xlsx workbook.
    Workbook,
    /// The XML of a run.
    Xml(Vec<u8>),
    /// Something else.
    Other(&'static str),
}

/// Most bytes of an entry that tell what its root element is.
const ROOT_LOOK: usize = 1_024;

/// Most texts that a workbook may say it has: the library makes room for them at once.
const STRINGS_MAX: u64 = 1_000_000;

/// Texts that a workbook says it has.
fn strings_said(content: &[u8]) -> u64 {
    let head = content
        .get(..ROOT_LOOK.min(content.len()))
        .unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let said = head.split_once("uniqueCount").map(|(_, rest)| rest);
    let digits: String = said
        .unwrap_or_default()
        .chars()
        .skip_while(|c| matches!(c, '=' | '"' | '\'' | ' '))
        .take_while(char::is_ascii_digit)
        .collect();
    if digits.is_empty() {
        0
    } else {
        digits.parse().unwrap_or(u64::MAX)
    }
}

fn damaged(why: impl std::fmt::Display) -> Refusal {
    Refusal::whole(
        Reason::Damaged,
        format!("the archive is cut or broken: {why}"),
    )
}

/// Unpacks everything within the bounds, and tells what it is.
pub(super) fn look(bytes: &[u8]) -> Result<Found, Refusal> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() > ENTRIES_MAX {
        return Err(Refusal::whole(
            Reason::UnpacksTooLarge,
            format!("{} entries are more than {ENTRIES_MAX}", archive.len()),
        ));
    }
    let mut all = 0_u64;
    let mut run: Option<Vec<u8>> = None;
    let (mut workbook, mut instrument, mut ole) = (false, false, false);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(damaged)?;
        let name = entry
            .name()
            .map_err(damaged)?
            .replace('\\', "/")
            .to_lowercase();
        let packed = entry.compressed_size();
        workbook |= name == "xl/workbook.xml";
        instrument |= name.starts_with("apldbio/") || name.ends_with("experiment.xml");
        ole |= name == "mimetype";
        let strings = name.ends_with("sharedstrings.xml");
        let wanted = name.ends_with(".xml") && !name.starts_with("xl/") && run.is_none();
        let standard = name == "rdml_data.xml";
        let left = UNZIPPED_BYTES_MAX.saturating_sub(all);
        let kept = unpack(
            &mut entry,
            &name,
            packed,
            left,
            wanted || standard || strings,
        )?;
        if strings && strings_said(&kept.content) > STRINGS_MAX {
            return Err(Refusal::whole(
                Reason::UnpacksTooLarge,
                format!("it says that it has more than {STRINGS_MAX} texts"),
            ));
        }
        all = all.saturating_add(kept.bytes);
        if standard || (wanted && !strings && is_run(&kept.content)) {
            run = Some(kept.content);
        }
    }
    Ok(if workbook {
        Found::Workbook
    } else if let Some(xml) = run {
        Found::Xml(xml)
    } else if instrument {
        Found::Other("an instrument's own file (eds), not an export")
    } else if ole {
        Found::Other("an OpenDocument file: save it as xlsx or csv")
    } else {
        Found::Other("a zip archive without a workbook or an RDML run in it")
    })
}

struct Unpacked {
    bytes: u64,
    content: Vec<u8>,
}

fn unpack(
    entry: &mut impl Read,
    name: &str,
    packed: u64,
    left: u64,
    keep: bool,
) -> Result<Unpacked, Refusal> {
    let mut unpacked = Unpacked {
        bytes: 0,
        content: Vec::new(),
    };
    let mut buffer = [0_u8; 16 * 1024];
    loop {
        let read = entry.read(&mut buffer).map_err(damaged)?;
        if read == 0 {
            return Ok(unpacked);
        }
        unpacked.bytes = unpacked
            .bytes
            .saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        if unpacked.bytes > left {
            return Err(Refusal::whole(
                Reason::UnpacksTooLarge,
                format!("it unpacks to more than {UNZIPPED_BYTES_MAX} bytes, at entry {name:?}"),
            ));
        }
        if unpacked.bytes > UNZIP_RATIO_FROM && unpacked.bytes / packed.max(1) > UNZIP_RATIO_MAX {
            return Err(Refusal::whole(
                Reason::UnpacksTooLarge,
                format!("entry {name:?} unpacks to more than {UNZIP_RATIO_MAX} times its size"),
            ));
        }
        if keep {
            unpacked
                .content
                .extend_from_slice(buffer.get(..read).unwrap_or_default());
        }
    }
}

/// Whether the root element is one of a run: `rdml`, with or without a prefix.
fn is_run(content: &[u8]) -> bool {
    let head = content
        .get(..ROOT_LOOK.min(content.len()))
        .unwrap_or_default();
    let text = String::from_utf8_lossy(head).replace('\0', "");
    text.contains("<rdml") || text.contains(":rdml")
}
