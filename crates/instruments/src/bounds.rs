//! What a file may cost at most. A file beyond a bound is refused, and the bound is named.

/// Largest file, in bytes: several times a 384-well export with all its raw data.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Most bytes that an archive's entries may unpack to, all together.
pub const UNZIPPED_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// An entry may unpack to this many times its packed size; curves reach 20.
pub const UNZIP_RATIO_MAX: u64 = 200;

/// Below this unpacked size the ratio of an entry means nothing.
pub const UNZIP_RATIO_FROM: u64 = 1024 * 1024;

/// Most entries of an archive.
pub const ENTRIES_MAX: usize = 1_000;

/// Most sheets of a workbook, or sections of a text.
pub const PARTS_MAX: usize = 100;

/// Most lines of one sheet or section that is read.
pub const LINES_MAX: usize = 100_000;

/// Most cells of one sheet or section that is read.
pub const CELLS_MAX: usize = 1_000_000;

/// Most cells that a sheet of an old workbook may span, the empty ones between others included.
pub const SPAN_MAX: u64 = 4_000_000;

/// Most columns of a row: curves of a CFX have one for each of 384 wells, and a few beside them.
pub const COLUMNS_MAX: usize = 384 + 16;

/// Most characters of a cell of the table of results.
pub const CELL_CHARS_MAX: usize = 1_000;

/// Most characters of a target, a task, or what the file says about the run.
pub const NAME_CHARS_MAX: usize = 120;

/// Most reactions of a file.
pub const REACTIONS_MAX: usize = tenfold_domain::results::run::ROWS_MAX;

/// Most cycles of a curve: no instrument runs more.
pub const CYCLES_MAX: u16 = 100;

/// Most points of all curves of a file together.
pub const POINTS_MAX: usize = REACTIONS_MAX * CYCLES_MAX as usize;

/// Lines of a part in which the header must stand.
pub const HEAD_LINES: usize = 200;

/// Deepest nesting of XML elements.
pub const XML_DEPTH_MAX: usize = 64;

/// Most faults told one by one.
pub const EXAMPLES_MAX: usize = 5;

/// Most characters of a value from the file that a message repeats.
pub const SHOWN_CHARS_MAX: usize = 60;
