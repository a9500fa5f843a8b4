//! Rules: what every award, hold and stop cites.

use core::fmt;

/// A rule's stable name, seven ASCII characters such as `OBS-001`. Ids are never reused.
///
/// ```
/// # use sheepdog_core::RuleId;
/// assert_eq!(RuleId::new("OBS-001").as_str(), "OBS-001");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId([u8; 7]);

impl RuleId {
    /// The id spelt `text`; whatever is not exactly three capitals, a hyphen and three digits becomes `INT-000`.
    ///
    /// Rules are constants, so the check runs when the program is compiled and tests compare the spelling.
    pub const fn new(text: &str) -> Self {
        match Self::parse(text) {
            Some(id) => id,
            None => Self(*b"INT-000"),
        }
    }

    /// The id spelt `text`, or `None` when it is not three capitals, a hyphen and three digits.
    pub const fn parse(text: &str) -> Option<Self> {
        let Some((id, [])) = text.as_bytes().split_first_chunk::<7>() else {
            return None;
        };
        let [l0, l1, l2, hyphen, d0, d1, d2] = *id;
        let letters = l0.is_ascii_uppercase() && l1.is_ascii_uppercase() && l2.is_ascii_uppercase();
        let digits = d0.is_ascii_digit() && d1.is_ascii_digit() && d2.is_ascii_digit();
        if letters && hyphen == b'-' && digits { Some(Self(*id)) } else { None }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("INT-000")
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for RuleId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for RuleId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = RuleId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule id such as OBS-001")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RuleId, E> {
                RuleId::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// One rule of a crate's catalogue. `docs/rules.md` is generated from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable name.
    pub id: RuleId,
    /// What the rule says, as one sentence with its unit.
    pub text: &'static str,
    /// Why the rule exists.
    pub rationale: &'static str,
    /// How motion ends when the rule fires; `None` for rules that do not stop a robot.
    pub category: Option<StopCategory>,
    /// The settings it compares with.
    pub parameters: &'static [Parameter],
    /// Where in standards and guides the same concern is treated. Pointers, never quotations.
    pub pointers: &'static [Pointer],
}

impl Rule {
    /// A rule that stops no robot by itself, without parameters and pointers.
    ///
    /// ```
    /// # use sheepdog_core::{Rule, RuleId, StopCategory};
    /// let rule = Rule::new(RuleId::new("OBS-001"), "No motion into the unknown.", "It may be occupied.");
    /// assert_eq!(rule.stopping(StopCategory::One).category, Some(StopCategory::One));
    /// ```
    pub const fn new(id: RuleId, text: &'static str, rationale: &'static str) -> Self {
        Self { id, text, rationale, category: None, parameters: &[], pointers: &[] }
    }

    /// The same rule, ending motion in this way.
    #[must_use]
    pub const fn stopping(self, category: StopCategory) -> Self {
        Self { category: Some(category), ..self }
    }

    /// The same rule with these settings.
    #[must_use]
    pub const fn comparing(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    /// The same rule with these pointers.
    #[must_use]
    pub const fn pointing(self, pointers: &'static [Pointer]) -> Self {
        Self { pointers, ..self }
    }
}

/// A setting that a rule compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The field of the settings.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What simulated robots use. Every integrator sets their own.
    pub default: &'static str,
}

/// A place in somebody else's document that treats the same concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The document, with its year.
    pub document: &'static str,
    /// The clause; `?` where it is not known.
    pub clause: &'static str,
    /// Whether somebody has compared the rule with the document itself.
    pub status: PointerStatus,
}

/// What is known about a [`Pointer`]. A rule without pointers has none to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PointerStatus {
    /// Compared with the text of the document.
    Verified,
    /// Taken from secondary sources.
    Unverified,
}

/// Stop category after IEC 60204-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum StopCategory {
    /// Power is removed at once.
    Zero,
    /// A controlled stop, then power is removed.
    One,
    /// A controlled stop; power stays and standstill is monitored.
    Two,
}

impl fmt::Display for StopCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "category 0",
            Self::One => "category 1",
            Self::Two => "category 2",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stable_form_parses() {
        assert_eq!(RuleId::parse("OBS-001").map(|id| id.0), Some(*b"OBS-001"));
        for wrong in ["", "OBS-01", "obs-001", "OBS_001", "OBS-0001", "ÖBS-01"] {
            assert_eq!(RuleId::parse(wrong), None, "{wrong}");
        }
    }
}
