//! Anything, as a policy: what is taken survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenfold_domain::policy::Policy;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(policy) = Policy::parse(text)
    {
        assert_eq!(Policy::parse(&policy.to_toml()), Ok(policy));
    }
});
