//! What pools save: the arithmetic of a perfect test (Dorfman, 1943).

/// The part of pools of `n` that holds at least one positive, when one person in `1 / prevalence` is.
#[must_use]
pub fn positive_pools(n: u32, prevalence: f64) -> f64 {
    1.0 - (1.0 - prevalence).powf(f64::from(n))
}

/// Tests a person, pools and their retests together: `1/n + 1 - (1-p)^n`; one if nothing is pooled.
#[must_use]
pub fn tests_a_person(n: u32, prevalence: f64) -> f64 {
    if n <= 1 {
        return 1.0;
    }
    1.0 / f64::from(n) + positive_pools(n, prevalence)
}

/// Largest pool that is looked at for [`best`].
const POOL_MAX: u32 = 200;

/// The pool size with the fewest tests a person.
#[must_use]
pub fn best(prevalence: f64) -> u32 {
    let cost = |n: &u32| tests_a_person(*n, prevalence);
    (1..=POOL_MAX)
        .min_by(|a, b| cost(a).total_cmp(&cost(b)))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_anchors_of_the_field_come_out() {
        let table = [
            (0.0001, 0.0010, [0.201, 0.101, 0.052], 101, 0.020),
            (0.001, 0.010, [0.205, 0.110, 0.070], 32, 0.063),
            (0.005, 0.049, [0.225, 0.149, 0.145], 15, 0.139),
            (0.01, 0.096, [0.249, 0.196, 0.232], 11, 0.196),
            (0.02, 0.183, [0.296, 0.283, 0.382], 8, 0.274),
            (0.05, 0.401, [0.426, 0.501, 0.692], 5, 0.426),
            (0.1, 0.651, [0.610, 0.751, 0.928], 4, 0.594),
        ];
        for (p, positive, tests, best_n, best_tests) in table {
            assert!((positive_pools(10, p) - positive).abs() < 0.000_6, "{p}");
            for (n, wanted) in [5, 10, 20].into_iter().zip(tests) {
                assert!((tests_a_person(n, p) - wanted).abs() < 0.000_6, "{n} {p}");
            }
            assert_eq!(best(p), best_n, "{p}");
            assert!((tests_a_person(best_n, p) - best_tests).abs() < 0.000_6);
        }
    }

    #[test]
    fn ten_in_one_stops_paying_above_a_fifth() {
        assert!(tests_a_person(10, 0.205) < 1.0);
        assert!(tests_a_person(10, 0.207) > 1.0);
    }
}
