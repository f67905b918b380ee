//! What is no label at all.

use crate::ids::Barcode;

/// Longest label taken.
const BARCODE_MAX: usize = 64;

/// What no label has, whatever a lab's patterns say: intake checks those.
///
/// # Errors
/// What is wrong, in words.
pub fn check_label(label: &Barcode) -> Result<(), String> {
    let text = label.as_str();
    if text.is_empty() {
        return Err("the label is empty".to_owned());
    }
    if text.len() > BARCODE_MAX {
        return Err(format!(
            "the label has {} characters, more than {BARCODE_MAX}",
            text.len()
        ));
    }
    match text.chars().position(|c| !c.is_ascii_graphic()) {
        Some(at) => {
            let code = text.chars().nth(at).map_or(0, u32::from);
            Err(format!(
                "the label has U+{code:04X} at {}: only visible ASCII is a label",
                at + 1
            ))
        }
        None => Ok(()),
    }
}
