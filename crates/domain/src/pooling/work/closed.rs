//! Results needs nothing more of a sample: its tube leaves the hot state.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::tube_key;
use super::super::tube::Tube;
use super::super::tube::details::let_go;
use super::super::tube::lookup::is_over;
use crate::message::SampleClosed;
use crate::rejection::Rejection;
use crate::tables::ReadExt;

/// Closes a sample's tube. The same again changes nothing; a tube that was never here either.
///
/// # Errors
/// A bug of ours.
pub fn closed(draft: &mut Draft<'_>, message: &SampleClosed) -> Result<(), Rejection> {
    let Some(key) = tube_key(draft.state(), &message.tube) else {
        return Ok(());
    };
    let tube = draft.state().get::<Tube>(&key);
    if tube.is_none_or(|tube| is_over(&tube)) {
        return Ok(());
    }
    let_go(draft, key, "its sample was closed")?;
    draft.emit(What::SampleClosed(message.clone()))
}
