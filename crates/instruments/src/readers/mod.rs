//! The formats: one reader a file, behind one trait. A new instrument is a file here, its tests, and a line
//! in [`READERS`].

mod cfx;
mod design_analysis;
mod generic;
mod lightcycler480;
mod others;
mod quantstudio;
mod rdml;
mod sds7500;

pub(crate) use lightcycler480::filter_of;

use crate::curves;
use crate::opened::Opened;
use crate::refusal::Refusal;
use crate::table::RunTable;
use tenfold_domain::policy::TableMapping;

/// Reads one format.
pub(crate) trait RunReader: Sync {
    /// Its name, and where it comes from.
    fn format(&self) -> Format;

    /// Whether the content looks like this format; the file's name is not even known here.
    fn recognises(&self, opened: &Opened) -> bool;

    /// Reads it whole.
    fn read(&self, opened: &mut Opened) -> Result<RunTable, Refusal>;
}

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Its name, for people and programs.
    pub name: &'static str,
    /// How it is recognised.
    pub recognised_by: &'static str,
}

/// Readers, in the order in which they are asked: the pickiest first. The generic one takes any table with
/// the right columns, so it comes last.
const READERS: &[&dyn RunReader] = &[
    &rdml::Rdml,
    &cfx::Cfx,
    &lightcycler480::LightCycler480,
    &design_analysis::DesignAnalysis,
    &sds7500::Sds7500,
    &quantstudio::QuantStudio,
    &generic::Generic,
];

/// All formats.
pub fn formats() -> impl Iterator<Item = Format> {
    READERS.iter().map(|reader| reader.format())
}

/// Reads a file by the first reader that recognises its content; tables of a lab's own by `mappings`.
///
/// # Errors
/// Why nothing of it is used.
pub fn read(bytes: &[u8], mappings: &[TableMapping]) -> Result<RunTable, Refusal> {
    let mut opened = Opened::of(bytes)?;
    let mut table = results(&mut opened, mappings)?;
    if table.curves.is_empty() {
        match curves::beside(&mut opened) {
            Ok(found) => table.curves = found,
            Err(why) => table
                .warnings
                .push(format!("its curves are not read: {why}")),
        }
    }
    Ok(table)
}

fn results(opened: &mut Opened, mappings: &[TableMapping]) -> Result<RunTable, Refusal> {
    if let Some(refusal) = others::known(opened) {
        return Err(refusal);
    }
    let (last, makers) = READERS.split_last().unzip();
    for reader in makers.unwrap_or_default() {
        if reader.recognises(opened) {
            return reader.read(opened);
        }
    }
    if let Some(mapped) = generic::mapped(opened, mappings)? {
        return Ok(mapped);
    }
    match last {
        Some(reader) if reader.recognises(opened) => reader.read(opened),
        _ => Err(others::no_table(opened)),
    }
}

/// The part with the results: one of these names first, else the first with a header of results.
fn part_with_results(opened: &Opened, names: &[&str]) -> Option<usize> {
    use crate::columns::is_header;
    use tenfold_domain::policy::plain_name;
    let with_header = || {
        opened
            .parts
            .iter()
            .enumerate()
            .filter(|(_, part)| part.head.iter().any(is_header))
    };
    names
        .iter()
        .find_map(|name| with_header().find(|(_, part)| plain_name(&part.name) == *name))
        .or_else(|| with_header().next())
        .map(|(at, _)| at)
}
