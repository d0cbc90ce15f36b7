//! `tests/golden/*.wat` with the machine code that is expected of them.

use std::path::Path;

use tierup_baseline::Baseline;
use tierup_compiler_tests::assert_golden;

#[test]
fn golden() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    assert_golden(&folder, &Baseline::portable());
}
