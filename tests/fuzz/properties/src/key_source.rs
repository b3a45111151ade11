//! Events around a key source, under a scripted clock.

/// Input: the choices of a history. The model beside the source, which the tests of the core use too, holds the promises of
/// the rules against it after every event.
pub fn holds_for(input: &[u8]) {
    scopegate_core::fuzzing::key_source_history(input);
}
