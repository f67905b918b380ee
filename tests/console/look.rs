//! Every screen, looked at: by axe-core, in both themes, on the smallest screen, on a tablet and on paper.

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tenfold_tests::browser::Browser;

/// A 10-inch tablet, upright.
const TABLET: (u32, u32) = (800, 1_280);

/// The smallest screen that is promised to do.
const SCREEN: (u32, u32) = (1_366, 768);

/// axe-core's script.
fn axe() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/axe");
    let output = Command::new(script).output().expect("a shell");
    assert!(
        output.status.success(),
        "axe-core is needed for this test: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    std::fs::read_to_string(path).expect("axe-core's script")
}

/// Lets axe-core judge the page as it is.
///
/// # Panics
/// It finds something; says what and where.
fn judged(browser: &Browser, axe: &str, what: &str) {
    browser.load(axe);
    // Colours are judged as they stand, not halfway between two.
    let found = browser.eval_async(
        "axe.run(document, { resultTypes: ['violations'] }).then((found) => \
         done(found.violations.map((one) => `${one.id}: ${one.help}: ` + \
         one.nodes.slice(0, 3).map((node) => `${node.target} ${node.any.map((why) => why.message)}`).join(' | '))), \
         (error) => done([String(error)]));",
    );
    assert_eq!(found, Value::Array(Vec::new()), "{what}");
}

/// Looks at the screen that is shown, under a name for its pictures; leaves it as it was.
pub fn look(browser: &Browser, name: &str) {
    let axe = axe();
    let fits = "document.documentElement.scrollWidth <= window.innerWidth";
    browser.picture(name);
    // What a script has not got is nothing for a person to read.
    for nothing in ["null", "undefined", "NaN"] {
        assert!(!browser.text().contains(nothing), "{name} says {nothing}");
    }
    judged(browser, &axe, &format!("{name} in light"));
    assert_eq!(browser.eval(fits), true, "{name} is wider than the screen");
    let dark = |yes: bool| {
        let theme = if yes { "dark" } else { "light" };
        browser.eval(&format!(
            "document.documentElement.dataset.theme = '{theme}'"
        ));
    };
    dark(true);
    browser.picture(&format!("{name}-dark"));
    judged(browser, &axe, &format!("{name} in dark"));
    dark(false);
    browser.size(TABLET.0, TABLET.1);
    browser.picture(&format!("{name}-tablet"));
    assert_eq!(browser.eval(fits), true, "{name} is wider than a tablet");
    browser.size(SCREEN.0, SCREEN.1);
}

/// The same screen in Chinese, once it shows what it did; leaves it in English.
pub fn in_chinese(browser: &Browser, name: &str, shown: impl FnOnce()) {
    browser.press("中文");
    browser.until("Chinese", "document.documentElement.lang === 'zh-CN'");
    shown();
    look(browser, &format!("{name}-zh"));
    browser.press("English");
    browser.until("English", "document.documentElement.lang === 'en'");
}

/// Keeps a picture of the screen as it is printed.
pub fn on_paper(browser: &Browser, name: &str) {
    browser.medium("print");
    browser.size(794, 1_123);
    browser.picture(&format!("{name}-paper"));
    let hidden = browser.eval("getComputedStyle(document.querySelector('.top')).display");
    assert_eq!(hidden, "none", "the controls are printed");
    browser.medium("");
    browser.size(SCREEN.0, SCREEN.1);
}
