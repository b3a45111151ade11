//! Chance: what keeps many servers from asking at the same moment.

#[cfg(any(test, feature = "fuzzing"))]
thread_local! {
    /// Where draws on this thread come from, when a test must be able to repeat them.
    pub(crate) static SCRIPTED_DRAWS: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
}

/// Uniform in 0..1. The operating system's randomness differs in forked children, so that they do not ask at once.
pub(crate) fn draw() -> f64 {
    #[cfg(any(test, feature = "fuzzing"))]
    if let Some(script) = SCRIPTED_DRAWS.get() {
        let next = script.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        SCRIPTED_DRAWS.set(Some(next));
        return (next >> 33) as f64 / 2_f64.powi(31);
    }
    let mut bytes = [0; 4];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}
