#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| scopegate_fuzz_properties::key_source::holds_for(input));
