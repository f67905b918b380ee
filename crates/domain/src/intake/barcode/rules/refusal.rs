//! Why a barcode is refused, for who has to do something about it. Off the hot path; decides nothing.

use super::scheme::Compiled;
use crate::ids::SiteId;
use crate::intake::barcode::damage;
use crate::rejection::Rejection;
use crate::time::{Millis, Timestamp};

pub(super) fn refused(
    reason: &str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Rejection {
    Rejection::invalid(reason, "barcode", message, help)
}

/// Explains why no scheme fits; off the hot path.
pub(super) fn why_not(schemes: &[Compiled], site: &SiteId, text: &str, at: Timestamp) -> Rejection {
    let fits = |t: &str| schemes.iter().any(|scheme| scheme.fits(t, at));
    let typed = || {
        if damage::typed(text, fits) {
            "; was it typed? (0 and O, 1 and I)"
        } else {
            ""
        }
    };
    if let Some((scheme, fault)) = schemes
        .iter()
        .filter(|s| s.is_valid_at(at) && s.pattern.is_match(text))
        .find_map(|s| s.fault(text).map(|fault| (s, fault)))
    {
        return refused(
            "BARCODE_CHECK_DIGIT",
            format!(
                "barcode {text:?} (scheme {}): {fault}{}",
                scheme.name,
                typed()
            ),
            "scan the label instead of typing it; if the scanner reads this, the label is wrong",
        );
    }
    if let Some(scheme) = schemes.iter().find(|s| s.pattern.is_match(text)) {
        let message = if at < scheme.from {
            format!(
                "barcode {text:?} is of scheme {}, valid from {}",
                scheme.name, scheme.from
            )
        } else {
            format!(
                "barcode {text:?} is of scheme {}, valid until {}",
                scheme.name,
                scheme.until.minus(Millis(1))
            )
        };
        return refused(
            "BARCODE_SCHEME_DATES",
            message,
            "use labels of a valid scheme, or have the scheme's dates changed in the policy",
        );
    }
    if let Some(damage) = damage::by_spreadsheet(text, fits) {
        return refused(
            "BARCODE_DAMAGED",
            format!("barcode {text:?} is damaged: {damage}"),
            "export the column as text and register the file again; nothing is completed by guess",
        );
    }
    let allowed = schemes
        .iter()
        .filter(|s| s.is_valid_at(at))
        .map(|s| inner(s.pattern.as_str()))
        .collect::<Vec<_>>()
        .join(" or ");
    let mut hint = typed();
    if damage::two_scans(text, fits) {
        hint = "; it looks like two scans in one field";
    }
    let space = text.find(' ').map_or(String::new(), |place| {
        format!(" has a space at {}", place.saturating_add(1))
    });
    let message = if space.is_empty() {
        format!("barcode {text:?} fits no scheme: site {site} allows {allowed}{hint}")
    } else {
        format!("barcode {text:?}{space}: site {site} allows {allowed}{hint}")
    };
    refused(
        "BARCODE_PATTERN",
        message,
        "scan the tube's own label; a new form of label needs a scheme in the policy",
    )
}

/// The pattern as the policy has it.
fn inner(whole: &str) -> &str {
    whole
        .strip_prefix("^(?:")
        .and_then(|p| p.strip_suffix(")$"))
        .unwrap_or(whole)
}
