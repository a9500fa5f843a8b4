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
