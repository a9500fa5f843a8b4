//! Rules by which a site is compiled.

use sheepdog_core::{Parameter, Rule, RuleId};

/// A release never ends where the standing footprint would make an exit or fire lane too narrow.
pub const WAY_OUT: RuleId = RuleId::new("MAP-003");

/// Every rule this crate decides by.
pub const RULES: &[Rule] = &[Rule::new(
    WAY_OUT,
    "No release ends where the standing footprint and its margin would leave less than `way_out_width` clear in an exit \
     or fire lane (mm).",
    "Robots queue and park anywhere they may stop; people who leave a building must not have to climb over them.",
)
.comparing(&[Parameter { name: "way_out_width", unit: "mm", default: "1_200" }])];
