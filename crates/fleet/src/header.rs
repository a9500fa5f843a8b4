//! The header of a fleet's ledger file: everything needed to replay it elsewhere.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sheepdog_core::{Mm, Rule, SiteVersion, StopCategory};
use sheepdog_ledger::{Digest, SaltKey};
use sheepdog_map::{CompileOptions, CompiledSite, FootprintClass, Site};

/// Which software on which site wrote a ledger. It is hashed into the first record's `previous` digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Name and version of the software.
    pub software: String,
    /// Content hash of the compiled site.
    pub site: SiteVersion,
    /// The site as authored, in our TOML format.
    pub source: String,
    /// The roadmap that was compiled, when the site has several.
    pub roadmap: Option<String>,
    /// Longest piece of a lane.
    pub spacing: Mm,
    /// Footprint classes, as name, radius and margin.
    pub classes: Vec<(String, Mm, Mm)>,
    /// Digest of the rule catalogues that decided; `None` in ledgers of format 1, which did not say. Fields that format
    /// 1 lacks stand last, so that its header is the beginning of one of today.
    pub rules: Option<Digest>,
    /// What is kept clear in exits and fire lanes.
    pub way_out_width: Mm,
    /// Half widths of the footprint classes, in their order; a class without one is round. Formats 1 and 2 lack it.
    pub half_widths: Vec<Mm>,
    /// What salts the bodies of the ledger. Never encoded: it lives in the key table.
    #[serde(skip)]
    pub salts: SaltKey,
}

/// What decides: a decision can be expected to come out the same only under the same version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Name and version of the software.
    pub software: String,
    /// Digest of the rule catalogues; `None` if unknown.
    pub rules: Option<Digest>,
}

impl Version {
    /// What runs here.
    pub fn this() -> Self {
        Self {
            software: concat!("sheepdog ", env!("CARGO_PKG_VERSION")).to_owned(),
            rules: Some(rules_digest()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rules {
            Some(rules) => write!(f, "{} with rules {rules}", self.software),
            None => write!(f, "{} with unknown rules", self.software),
        }
    }
}

/// A ledger was written by something else than what reads it. Decisions that come out differently prove nothing then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherVersion {
    /// What wrote the ledger.
    pub written_by: Version,
    /// What runs here.
    pub this: Version,
}

impl fmt::Display for OtherVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "written by {}, this is {}", self.written_by, self.this)
    }
}

/// [`catalogues_digest`] of dispatch, traffic and fleet. The robots' catalogue belongs to the robots' ledgers.
pub fn rules_digest() -> Digest {
    catalogues_digest(&[sheepdog_dispatch::RULES, sheepdog_traffic::RULES, crate::rules::RULES])
}

/// SHA-256 over catalogues, each in the order of its ids.
///
/// Of each rule: its id, then text and rationale, each after its length in bytes (u32, little-endian), then one byte
/// for the stop category (0 for none, else one more than the category).
pub fn catalogues_digest(catalogues: &[&[Rule]]) -> Digest {
    let mut hash = Sha256::new();
    for catalogue in catalogues {
        let mut rules = catalogue.to_vec();
        rules.sort_by_key(|rule| rule.id);
        for rule in &rules {
            hash_rule(&mut hash, rule);
        }
    }
    Digest(hash.finalize().into())
}

fn hash_rule(hash: &mut Sha256, rule: &Rule) {
    hash.update(rule.id.as_str());
    for text in [rule.text, rule.rationale] {
        hash.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        hash.update(text);
    }
    hash.update([match rule.category {
        None => 0,
        Some(StopCategory::Zero) => 1,
        Some(StopCategory::One) => 2,
        Some(StopCategory::Two) => 3,
    }]);
}

/// Why a header does not lead to a site.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The bytes are no header of this version.
    #[error("the ledger's header cannot be read: {0}")]
    Encoding(String),
    /// The site in the header cannot be read or compiled.
    #[error("the site in the ledger's header: {0}")]
    Site(String),
    /// The site in the header compiles to something else, as another version of the software would.
    #[error("the site in the ledger's header compiles to {found}, the ledger was written on {expected}")]
    OtherSite {
        /// The site the ledger was written on.
        expected: SiteVersion,
        /// What came out now.
        found: SiteVersion,
    },
}

impl Header {
    /// The header for a fleet on `site`, compiled with `options` to `compiled`.
    ///
    /// # Errors
    /// [`HeaderError::Site`] if the authored site has no TOML form.
    pub fn new(site: &Site, options: &CompileOptions, compiled: &CompiledSite) -> Result<Self, HeaderError> {
        let version = Version::this();
        Ok(Self {
            software: version.software,
            site: compiled.version(),
            source: site.to_toml().map_err(|error| HeaderError::Site(error.to_string()))?,
            roadmap: options.roadmap.clone(),
            spacing: options.spacing,
            classes: options
                .classes
                .iter()
                .map(|class| (class.name.clone(), class.radius, class.margin))
                .collect(),
            half_widths: options.classes.iter().map(|class| class.half_width).collect(),
            rules: version.rules,
            salts: SaltKey::PUBLIC,
            way_out_width: options.way_out_width,
        })
    }

    /// The same header for a ledger whose bodies are salted with a secret, so that exports can leave some out.
    #[must_use]
    pub fn with_salts(self, salts: SaltKey) -> Self {
        Self { salts, ..self }
    }

    /// The same header as this software writes it, for what it adds to a ledger that another version began.
    #[must_use]
    pub fn of_this_version(self) -> Self {
        let Version { software, rules } = Version::this();
        Self { software, rules, ..self }
    }

    /// What wrote the ledger, if that is not what runs here.
    pub fn other_version(&self) -> Option<OtherVersion> {
        let written_by = Version { software: self.software.clone(), rules: self.rules };
        let this = Version::this();
        (written_by != this).then_some(OtherVersion { written_by, this })
    }

    /// Canonical bytes (postcard).
    ///
    /// # Errors
    /// [`HeaderError::Encoding`] if a part is too long to encode.
    pub fn encode(&self) -> Result<Vec<u8>, HeaderError> {
        postcard::to_allocvec(self).map_err(|error| HeaderError::Encoding(error.to_string()))
    }

    /// Reads a header, one of format 1 too. Its salts are [`SaltKey::PUBLIC`]: the key table has the others.
    ///
    /// # Errors
    /// [`HeaderError::Encoding`] if the bytes are no header that any version wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let read = postcard::from_bytes(bytes).or_else(|error| {
            // With what an older format lacks behind it, it is a header of today: format 2 knew round footprints only,
            // and format 1 neither salts nor the width of ways out.
            let round: Vec<Mm> = Vec::new();
            let first: (Option<Digest>, Mm) = (None, CompileOptions::new(Vec::new()).way_out_width);
            let lacking = [postcard::to_allocvec(&round), postcard::to_allocvec(&(first, &round))];
            let whole = |lacking: Vec<u8>| postcard::from_bytes(&[bytes, &lacking].concat()).ok();
            lacking.into_iter().flatten().find_map(whole).ok_or(error)
        });
        read.map_err(|error| HeaderError::Encoding(error.to_string()))
    }

    /// How the site was compiled.
    pub fn options(&self) -> CompileOptions {
        let class = |(index, (name, radius, margin)): (usize, &(String, Mm, Mm))| {
            let half_width = self.half_widths.get(index).copied().unwrap_or(*radius);
            FootprintClass { half_width, ..FootprintClass::round(name.clone(), *radius, *margin) }
        };
        CompileOptions {
            roadmap: self.roadmap.clone(),
            spacing: self.spacing,
            way_out_width: self.way_out_width,
            ..CompileOptions::new(self.classes.iter().enumerate().map(class).collect())
        }
    }

    /// The site the ledger was written on, compiled again and compared by content hash.
    ///
    /// # Errors
    /// [`HeaderError`] if it does not compile, or to something else.
    pub fn compile(&self) -> Result<Arc<CompiledSite>, HeaderError> {
        let site = Site::from_toml(&self.source).map_err(|error| HeaderError::Site(error.to_string()))?;
        let compiled = site.compile(&self.options()).map_err(|errors| {
            HeaderError::Site(errors.first().map_or_else(String::new, ToString::to_string))
        })?;
        if compiled.version() != self.site {
            return Err(HeaderError::OtherSite { expected: self.site, found: compiled.version() });
        }
        Ok(Arc::new(compiled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            software: "sheepdog 0.0.1".to_owned(),
            site: SiteVersion([3; 32]),
            source: "name = \"a\"".to_owned(),
            roadmap: Some("main".to_owned()),
            spacing: Mm(1_500),
            classes: vec![("round".to_owned(), Mm(300), Mm(150))],
            rules: Some(Digest([5; 32])),
            way_out_width: Mm(1_200),
            half_widths: vec![Mm(200)],
            salts: SaltKey::PUBLIC,
        }
    }

    /// Bytes that the software wrote before headers named their rules, and before footprints had a width of their own.
    #[test]
    fn headers_of_older_formats_are_still_read() {
        let before = [
            &[14][..],
            b"sheepdog 0.0.1",
            &[3; 32],
            &[10],
            b"name = \"a\"",
            &[1, 4],
            b"main",
            &[0xdc, 0x0b, 1, 5],
            b"round",
            &[0xac, 0x02, 0x96, 0x01],
        ]
        .concat();
        let round = Header { half_widths: Vec::new(), ..header() };
        assert_eq!(Header::decode(&before), Ok(Header { rules: None, ..round.clone() }));
        let second = [&before[..], &[1], &[5; 32], &[0xb0, 0x09]].concat();
        assert_eq!(Header::decode(&second), Ok(round));
        let today = [&second[..], &[1, 0xc8, 0x01]].concat();
        assert_eq!((header().encode().unwrap(), Header::decode(&today)), (today.clone(), Ok(header())));
        assert!(Header::decode(&before[..before.len() - 1]).is_err());
    }

    #[test]
    fn the_secret_of_the_salts_is_never_encoded() {
        let salted = header().with_salts(SaltKey::new([0xa5; 32]));
        assert_eq!(salted.encode(), header().encode());
        assert_eq!(Header::decode(&salted.encode().unwrap()), Ok(header()));
    }

    #[test]
    fn another_software_and_other_rules_are_another_version() {
        let this = header().of_this_version();
        assert_eq!(this.other_version(), None);
        let software = Header { software: "sheepdog 0.0.1".to_owned(), ..this.clone() };
        assert_eq!(software.other_version().map(|other| other.this), Some(Version::this()));
        for rules in [None, Some(Digest([5; 32]))] {
            let other = Header { rules, ..this.clone() }.other_version().unwrap();
            assert_eq!((other.written_by.software, other.written_by.rules), (this.software.clone(), rules));
        }
    }

    /// The digest changes with every part of a rule, and texts cannot run into each other.
    #[test]
    fn every_part_of_a_rule_is_hashed() {
        let rule = Rule::new(sheepdog_core::RuleId::new("AAA-001"), "ab", "c");
        let digest = |rule: Rule| {
            let mut hash = Sha256::new();
            hash_rule(&mut hash, &rule);
            hash.finalize()
        };
        let all = [
            digest(rule),
            digest(Rule { id: sheepdog_core::RuleId::new("AAA-002"), ..rule }),
            digest(Rule { text: "a", rationale: "bc", ..rule }),
            digest(Rule { rationale: "d", ..rule }),
            digest(Rule { category: Some(StopCategory::Zero), ..rule }),
            digest(Rule { category: Some(StopCategory::One), ..rule }),
            digest(Rule { category: Some(StopCategory::Two), ..rule }),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|other| one != other), "{i}");
        }
    }
}
