//! Chance, handed in as the clocks are: so that a simulation can be played again from its seed.

/// A source of bits that nobody can foresee, or, in a simulation, everybody.
pub trait Entropy: Send + Sync + 'static {
    /// 128 bits.
    fn bits(&self) -> u128;

    /// A number from 0 up to, not including, 1.
    fn share(&self) -> f64 {
        // 53 bits are what an f64 between 0 and 1 can tell apart.
        (self.bits() >> 75) as f64 / (1_u64 << 53) as f64
    }
}

/// The system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bits(&self) -> u128 {
        rand::random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u128);

    impl Entropy for Fixed {
        fn bits(&self) -> u128 {
            self.0
        }
    }

    #[test]
    fn a_share_is_never_one() {
        assert_eq!(Fixed(0).share().to_bits(), 0.0_f64.to_bits());
        let most = Fixed(u128::MAX).share();
        assert!(most < 1.0 && most > 0.999_999, "{most}");
    }
}
