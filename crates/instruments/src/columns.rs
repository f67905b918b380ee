//! The columns of a table, found by their names.

use crate::opened::Line;
use crate::refusal::shown;
use tenfold_domain::policy::plain_name;

/// Names of the columns, without case, spaces, `-`, `_` and `.`. A Ct column must have one of these names
/// exactly: `Ct Mean` and its like are others.
const WELL_POSITION: &[&str] = &[
    "wellposition",
    "welllocation",
    "position",
    "pos",
    "孔位置",
    "孔位",
];
const WELL: &[&str] = &[
    "well",
    "wells",
    "wellname",
    "wellid",
    "wellnumber",
    "孔",
    "孔号",
    "反应孔",
];
const TARGET: &[&str] = &[
    "target",
    "targetname",
    "detector",
    "detectorname",
    "gene",
    "genename",
    "靶标",
    "靶基因",
    "目标",
    "目标名称",
    "检测项目",
];
const CT: &[&str] = &[
    "ct",
    "cq",
    "cp",
    "crt",
    "c(t)",
    "c(q)",
    "ctvalue",
    "cqvalue",
    "cpvalue",
    "ct值",
    "cq值",
    "cyclethreshold",
    "cyclethreshold(ct)",
    "thresholdcycle",
    "thresholdcycle(ct)",
    "thresholdcycle(c(t))",
    "quantificationcycle",
    "quantificationcycle(cq)",
    "quantitationcycle",
    "crossingpoint",
    "crossingpoint(cp)",
    "ct(drn)",
    "ct(dr)",
    // Cyrillic letters, as makers write them, and what they become in tools that do not know them.
    "cт",
    "сt",
    "ст",
    "cτ",
    "cñ‚",
    "cñ\u{82}",
    "c褌",
    "c?",
];
const TASK: &[&str] = &[
    "task",
    "content",
    "sampletype",
    "welltype",
    "类型",
    "样本类型",
];
const SAMPLE: &[&str] = &[
    "sample",
    "samplename",
    "sampleid",
    "name",
    "样本",
    "样本名称",
    "样品名称",
];
const DYE: &[&str] = &[
    "reporter",
    "reporterdye",
    "fluor",
    "fluorophore",
    "dye",
    "channel",
    "通道",
];
const OMIT: &[&str] = &["omit", "omitted", "exclude", "excluded"];
const INCLUDE: &[&str] = &["include", "included"];
const PLATE: &[&str] = &["plate", "platebarcode", "plateid", "板条码"];

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    WellPosition,
    Well,
    Target,
    Ct,
    Task,
    Sample,
    Dye,
    Omit,
    Include,
    Plate,
}

impl Column {
    const ALL: [(Self, &'static [&'static str]); 10] = [
        (Self::WellPosition, WELL_POSITION),
        (Self::Well, WELL),
        (Self::Target, TARGET),
        (Self::Ct, CT),
        (Self::Task, TASK),
        (Self::Sample, SAMPLE),
        (Self::Dye, DYE),
        (Self::Omit, OMIT),
        (Self::Include, INCLUDE),
        (Self::Plate, PLATE),
    ];

    /// What a header cell names.
    pub fn named(cell: &str) -> Option<Self> {
        let plain = plain_name(cell.trim_start_matches('\u{feff}'));
        Self::ALL
            .into_iter()
            .find(|(_, names)| names.contains(&plain.as_str()))
            .map(|(column, _)| column)
    }
}

/// Whether a key of the metadata names the plate's barcode.
pub(crate) fn names_plate(key: &str) -> bool {
    PLATE.contains(&plain_name(key).as_str())
}

fn has(line: &Line, columns: &[Column]) -> bool {
    line.cells
        .iter()
        .filter_map(|cell| Column::named(cell))
        .any(|column| columns.contains(&column))
}

/// A row that holds the names of a well column and of a Ct column.
pub(crate) fn is_header(line: &Line) -> bool {
    line.cells.len() >= 2
        && has(line, &[Column::Well, Column::WellPosition])
        && has(line, &[Column::Ct])
}

/// A row that looks like a header of results, though a column is missing.
pub(crate) fn nearly_header(line: &Line) -> bool {
    let wanted: [&[Column]; 3] = [
        &[Column::Well, Column::WellPosition],
        &[Column::Target],
        &[Column::Ct],
    ];
    wanted.iter().filter(|columns| has(line, columns)).count() >= 2
}

/// Where the columns are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    found: Vec<(Column, usize)>,
    /// Ct columns that are each of one target, from a mapping.
    pub targets: Vec<(String, usize)>,
    /// Number of columns.
    pub count: usize,
    /// Columns that nobody uses.
    pub unknown: Vec<String>,
}

impl Columns {
    /// Finds them; the error names every column that is there twice.
    pub fn of(header: &Line) -> Result<Self, String> {
        let mut columns = Self {
            count: header.cells.len(),
            ..Self::default()
        };
        let mut twice: Vec<String> = Vec::new();
        for (at, cell) in header.cells.iter().enumerate() {
            match Column::named(cell) {
                Some(column) if columns.at(column).is_some() => {
                    let used = matches!(column, Column::Ct | Column::Well | Column::WellPosition);
                    let same = columns
                        .at(column)
                        .is_some_and(|first| plain_name(header.cell(first)) == plain_name(cell));
                    if used || same {
                        twice.push(shown(cell));
                    }
                }
                Some(column) => columns.found.push((column, at)),
                None if cell.is_empty() => {}
                None => columns.unknown.push(cell.clone()),
            }
        }
        if twice.is_empty() {
            Ok(columns)
        } else {
            Err(format!(
                "column {} is there twice: which one counts is unknowable",
                twice.join(", and column ")
            ))
        }
    }

    /// Columns as a mapping names them.
    pub fn mapped(
        count: usize,
        found: Vec<(Column, usize)>,
        targets: Vec<(String, usize)>,
    ) -> Self {
        Self {
            found,
            targets,
            count,
            unknown: Vec::new(),
        }
    }

    /// Where a column is.
    pub fn at(&self, wanted: Column) -> Option<usize> {
        self.found
            .iter()
            .find(|(column, _)| *column == wanted)
            .map(|(_, at)| *at)
    }

    /// A cell of a row; empty if there is no such column.
    pub fn cell<'a>(&self, line: &'a Line, column: Column) -> &'a str {
        self.at(column).map(|at| line.cell(at)).unwrap_or_default()
    }
}
