//! The header of a fleet's ledger file: everything needed to replay it elsewhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sheepdog_core::{Mm, SiteVersion};
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
        Ok(Self {
            software: concat!("sheepdog ", env!("CARGO_PKG_VERSION")).to_owned(),
            site: compiled.version(),
            source: site.to_toml().map_err(|error| HeaderError::Site(error.to_string()))?,
            roadmap: options.roadmap.clone(),
            spacing: options.spacing,
            classes: options
                .classes
                .iter()
                .map(|class| (class.name.clone(), class.radius, class.margin))
                .collect(),
        })
    }

    /// Canonical bytes (postcard).
    ///
    /// # Errors
    /// [`HeaderError::Encoding`] if a part is too long to encode.
    pub fn encode(&self) -> Result<Vec<u8>, HeaderError> {
        postcard::to_allocvec(self).map_err(|error| HeaderError::Encoding(error.to_string()))
    }

    /// Reads a header.
    ///
    /// # Errors
    /// [`HeaderError::Encoding`] if the bytes are no header of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        postcard::from_bytes(bytes).map_err(|error| HeaderError::Encoding(error.to_string()))
    }

    /// The site the ledger was written on, compiled again and compared by content hash.
    ///
    /// # Errors
    /// [`HeaderError`] if it does not compile, or to something else.
    pub fn compile(&self) -> Result<Arc<CompiledSite>, HeaderError> {
        let site = Site::from_toml(&self.source).map_err(|error| HeaderError::Site(error.to_string()))?;
        let class = |(name, radius, margin): &(String, Mm, Mm)| FootprintClass {
            name: name.clone(),
            radius: *radius,
            margin: *margin,
        };
        let options = CompileOptions {
            roadmap: self.roadmap.clone(),
            spacing: self.spacing,
            ..CompileOptions::new(self.classes.iter().map(class).collect())
        };
        let compiled = site.compile(&options).map_err(|errors| {
            HeaderError::Site(errors.first().map_or_else(String::new, ToString::to_string))
        })?;
        if compiled.version() != self.site {
            return Err(HeaderError::OtherSite { expected: self.site, found: compiled.version() });
        }
        Ok(Arc::new(compiled))
    }
}
