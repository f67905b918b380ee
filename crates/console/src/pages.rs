//! The page's files, as they are in `web/`, part of the program.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// One file: its path, its kind, its content.
type File = (&'static str, &'static str, &'static [u8]);

macro_rules! file {
    ($kind:ident, $path:literal) => {
        ($path, $kind, include_bytes!(concat!("../web/", $path)))
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// All of them; a test finds the one that is forgotten here.
const FILES: &[File] = &[
    file!(SVG, "icon.svg"),
    file!(HTML, "index.html"),
    file!(JS, "js/api.js"),
    file!(JS, "js/app.js"),
    file!(JS, "js/code39.js"),
    file!(JS, "js/commands.js"),
    file!(JS, "js/curves.js"),
    file!(JS, "js/dom.js"),
    file!(JS, "js/en.js"),
    file!(JS, "js/hints.js"),
    file!(JS, "js/i18n.js"),
    file!(JS, "js/live.js"),
    file!(JS, "js/place.js"),
    file!(JS, "js/placepanel.js"),
    file!(JS, "js/platemap.js"),
    file!(JS, "js/queue.js"),
    file!(JS, "js/reasons.js"),
    file!(JS, "js/screens/all.js"),
    file!(JS, "js/screens/board.js"),
    file!(JS, "js/screens/card.js"),
    file!(JS, "js/screens/plate.js"),
    file!(JS, "js/screens/pool.js"),
    file!(JS, "js/screens/problems.js"),
    file!(JS, "js/screens/receive.js"),
    file!(JS, "js/screens/results.js"),
    file!(JS, "js/screens/retests.js"),
    file!(JS, "js/screens/run.js"),
    file!(JS, "js/screens/sample.js"),
    file!(JS, "js/sound.js"),
    file!(JS, "js/time.js"),
    file!(JS, "js/zh.js"),
    file!(CSS, "style.css"),
];

/// What a browser may do with them: nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The file of a path; the page itself for `/`.
#[must_use]
pub fn file(path: &str) -> Option<Response> {
    let path = match path.trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    let (_, kind, content) = FILES.iter().find(|(name, ..)| *name == path)?;
    let headers = [
        (header::CONTENT_TYPE, *kind),
        // A new release is a new page at once.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Some((headers, *content).into_response())
}
