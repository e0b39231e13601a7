#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = linekeeper_tests::parsers::log(data);
});
