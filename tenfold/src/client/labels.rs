//! `tenfold labels`: labels for pool tubes and plates, for a label printer or to look at.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use tenfold_labels::{LABELS_MAX, Label, Pdf, Png, Printout, Stock, Svg, Symbology, Zpl};
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_proto::v1::{LabelOf, ReserveLabelsRequest};

/// Labels.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  tenfold labels reserve --count 200 --bench b1 --lab lab-1 --zpl roll.zpl    a roll for a bench, printed ahead
  tenfold labels pools P17 P20..P29 --lab lab-1 --size 30x12 --zpl pools.zpl
  tenfold labels plates PL-000123 --lab lab-1 --symbol code128 --size 60x15 --copies 2 --pdf plates.pdf
  tenfold labels pools P1..P30 --lab lab-1 --zpl - | nc printer 9100

ZPL is what label printers take, PDF a sheet of A4, SVG and PNG a picture of each label.")]
pub enum Labels {
    /// Reserve numbers for labels that are printed ahead: nobody else gets them
    Reserve {
        #[command(flatten)]
        lab: super::pooling::Lab,
        /// How many
        #[arg(long)]
        count: u32,
        /// Labels of pool tubes: the bench whose new pools take these numbers, in the order of the roll
        #[arg(long, conflicts_with = "plates", required_unless_present = "plates")]
        bench: Option<String>,
        /// Labels of plates
        #[arg(long)]
        plates: bool,
        #[command(flatten)]
        how: How,
    },
    /// Labels of pool tubes
    Pools {
        #[command(flatten)]
        lab: super::pooling::Lab,
        /// Pools, such as P17, lab-1/P17 or P20..P29
        #[arg(required = true, value_name = "POOL")]
        pools: Vec<String>,
        #[command(flatten)]
        how: How,
    },
    /// Labels of plates
    Plates {
        #[command(flatten)]
        lab: super::pooling::Lab,
        /// Barcodes of plates
        #[arg(required = true, value_name = "PLATE")]
        plates: Vec<String>,
        #[command(flatten)]
        how: How,
    },
}

/// What a scanner reads.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Symbol {
    /// Bars
    Code128,
    /// A square, for small tubes
    Datamatrix,
}

/// Paper, symbol, and where the labels go.
#[derive(Args)]
pub struct How {
    /// Not given: a square for pool tubes, bars for plates
    #[arg(long, value_enum)]
    symbol: Option<Symbol>,
    /// Width and height of a label in mm
    #[arg(long, default_value = "50x25", value_name = "MMxMM")]
    size: String,
    /// Dots an inch of the printer: 203, 300 or 600
    #[arg(long, default_value_t = 203)]
    dpi: u16,
    /// Copies of each label
    #[arg(long, default_value_t = 1)]
    copies: u16,
    /// Write ZPL, for a label printer; - is standard output
    #[arg(long, value_name = "FILE")]
    zpl: Option<PathBuf>,
    /// Write sheets of A4
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Write a picture
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write a picture, each dot of the printer a pixel
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
}

/// Does it. Only reserving asks a service: a label is what it says.
pub async fn run(session: Session, output: Output, command: Labels) -> Outcome {
    match command {
        Labels::Reserve {
            lab,
            count,
            bench,
            plates,
            how,
        } => {
            let lab = session.lab(lab.lab)?;
            let of = if plates {
                LabelOf::Plate
            } else {
                LabelOf::Pool
            };
            let request = ReserveLabelsRequest {
                lab: lab.clone(),
                actor: session.actor.clone(),
                request_id: session.request_id(),
                of: of.into(),
                bench: bench.unwrap_or_default(),
                count,
            };
            let mut pooling = PoolingClient::new(session.channel(To::Pooling)?);
            let request = session.ask(request);
            let reserved = pooling.reserve_labels(request).await?.into_inner();
            let what = serde_json::json!({ "first": reserved.codes.first(), "last": reserved.codes.last() });
            // Standard output belongs to the labels if they go there.
            if !how.takes_standard_output() {
                output.value(&what);
            }
            if how.goes_nowhere() {
                return Ok(());
            }
            let labels = if plates {
                let symbology = how.symbology(Symbology::Code128);
                let codes = reserved.codes.iter();
                codes
                    .map(|code| Label::plate(&lab, code, symbology))
                    .collect()
            } else {
                let symbology = how.symbology(Symbology::DataMatrix);
                let numbers = reserved.first..=reserved.last;
                numbers
                    .map(|number| Label::pool(&lab, number, symbology))
                    .collect()
            };
            how.write(output, labels)
        }
        Labels::Pools { lab, pools, how } => {
            let lab = session.lab(lab.lab)?;
            let symbology = how.symbology(Symbology::DataMatrix);
            let labels = numbers(&lab, &pools)?
                .into_iter()
                .map(|number| Label::pool(&lab, number, symbology))
                .collect();
            how.write(output, labels)
        }
        Labels::Plates { lab, plates, how } => {
            let lab = session.lab(lab.lab)?;
            let symbology = how.symbology(Symbology::Code128);
            let labels = plates
                .iter()
                .map(|plate| Label::plate(&lab, plate, symbology))
                .collect();
            how.write(output, labels)
        }
    }
}

impl How {
    fn symbology(&self, usual: Symbology) -> Symbology {
        match self.symbol {
            None => usual,
            Some(Symbol::Code128) => Symbology::Code128,
            Some(Symbol::Datamatrix) => Symbology::DataMatrix,
        }
    }

    const fn goes_nowhere(&self) -> bool {
        self.zpl.is_none() && self.pdf.is_none() && self.svg.is_none() && self.png.is_none()
    }

    fn takes_standard_output(&self) -> bool {
        let outs = [&self.zpl, &self.pdf, &self.svg, &self.png];
        outs.into_iter()
            .flatten()
            .any(|path| path.as_os_str() == "-")
    }

    fn write(&self, output: Output, labels: Vec<Label>) -> Outcome {
        let wrong = |error: tenfold_labels::LabelError| Failure::Usage(error.to_string());
        let stock = Stock::parse(&self.size, self.dpi).map_err(wrong)?;
        let outs: [(&Option<PathBuf>, &dyn Printout); 4] = [
            (&self.zpl, &Zpl),
            (&self.pdf, &Pdf),
            (&self.svg, &Svg),
            (&self.png, &Png),
        ];
        let mut written = Vec::new();
        for (path, out) in outs {
            let Some(path) = path else { continue };
            let bytes = tenfold_labels::print(out, &labels, stock, self.copies).map_err(wrong)?;
            super::put(path, &bytes)?;
            if path.as_os_str() != "-" {
                written.push(path.display().to_string());
            }
        }
        if self.goes_nowhere() {
            return Err(Failure::Usage(
                "where do the labels go? say --zpl FILE, --pdf FILE, --svg FILE or --png FILE"
                    .to_owned(),
            ));
        }
        if !written.is_empty() {
            let labels = labels.len();
            output.value(
                &serde_json::json!({ "labels": labels, "copies": self.copies, "written": written }),
            );
        }
        Ok(())
    }
}

/// Numbers of pools: `P17`, `lab-1/P17`, `P20..P29` with both ends.
fn numbers(lab: &str, texts: &[String]) -> Outcome<Vec<u64>> {
    let mut numbers = Vec::new();
    for text in texts {
        let wrong = || {
            Failure::Usage(format!(
                "{text:?} is no pool of lab {lab}: write P17, {lab}/P17 or P20..P29"
            ))
        };
        let one = |part: &str| {
            let part = part.strip_prefix(&format!("{lab}/")).unwrap_or(part);
            let number = part.strip_prefix('P')?.parse::<u64>().ok()?;
            (number > 0).then_some(number)
        };
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let (Some(first), Some(last)) = (one(first), one(last)) else {
            return Err(wrong());
        };
        if last < first {
            return Err(wrong());
        }
        let room = LABELS_MAX.saturating_sub(numbers.len());
        let count = last.saturating_sub(first).saturating_add(1);
        if usize::try_from(count).is_ok_and(|count| count > room) || count > u64::from(u32::MAX) {
            return Err(Failure::Usage(format!(
                "{text:?} makes it more than {LABELS_MAX} labels: print them in parts"
            )));
        }
        numbers.extend(first..=last);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Option<Vec<u64>> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        numbers("lab-1", &texts).ok()
    }

    #[test]
    fn pools_are_named_one_by_one_and_as_ranges() {
        assert_eq!(of(&["P17", "lab-1/P3"]), Some(vec![17, 3]));
        assert_eq!(
            of(&["P20..P22", "lab-1/P30..lab-1/P31"]),
            Some(vec![20, 21, 22, 30, 31])
        );
    }

    #[test]
    fn what_is_no_pool_of_this_lab_is_refused() {
        for text in [
            "17",
            "lab-2/P3",
            "P0",
            "P5..P4",
            "P1..",
            "P1..P2001",
            "P1..P18446744073709551615",
        ] {
            assert_eq!(of(&[text]), None, "{text}");
        }
    }
}
