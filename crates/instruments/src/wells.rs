//! Wells as files write them: positions (`A1`, `A01`), or indexes counted row by row from 1.

use crate::refusal::shown;

/// Wells of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// 8 rows of 12.
    Of96,
    /// 16 rows of 24.
    Of384,
}

impl Block {
    /// The block that a text names: `96-Well 0.2-mL Block`, `384-Well Block`, `96alum`.
    pub fn named(text: &str) -> Option<Self> {
        let digits: String = text
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        match digits.as_str() {
            "96" => Some(Self::Of96),
            "384" => Some(Self::Of384),
            _ => None,
        }
    }

    pub const fn wells(self) -> u16 {
        match self {
            Self::Of96 => 96,
            Self::Of384 => 384,
        }
    }

    pub const fn columns(self) -> u16 {
        match self {
            Self::Of96 => 12,
            Self::Of384 => 24,
        }
    }

    const fn rows(self) -> u16 {
        self.wells() / self.columns()
    }
}

/// 0-based row and column of a position; `None` if the text is no position of any block.
fn position(text: &str) -> Option<(u16, u16)> {
    let text = text.trim();
    let mut chars = text.chars();
    let letter = chars.next()?.to_ascii_uppercase();
    let digits = chars.as_str().trim();
    let shaped = ('A'..='P').contains(&letter)
        && (1..=3).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !shaped {
        return None;
    }
    let column: u16 = digits.parse().ok()?;
    let row = u16::try_from(u32::from(letter).checked_sub(u32::from('A'))?).ok()?;
    (1..=24)
        .contains(&column)
        .then(|| (row, column.saturating_sub(1)))
}

/// An index, from 1; it may be printed as a float.
fn index(text: &str) -> Option<u16> {
    let text = text.trim();
    let whole = text.split_once('.').map_or(Some(text), |(whole, rest)| {
        rest.bytes().all(|byte| byte == b'0').then_some(whole)
    })?;
    let digits = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    let index: u16 = digits.then(|| whole.parse().ok())??;
    (1..=384).contains(&index).then_some(index)
}

fn name((row, column): (u16, u16)) -> String {
    let letter = char::from(b'A'.saturating_add(u8::try_from(row).unwrap_or(0)));
    format!("{letter}{}", column.saturating_add(1))
}

/// Whether a text could be a well at all.
pub(crate) fn looks_like_one(text: &str) -> bool {
    position(text).is_some() || index(text).is_some()
}

/// Whether a text is a position: `A1`, `P24`.
pub(crate) fn is_position(text: &str) -> bool {
    position(text).is_some()
}

/// The well's name, `A1` to `P24`.
pub(crate) fn canonical(text: &str, block: Option<Block>) -> Result<String, String> {
    if let Some((row, column)) = position(text) {
        return match block {
            Some(block) if row >= block.rows() || column >= block.columns() => Err(format!(
                "{} is no well of a block of {}",
                shown(text),
                block.wells()
            )),
            _ => Ok(name((row, column))),
        };
    }
    let Some(index) = index(text) else {
        return Err(format!("{} is no well", shown(text)));
    };
    let Some(block) = block else {
        return Err(format!(
            "well {} is a number, and nothing says how many wells the block has",
            shown(text)
        ));
    };
    if index > block.wells() {
        return Err(format!(
            "{} is no well of a block of {}",
            shown(text),
            block.wells()
        ));
    }
    let zero = index.saturating_sub(1);
    Ok(name((zero / block.columns(), zero % block.columns())))
}

/// Whether an index and a position beside it are the same well; text that is no index agrees.
pub(crate) fn agree(index_text: &str, position_text: &str, block: Option<Block>) -> bool {
    let (Some(index), Some((row, column))) = (index(index_text), position(position_text)) else {
        return true;
    };
    [Block::Of96, Block::Of384]
        .into_iter()
        .filter(|known| block.is_none_or(|block| block == *known))
        .any(|block| {
            column < block.columns()
                && row
                    .saturating_mul(block.columns())
                    .saturating_add(column)
                    .saturating_add(1)
                    == index
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_counts_row_by_row_from_one() {
        for (index, block, well) in [
            ("1", Block::Of96, "A1"),
            ("12", Block::Of96, "A12"),
            ("13", Block::Of96, "B1"),
            ("96.0", Block::Of96, "H12"),
            ("24", Block::Of384, "A24"),
            ("25", Block::Of384, "B1"),
            ("384", Block::Of384, "P24"),
        ] {
            assert_eq!(canonical(index, Some(block)), Ok(well.to_owned()));
            assert!(agree(index, well, Some(block)), "{index}");
            assert!(agree(index, well, None), "{index}");
        }
        assert!(!agree("13", "A13", Some(Block::Of96)));
        assert!(agree("13", "A13", None), "on a block of 384");
        assert!(!agree("2", "A1", None));
    }

    #[test]
    fn a01_and_a1_are_the_same_well_and_a00_is_none() {
        for text in ["A1", "A01", "a1", " A1 ", "A 1", "A001"] {
            assert_eq!(canonical(text, None), Ok("A1".to_owned()), "{text}");
        }
        for text in ["A00", "HH0", "Q1", "A25", "", "A", "1A", "0", "385", "1.5"] {
            assert!(canonical(text, Some(Block::Of384)).is_err(), "{text}");
        }
        assert!(canonical("A13", Some(Block::Of96)).is_err());
        assert!(canonical("I1", Some(Block::Of96)).is_err());
        assert!(canonical("13", None).is_err());
    }

    #[test]
    fn blocks_are_named_in_many_ways() {
        for (text, block) in [
            ("96-Well 0.2-mL Block", Some(Block::Of96)),
            ("384-Well Block", Some(Block::Of384)),
            ("96alum", Some(Block::Of96)),
            ("Fast 96-Well Block (0.1 mL)", Some(Block::Of96)),
            ("Array Card", None),
        ] {
            assert_eq!(Block::named(text), block, "{text}");
        }
    }
}
