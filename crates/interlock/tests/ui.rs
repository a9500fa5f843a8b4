//! What does not compile: ways around the interlock. Each has a twin in `ui/pass` that differs in one expression.

#[test]
fn there_is_no_way_around_the_interlock() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
