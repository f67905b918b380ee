//! From the lines of a table to reactions: the same for every format. All faults are found, not only the
//! first; with one fault nothing is read.

mod gathered;
mod shape;

pub(crate) use gathered::join;

use crate::bounds::{EXAMPLES_MAX, REACTIONS_MAX};
use crate::columns::{Column, Columns, is_header};
use crate::metadata::Metadata;
use crate::number::{decimal_comma, reading};
use crate::opened::{Line, Opened, Separator};
use crate::place::Place;
use crate::refusal::{Reason, Refusal, shown};
use crate::table::{Reaction, Role, RunTable};
use crate::wells::{Block, agree, canonical};
use gathered::Gathered;
use shape::is_trailer;

/// What a format leaves open.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    /// The format's name.
    pub name: &'static str,
    /// Rows may end before their empty Ct: the tool leaves out empty cells at the end.
    pub ct_may_be_cut: bool,
    /// The block that the table is of, if the file does not say it.
    pub block: Option<Block>,
}

/// Reads a part as a table of results.
pub(crate) fn read_part(form: Form, opened: &mut Opened, part: usize) -> Result<RunTable, Refusal> {
    let metadata = Metadata::of(opened, part);
    let lines = opened.lines(part)?;
    let Some(at) = lines.iter().position(is_header) else {
        return Err(Refusal::whole(
            Reason::NoTable,
            "no row holds the names of the columns well, target and Ct",
        ));
    };
    let (_, rest) = lines.split_at(at);
    let Some((header, rows)) = rest.split_first() else {
        return Err(Refusal::whole(Reason::NoTable, "there is no header"));
    };
    let columns = Columns::of(header).map_err(|why| {
        Refusal::at(
            Reason::DuplicateColumn,
            opened.place(part, header.number),
            why,
        )
    })?;
    let table = Table {
        form,
        opened,
        part,
        metadata: &metadata,
        header: header.number,
    };
    table.read(&columns, rows, None)
}

/// A table whose columns are known.
pub(crate) struct Table<'a> {
    pub form: Form,
    pub opened: &'a Opened,
    pub part: usize,
    pub metadata: &'a Metadata,
    /// Line of the header.
    pub header: u32,
}

impl Table<'_> {
    /// Reads rows. `target`: the target of every row, where the format has no column for it.
    pub fn read(
        &self,
        columns: &Columns,
        rows: &[Line],
        target: Option<&str>,
    ) -> Result<RunTable, Refusal> {
        let mut gathered = Gathered::default();
        gathered.table.format = self.form.name;
        gathered.table.about = self.metadata.about();
        if !columns.unknown.is_empty() {
            let names: Vec<&str> = columns.unknown.iter().map(String::as_str).collect();
            gathered
                .table
                .warnings
                .push(format!("columns not used: {}", cut_list(&names)));
        }
        let target_of = self.target_of(columns, rows, target)?;
        let comma = self.comma(columns, rows);
        let mut before = self.header;
        for line in rows {
            let after_blank = line.number > before.saturating_add(1);
            before = line.number;
            if is_header(line) {
                if gathered.table.warnings.len() <= EXAMPLES_MAX {
                    gathered.table.warnings.push(format!(
                        "{}: the header again, passed over",
                        self.place(line)
                    ));
                }
                continue;
            }
            if after_blank && is_trailer(line, columns) {
                continue;
            }
            if let Some(fault) = self.misshapen(line, columns) {
                gathered.faults.add(Reason::BadRow, self.place(line), fault);
                continue;
            }
            self.row(line, columns, &target_of, comma, &mut gathered);
            if gathered.table.reactions.len() > REACTIONS_MAX {
                return Err(Refusal::at(
                    Reason::TooLong,
                    self.place(line),
                    format!("more than {REACTIONS_MAX} rows"),
                ));
            }
        }
        self.whole_file(rows, columns, &mut gathered);
        let Gathered {
            mut table, faults, ..
        } = gathered;
        faults.into_result()?;
        if self.metadata.not_finished() && table.reactions.iter().all(|r| r.reading.ct.is_none()) {
            return Err(Refusal::whole(
                Reason::NotFinished,
                "the run was not started when the file was exported",
            ));
        }
        if gathered.repeated > 0 {
            table.warnings.push(format!(
                "{} rows are there twice with the same Ct: the second is dropped",
                gathered.repeated
            ));
        }
        if gathered.without_target > 0 {
            table.warnings.push(format!(
                "{} rows have a Ct and no target, and are not used",
                gathered.without_target
            ));
        }
        if let Some(plate) = gathered.plates.into_iter().next() {
            table.about.plate = plate;
        }
        Ok(table)
    }

    fn place(&self, line: &Line) -> Place {
        self.opened.place(self.part, line.number)
    }

    /// Whether Cts are written with a comma.
    fn comma(&self, columns: &Columns, rows: &[Line]) -> bool {
        let separator = self
            .opened
            .parts
            .get(self.part)
            .and_then(|part| part.separator);
        let comma_separates = separator == Some(Separator::Comma);
        let cts = rows
            .iter()
            .filter(|line| !is_header(line))
            .flat_map(|line| self.ct_columns(columns).map(|at| line.cell(at)));
        decimal_comma(comma_separates, cts)
    }

    fn ct_columns<'c>(&self, columns: &'c Columns) -> impl Iterator<Item = usize> + 'c {
        let own = columns.at(Column::Ct);
        own.into_iter()
            .chain(columns.targets.iter().map(|(_, at)| *at))
    }

    /// Where a row's target is told.
    fn target_of(
        &self,
        columns: &Columns,
        rows: &[Line],
        given: Option<&str>,
    ) -> Result<TargetOf, Refusal> {
        if let Some(target) = given {
            return Ok(TargetOf::Given(target.to_owned()));
        }
        if !columns.targets.is_empty() {
            return Ok(TargetOf::Columns);
        }
        let named = columns
            .at(Column::Target)
            .filter(|at| rows.iter().any(|line| !line.cell(*at).is_empty()));
        if let Some(at) = named {
            return Ok(TargetOf::Column(at));
        }
        // No row names a target: the dye stands for it.
        let dyes = columns
            .at(Column::Dye)
            .filter(|at| rows.iter().any(|line| !line.cell(*at).is_empty()));
        if let Some(at) = dyes {
            return Ok(TargetOf::Column(at));
        }
        if let Some(at) = columns.at(Column::Target) {
            return Ok(TargetOf::Column(at));
        }
        Err(Refusal::at(
            Reason::MissingColumn,
            self.opened.place(self.part, self.header),
            "there is no column target, and none for the dye",
        ))
    }

    fn row(
        &self,
        line: &Line,
        columns: &Columns,
        target_of: &TargetOf,
        comma: bool,
        gathered: &mut Gathered,
    ) {
        let plate = columns.cell(line, Column::Plate);
        if !plate.is_empty()
            && gathered.plates.len() <= EXAMPLES_MAX
            && !gathered.plates.iter().any(|known| known == plate)
        {
            gathered.plates.push(plate.to_owned());
        }
        let reactions: Vec<(String, usize)> = match target_of {
            TargetOf::Given(target) => columns
                .at(Column::Ct)
                .map(|at| (target.clone(), at))
                .into_iter()
                .collect(),
            TargetOf::Column(target) => columns
                .at(Column::Ct)
                .map(|at| (line.cell(*target).to_owned(), at))
                .into_iter()
                .collect(),
            TargetOf::Columns => columns.targets.clone(),
        };
        for (target, at) in reactions {
            let reading = reading(line.cell(at), comma);
            // A row without a target is an unused well.
            if target.is_empty() {
                if reading.is_ok_and(|reading| reading.ct.is_some()) {
                    gathered.without_target = gathered.without_target.saturating_add(1);
                }
                continue;
            }
            match (self.well(line, columns), reading) {
                (Ok(well), Ok(reading)) => {
                    let reaction = self.reaction(line, columns, well, target, reading);
                    gathered.add(reaction);
                }
                (well, reading) => {
                    if let Err(why) = well {
                        gathered.faults.add(Reason::BadWell, self.place(line), why);
                    }
                    if let Err(why) = reading {
                        gathered.faults.add(
                            Reason::BadNumber,
                            self.place(line),
                            format!("column Ct: {why}"),
                        );
                    }
                }
            }
        }
    }

    fn reaction(
        &self,
        line: &Line,
        columns: &Columns,
        well: String,
        target: String,
        reading: tenfold_domain::results::run::Reading,
    ) -> Reaction {
        let task = columns.cell(line, Column::Task);
        let omitted = is_true(columns.cell(line, Column::Omit))
            || is_false(columns.cell(line, Column::Include));
        Reaction {
            place: self.place(line),
            well,
            target,
            dye: columns.cell(line, Column::Dye).to_owned(),
            sample: columns.cell(line, Column::Sample).to_owned(),
            role: Role::of(task),
            task: task.to_owned(),
            reading,
            omitted,
        }
    }

    fn well(&self, line: &Line, columns: &Columns) -> Result<String, String> {
        let block = self.metadata.block().or(self.form.block);
        let position = columns.cell(line, Column::WellPosition);
        let well = columns.cell(line, Column::Well);
        if position.is_empty() {
            return canonical(well, block);
        }
        if !agree(well, position, block) {
            return Err(format!(
                "well {} and position {} are not the same well",
                shown(well),
                shown(position)
            ));
        }
        canonical(position, block)
    }

    /// Faults of the file as a whole.
    fn whole_file(&self, rows: &[Line], columns: &Columns, gathered: &mut Gathered) {
        if let Some(last) = rows.last()
            && !self.opened.ends_in_a_line()
            && self.opened.parts.len() == self.part.saturating_add(1)
            && last.cells.len() < columns.count
            && last.filled() > 1
        {
            gathered.faults.add(
                Reason::Damaged,
                self.place(last),
                format!(
                    "the last line ends after {} of {} fields: the file is cut",
                    last.cells.len(),
                    columns.count
                ),
            );
        }
        if gathered.plates.len() > 1 {
            gathered.faults.add(
                Reason::SeveralPlates,
                self.opened.place(self.part, 0),
                format!(
                    "the rows are of several plates: {}",
                    gathered.plates.join(", ")
                ),
            );
        }
    }
}

enum TargetOf {
    Given(String),
    Column(usize),
    Columns,
}

fn is_true(cell: &str) -> bool {
    matches!(
        cell.to_lowercase().as_str(),
        "true" | "yes" | "y" | "1" | "x"
    )
}

fn is_false(cell: &str) -> bool {
    matches!(cell.to_lowercase().as_str(), "false" | "no" | "n" | "0")
}

fn cut_list(names: &[&str]) -> String {
    let shown_names: Vec<String> = names.iter().take(40).map(|name| shorten(name)).collect();
    shown_names.join(", ")
}

fn shorten(name: &str) -> String {
    name.chars().take(40).collect()
}
