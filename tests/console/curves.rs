//! A run's file as a QuantStudio writes it, with a curve for each of its Cts.

use std::fmt::Write as _;

/// Cycles of the run.
const CYCLES: u16 = 40;

/// The table of a run with curves that fit its Cts; the curves of the second of `copied` are those of the first.
pub fn with_curves(csv: &str, plate: &str, copied: [&str; 2]) -> String {
    let mut file = format!(
        "* Block Type = 96-Well 0.2-mL Block\n* Instrument Type = QuantStudio(TM) 5\n* Experiment Barcode = {plate}\n\n\
         [Results]\nWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tQuencher\tCT\n"
    );
    let rows: Vec<Vec<&str>> = csv
        .lines()
        .skip(2)
        .map(|line| line.split(',').collect())
        .collect();
    for row in &rows {
        let (well, target, ct) = (row[0], row[1], row[2]);
        let _ = writeln!(
            file,
            "{well}\tfalse\t{well}\t{target}\tUNKNOWN\tFAM\tNFQ-MGB\t{ct}"
        );
    }
    file += "\n[Amplification Data]\nWell Position\tCycle\tTarget Name\tRn\tDelta Rn\n";
    for row in &rows {
        let (well, target, ct) = (row[0], row[1], row[2].parse::<f64>().ok());
        let of = if well == copied[1] { copied[0] } else { well };
        for cycle in 1..=CYCLES {
            let delta = amplified(ct, cycle) + noise(of, target, cycle);
            let _ = writeln!(
                file,
                "{well}\t{cycle}\t{target}\t{:.5}\t{delta:.5}",
                delta + 0.6
            );
        }
    }
    file
}

/// Twice as much each cycle, until the reagents are used up; at the Ct it is a twentieth of all.
fn amplified(ct: Option<f64>, cycle: u16) -> f64 {
    ct.map_or(0.0, |ct| {
        let grown = 0.05 * (f64::from(cycle) - ct).exp2();
        3.2 * grown / (1.0 + grown)
    })
}

/// No two wells have the same.
fn noise(well: &str, target: &str, cycle: u16) -> f64 {
    let seed = format!("{well} {target} {cycle}");
    let sum = seed
        .bytes()
        .fold(0_u32, |sum, byte| sum.wrapping_mul(131) + u32::from(byte));
    f64::from(sum % 1_000) / 40_000.0
}
