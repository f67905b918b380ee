//! Applied Biosystems QuantStudio Design & Analysis 2 and Diomni: csv with `# Key: Value` and every field
//! quoted, or a workbook. The user chooses the columns of the export; without a target the dye stands for it.

use super::{Format, RunReader, part_with_results};
use crate::collect::{Form, read_part};
use crate::columns::is_header;
use crate::opened::{Line, Opened};
use crate::refusal::Refusal;
use crate::table::RunTable;
use tenfold_domain::policy::plain_name;

const NAME: &str = "QuantStudio Design & Analysis";

/// Sheets with results, the likeliest first.
const SHEETS: &[&str] = &["results", "primaryresult", "primaryresults", "result"];

/// Design & Analysis exports.
pub(super) struct DesignAnalysis;

impl RunReader for DesignAnalysis {
    fn format(&self) -> Format {
        Format {
            name: NAME,
            recognised_by: "# metadata or a result sheet, and a table with a well, Cq and Threshold, Amp Status or Auto Threshold",
        }
    }

    fn recognises(&self, opened: &Opened) -> bool {
        let Some(part) = part_with_results(opened, SHEETS).and_then(|part| opened.parts.get(part))
        else {
            return false;
        };
        let Some(header) = part.head.iter().find(|line| is_header(line)) else {
            return false;
        };
        let names: Vec<String> = header.cells.iter().map(|cell| plain_name(cell)).collect();
        let has = |name: &str| names.iter().any(|known| known == name);
        let hashes = part
            .head
            .iter()
            .take_while(|line| !is_header(line))
            .any(is_hash);
        let stars = opened
            .parts
            .iter()
            .take(1)
            .flat_map(|part| &part.head)
            .any(|line| line.cell(0).starts_with("* "));
        if stars {
            return false;
        }
        let own = [
            "ampstatus",
            "autothreshold",
            "threshold",
            "curvequality",
            "resultqualityissues",
        ];
        has("cq") && !has("fluor") && own.iter().any(|name| has(name))
            || hashes && (has("cq") || has("crt") || has("wellposition"))
    }

    fn read(&self, opened: &mut Opened) -> Result<RunTable, Refusal> {
        let part = part_with_results(opened, SHEETS).unwrap_or_default();
        let form = Form {
            name: NAME,
            ..Form::default()
        };
        read_part(form, opened, part)
    }
}

/// `# Instrument Type: QuantStudio(TM) 5 System`, with a word of the maker's.
fn is_hash(line: &Line) -> bool {
    let text = line.cell(0).to_lowercase();
    text.starts_with('#')
        && [
            "instrument type",
            "block type",
            "passive reference",
            "experiment type",
            "chemistry",
            "quantification cycle method",
            "file name",
            "run end",
        ]
        .iter()
        .any(|word| text.contains(word))
}
