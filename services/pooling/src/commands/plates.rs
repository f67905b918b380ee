//! Plates, from the first well to the instrument.

use super::done;
use bytes::Bytes;
use tenfold_domain::policy::Policy;
use tenfold_domain::pooling::draft::Draft;
use tenfold_domain::pooling::event::{Content, PlateRef};
use tenfold_domain::pooling::plate::{combine, confirm, fill, load, lot, place, seal, start, void};
use tenfold_domain::well::Well;
use tenfold_domain::{Barcode, LabId, Rejection};
use tenfold_proto::v1;
use v1::pooling_command::Command;

pub(super) fn decide(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: LabId,
    command: Command,
) -> Result<Bytes, Rejection> {
    let plate = |barcode: String| PlateRef {
        lab: lab.clone(),
        barcode: barcode.into(),
    };
    match command {
        Command::StartPlate(c) => {
            let seed = c.seed.unwrap_or_default();
            let at = plate(c.plate);
            start::start(draft, policy, at.clone(), &c.assay.into(), &c.layout, seed)?;
            done(&crate::view::plate(draft.state(), &lab, &at.barcode)?)
        }
        Command::FillPlate(c) => {
            let most = c
                .wells_max
                .map(|most| u16::try_from(most).unwrap_or(u16::MAX));
            let filled = fill::fill(draft, policy, &plate(c.plate), most)?;
            done(&v1::FillPlateResponse {
                wells: filled
                    .wells
                    .into_iter()
                    .map(|(well, content)| well_content(well, &content))
                    .collect(),
                passed_over: filled
                    .passed
                    .into_iter()
                    .map(|(content, why)| v1::PlatePassedOver {
                        content: content.to_string(),
                        why,
                    })
                    .collect(),
                free: u32::from(filled.free),
            })
        }
        Command::Place(c) => {
            let at = plate(c.plate);
            let (well, content) = place::place(draft, policy, &at, &c.well, &c.content)?;
            done(&v1::PlaceResponse {
                well: Some(well_content(well, &content)),
            })
        }
        Command::ConfirmPlate(c) => {
            let failed: Vec<(String, String)> =
                c.failed.into_iter().map(|f| (f.well, f.reason)).collect();
            let at = plate(c.plate);
            let told = confirm::confirm(draft, policy, &at, &c.done, &failed, c.rest_done)?;
            done(&v1::ConfirmPlateResponse {
                transferred: texts(&told.transferred),
                failed: texts(&told.failed),
                missing: texts(&told.missing),
                dropped: told
                    .dropped
                    .into_iter()
                    .map(|(well, reason)| v1::PlateWellFailure {
                        well: well.to_string(),
                        reason,
                    })
                    .collect(),
            })
        }
        Command::CombinePlates(c) => {
            let at = plate(c.plate);
            let sources: Vec<Barcode> = c.sources.into_iter().map(Into::into).collect();
            combine::combine(draft, policy, &at, &c.layout, &sources)?;
            done(&crate::view::plate(draft.state(), &lab, &at.barcode)?)
        }
        Command::SealPlate(c) => {
            let wells = seal::seal(draft, &plate(c.plate))?;
            done(&v1::SealPlateResponse {
                wells: u32::from(wells),
            })
        }
        Command::VoidPlate(c) => {
            void::void(draft, &plate(c.plate), &c.reason)?;
            done(&v1::VoidPlateResponse {})
        }
        Command::LoadPlate(c) => {
            let loaded = load::load(draft, policy, &plate(c.plate), &c.instrument)?;
            done(&v1::LoadPlateResponse {
                wells: u32::from(loaded.wells),
                tubes: loaded.tubes,
                warnings: loaded.warnings,
            })
        }
        Command::BindLot(c) => {
            let at = plate(c.plate);
            lot::bind(draft, policy, &at, &c.lot)?;
            done(&crate::view::plate(draft.state(), &lab, &at.barcode)?)
        }
        Command::UnbindLot(c) => {
            let at = plate(c.plate);
            lot::unbind(draft, &at, &c.lot)?;
            done(&crate::view::plate(draft.state(), &lab, &at.barcode)?)
        }
        _ => Err(Rejection::invalid(
            "COMMAND_UNKNOWN",
            "",
            "the command is not known here",
            "send it to an instance of the same release",
        )),
    }
}

fn well_content(well: Well, content: &Content) -> v1::PlateWellContent {
    v1::PlateWellContent {
        well: well.to_string(),
        content: content.to_string(),
    }
}

fn texts(wells: &[Well]) -> Vec<String> {
    wells.iter().map(ToString::to_string).collect()
}
