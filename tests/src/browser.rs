//! A real Chromium without a window, driven as a person would: with keys. WebDriver is JSON over HTTP; what this test
//! needs of it is here.

use crate::process::free_address;
use base64::Engine as _;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest wait for the page to show something: far more than it takes on a busy machine.
const SHOWN_MAX: Duration = Duration::from_secs(120);

/// Largest answer: a picture of a page.
const ANSWER_MAX: u64 = 64 << 20;

/// Between two looks at the page.
const LOOK: Duration = Duration::from_millis(40);

/// The key that ends a scan, as WebDriver writes it.
pub const ENTER: &str = "\u{E007}";

/// How a reference to an element is written in WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one page.
pub struct Browser {
    driver: Child,
    session: String,
    profile: TempDir,
    pictures: PathBuf,
}

impl Browser {
    /// Starts one that prefers this language, and leaves its pictures in a folder.
    ///
    /// # Panics
    /// There is no chromium or chromedriver.
    #[must_use]
    pub fn open(language: &str, pictures: &Path) -> Self {
        let address = free_address();
        let profile = tempfile::tempdir().expect("a folder");
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is needed for this test: `scripts/need test` installs it");
        let mut browser = Self {
            driver,
            session: String::new(),
            profile,
            pictures: pictures.to_owned(),
        };
        let root = format!("http://{address}");
        let began = Instant::now();
        while ask("GET", &format!("{root}/status"), None).is_err() {
            assert!(began.elapsed() < SHOWN_MAX, "chromedriver does not answer");
            std::thread::sleep(LOOK);
        }
        let profile = browser.profile.path().display();
        let options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--window-size=1366,768", "--force-device-scale-factor=1", format!("--user-data-dir={profile}"),
            ],
            "prefs": { "intl.accept_languages": language },
        });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let session = ask("POST", &format!("{root}/session"), Some(&wanted))
            .unwrap_or_else(|why| panic!("chromium is needed for this test: {why}"));
        let id = session["sessionId"].as_str().expect("a session").to_owned();
        browser.session = format!("{root}/session/{id}");
        // Exactly the smallest screen that is promised to do.
        browser.cdp(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": 1366, "height": 768, "deviceScaleFactor": 1, "mobile": false }),
        );
        browser
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        ask(method, &format!("{}/{path}", self.session), body)
            .unwrap_or_else(|why| panic!("{method} {path}: {why}"))
    }

    /// A command of Chromium's own protocol, and its answer.
    pub fn cdp(&self, command: &str, params: Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        self.ask("POST", "goog/cdp/execute", Some(&body))
    }

    /// Runs a script in each page from now on, before the page's own.
    pub fn before_each_page(&self, script: &str) {
        self.cdp(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": script }),
        );
    }

    /// Goes to an address.
    ///
    /// # Panics
    /// As all that asks the browser: it does not answer, or refuses.
    pub fn go(&self, url: &str) {
        self.ask("POST", "url", Some(&json!({ "url": url })));
    }

    /// Types, wherever the focus is.
    pub fn keys(&self, text: &str) {
        let active = self.ask("GET", "element/active", None);
        let element = active[ELEMENT].as_str().expect("something has the focus");
        self.ask(
            "POST",
            &format!("element/{element}/value"),
            Some(&json!({ "text": text })),
        );
    }

    /// Chooses a file, as the system's dialogue would.
    pub fn choose_file(&self, selector: &str, path: &str) {
        let by = json!({ "using": "css selector", "value": selector });
        let found = self.ask("POST", "element", Some(&by));
        let element = found[ELEMENT].as_str().expect("a field for a file");
        self.ask(
            "POST",
            &format!("element/{element}/value"),
            Some(&json!({ "text": path })),
        );
    }

    /// Goes to a button by its text, as Tab does, and presses Enter.
    pub fn press(&self, text: &str) {
        let quoted = Value::from(text);
        self.until(
            &format!("a button {text:?}"),
            &format!(
                "(() => {{ const b = [...document.querySelectorAll('button')].find((one) => one.textContent === {quoted}); \
                 b?.focus(); return document.activeElement === b; }})()"
            ),
        );
        self.keys(ENTER);
    }

    /// Scans: types as a scanner does, and ends with Enter.
    pub fn scan(&self, text: &str) {
        self.keys(&format!("{text}{ENTER}"));
    }

    /// Evaluates an expression in the page.
    pub fn eval(&self, expression: &str) -> Value {
        let body = json!({ "script": format!("return ({expression});"), "args": [] });
        self.ask("POST", "execute/sync", Some(&body))
    }

    /// Runs a script that calls `done` when it is done.
    pub fn eval_async(&self, script: &str) -> Value {
        let body = json!({ "script": format!("const done = arguments[0];\n{script}"), "args": [] });
        self.ask("POST", "execute/async", Some(&body))
    }

    /// Loads a script into the page.
    pub fn load(&self, script: &str) {
        let body = json!({ "script": script, "args": [] });
        self.ask("POST", "execute/sync", Some(&body));
    }

    /// Waits until an expression is true in the page.
    ///
    /// # Panics
    /// It never is; with what the page says.
    pub fn until(&self, what: &str, expression: &str) -> Value {
        let began = Instant::now();
        loop {
            let value = self.eval(expression);
            if !matches!(value, Value::Null | Value::Bool(false)) {
                return value;
            }
            if began.elapsed() > SHOWN_MAX {
                self.picture("failed");
                panic!("not {what}. The page says:\n{}", self.text());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until the page says this somewhere.
    pub fn says(&self, text: &str) {
        let quoted = Value::from(text);
        self.until(
            &format!("{text:?} on the page"),
            &format!("document.body.innerText.includes({quoted})"),
        );
    }

    /// Waits until the answer to this scan is shown; answers its tone and its text.
    pub fn answer_to(&self, scan: &str) -> (String, String) {
        let quoted = Value::from(scan);
        let seen = self.until(
            &format!("answered {scan:?}"),
            &format!(
                "(() => {{ const a = document.querySelector('.answer'); \
                 return a && a.dataset.scan === {quoted} && [a.className, a.innerText]; }})()"
            ),
        );
        let part = |at: usize| seen[at].as_str().unwrap_or_default().to_owned();
        (part(0).replace("answer ", ""), part(1))
    }

    /// All that the page says.
    pub fn text(&self) -> String {
        let text = self.eval("document.body.innerText");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Keeps a picture of the page among the artefacts.
    pub fn picture(&self, name: &str) {
        let shot = self.ask("GET", "screenshot", None);
        let png = base64::engine::general_purpose::STANDARD
            .decode(shot.as_str().unwrap_or_default())
            .expect("a picture");
        let path = self.pictures.join(format!("{name}.png"));
        std::fs::write(path, png).expect("a picture is kept");
    }

    /// Another size of screen.
    pub fn size(&self, width: u32, height: u32) {
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        );
    }

    /// As printed on paper, or as shown.
    pub fn medium(&self, name: &str) {
        self.cdp("Emulation.setEmulatedMedia", json!({ "media": name }));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = ask("DELETE", &self.session, None);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn ask(method: &str, url: &str, body: Option<&Value>) -> Result<Value, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(SHOWN_MAX))
        .build()
        .into();
    let empty = json!({});
    let sent = match method {
        "GET" => agent.get(url).call(),
        "DELETE" => agent.delete(url).call(),
        _ => agent
            .post(url)
            .header("content-type", "application/json")
            .send(body.unwrap_or(&empty).to_string()),
    };
    let mut response = sent.map_err(|error| error.to_string())?;
    let text = response
        .body_mut()
        .with_config()
        .limit(ANSWER_MAX)
        .read_to_string()
        .map_err(|error| error.to_string())?;
    let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if response.status().is_success() {
        Ok(answer["value"].clone())
    } else {
        Err(answer["value"]["message"].to_string())
    }
}
