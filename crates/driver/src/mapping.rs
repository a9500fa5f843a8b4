//! An integrator's own mapping of rules to clauses of standards and other documents, in TOML.
//!
//! The catalogues of the crates carry pointers of ours, all of them unverified. Whoever has the documents adds their own:
//!
//! ```toml
//! schema = 1
//!
//! [[clause]]
//! document = "Risk assessment of the ward, revision 3"
//! clause = "H-12"
//! status = "verified"       # somebody has compared the rule with the text; else "unverified"
//! rules = ["OBS-001", "MAP-001"]
//! ```
//!
//! Nothing is guessed: unknown fields, rules that no catalogue has, and repetitions are refused with line, field and
//! value. A mapping moves no robot and proves no conformity; it answers which rules answer to which clause.

use std::{
    collections::{BTreeMap, BTreeSet},
    error, fmt,
};

use sheepdog_core::{PointerStatus, Rule, RuleId};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The version of the format.
pub const MAPPING_SCHEMA: u32 = 1;

/// Rules and the clauses they answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    clauses: Vec<Clause>,
    /// Every rule that exists, with the catalogues' own pointers.
    rules: Vec<Rule>,
}

/// A clause of a document and the rules that answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The document, with its year.
    pub document: String,
    /// The clause; `?` where it is not known.
    pub clause: String,
    /// Whether somebody has compared the rules with the text.
    pub status: PointerStatus,
    /// The rules, in the order of the file.
    pub rules: Vec<RuleId>,
}

/// How many rules answer to what, by the mapping and the catalogues' own pointers together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Per document, by name.
    pub documents: Vec<DocumentCoverage>,
    /// The rules that point nowhere, in the order of the catalogues.
    pub without: Vec<RuleId>,
}

/// How many rules answer to one document. The three numbers add up to the number of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentCoverage {
    /// The document.
    pub document: String,
    /// Rules with a verified clause of it.
    pub verified: usize,
    /// Rules with unverified clauses of it only.
    pub unverified: usize,
    /// Rules without a clause of it.
    pub none: usize,
}

/// Why a text is no mapping: the first thing that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingError {
    /// The line, counted from one.
    pub line: usize,
    /// The field, with the path that leads there; empty where the text is no TOML.
    pub field: String,
    /// Its value as far as it is a text or a number, otherwise its type; empty where it is missing.
    pub value: String,
    /// What is wrong with it.
    pub problem: MappingProblem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MappingProblem {
    /// The text is no TOML.
    Syntax(String),
    /// It is missing.
    Missing,
    /// There is no such field.
    UnknownField,
    /// It has another type.
    Type(&'static str),
    /// It is another version of the format.
    Schema,
    /// It is empty.
    Empty,
    /// It is neither `verified` nor `unverified`.
    Status,
    /// A clause that is not known cannot have been verified.
    Unverifiable,
    /// No catalogue has this rule.
    UnknownRule,
    /// The rule is named twice for one clause.
    RepeatedRule,
    /// The clause has an entry already.
    RepeatedClause,
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, field, value, problem } = self;
        write!(f, "line {line}: ")?;
        if !field.is_empty() {
            write!(f, "`{field}` ")?;
        }
        // What is empty has no value to show.
        if !value.is_empty() && *problem != MappingProblem::Empty {
            write!(f, "is {value:?}, ")?;
        }
        match problem {
            MappingProblem::Syntax(message) => write!(f, "{message}"),
            MappingProblem::Missing => write!(f, "is missing"),
            MappingProblem::UnknownField => write!(f, "but there is no such field"),
            MappingProblem::Type(needed) => write!(f, "it must be {needed}"),
            MappingProblem::Schema => write!(f, "this version reads schema {MAPPING_SCHEMA}"),
            MappingProblem::Empty => write!(f, "is empty"),
            MappingProblem::Status => write!(f, "it must be \"verified\" or \"unverified\""),
            MappingProblem::Unverifiable => write!(f, "but a clause \"?\" cannot have been verified"),
            MappingProblem::UnknownRule => write!(f, "no catalogue has this rule"),
            MappingProblem::RepeatedRule => write!(f, "which this clause names already"),
            MappingProblem::RepeatedClause => write!(f, "this clause of the document has an entry already"),
        }
    }
}

impl error::Error for MappingError {}

impl Mapping {
    /// Reads a mapping that speaks of the rules of these catalogues. About linear in the text.
    ///
    /// ```
    /// # use sheepdog_driver::mapping::Mapping;
    /// # use sheepdog_interlock::{RULES, packs};
    /// let text = r#"
    /// schema = 1
    /// [[clause]]
    /// document = "House rules"
    /// clause = "3"
    /// status = "verified"
    /// rules = ["OBS-001", "MAP-099"]
    /// "#;
    /// let error = Mapping::from_toml(text, &[RULES, packs::RULES]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#"line 7: `clause[0].rules[1]` is "MAP-099", no catalogue has this rule"#,
    /// );
    /// ```
    ///
    /// # Errors
    /// [`MappingError`] with line, field and value of the first thing that is wrong.
    pub fn from_toml(text: &str, catalogues: &[&[Rule]]) -> Result<Self, MappingError> {
        let rules: Vec<Rule> = catalogues.iter().flat_map(|rules| rules.iter().copied()).collect();
        let reader = Reader { text, known: rules.iter().map(|rule| rule.id).collect() };
        let clauses = reader.mapping()?;
        Ok(Self { clauses, rules })
    }

    /// The clauses, in the order of the file.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// The clauses that a rule answers to, in the order of the file.
    pub fn clauses_of(&self, rule: RuleId) -> impl Iterator<Item = &Clause> {
        self.clauses.iter().filter(move |clause| clause.rules.contains(&rule))
    }

    /// How many rules answer to what. Linear in pointers times the logarithm of their number.
    pub fn coverage(&self) -> Coverage {
        let ours = self
            .rules
            .iter()
            .flat_map(|rule| rule.pointers.iter().map(|pointer| (pointer.document, rule.id, pointer.status)));
        let theirs = self.clauses.iter().flat_map(|clause| {
            clause.rules.iter().map(|rule| (clause.document.as_str(), *rule, clause.status))
        });
        let mut documents: BTreeMap<&str, BTreeMap<RuleId, PointerStatus>> = BTreeMap::new();
        for (document, rule, status) in ours.chain(theirs) {
            let best = documents.entry(document).or_default().entry(rule).or_insert(status);
            // Verified sorts first.
            *best = status.min(*best);
        }
        let pointing: BTreeSet<RuleId> = documents.values().flat_map(BTreeMap::keys).copied().collect();
        let without = self.rules.iter().map(|rule| rule.id).filter(|rule| !pointing.contains(rule));
        Coverage {
            documents: documents.iter().map(|(document, rules)| self.count(document, rules)).collect(),
            without: without.collect(),
        }
    }

    fn count(&self, document: &str, rules: &BTreeMap<RuleId, PointerStatus>) -> DocumentCoverage {
        let verified = rules.values().filter(|status| **status == PointerStatus::Verified).count();
        DocumentCoverage {
            document: document.to_owned(),
            verified,
            unverified: rules.len().saturating_sub(verified),
            none: self.rules.len().saturating_sub(rules.len()),
        }
    }
}

impl fmt::Display for Coverage {
    /// A table for people, which says first what it is not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Pointers to documents. They prove no conformity, and nothing here is certified.")?;
        writeln!(f, "{:>8} {:>10} {:>4}  document", "verified", "unverified", "none")?;
        for DocumentCoverage { document, verified, unverified, none } in &self.documents {
            writeln!(f, "{verified:>8} {unverified:>10} {none:>4}  {document}")?;
        }
        write!(f, "rules without any pointer: {}", self.without.len())?;
        self.without.iter().try_for_each(|rule| write!(f, " {rule}"))
    }
}

/// Reads one text.
struct Reader<'a> {
    text: &'a str,
    known: BTreeSet<RuleId>,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn mapping(&self) -> Result<Vec<Clause>, MappingError> {
        let tree = DeTable::parse(self.text).map_err(|error| MappingError {
            line: self.line(error.span().map_or(0, |span| span.start)),
            field: String::new(),
            value: String::new(),
            // Some messages of the reader span lines; ours are one line.
            problem: MappingProblem::Syntax(error.message().trim().replace('\n', "; ")),
        })?;
        let table = tree.get_ref();
        self.only(table, "", &["schema", "clause"])?;
        self.schema(table)?;
        let Some(clauses) = table.get("clause") else { return Ok(Vec::new()) };
        let mut read: Vec<Clause> = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, value) in self.array("clause", clauses)?.iter().enumerate() {
            let path = format!("clause[{index}]");
            let clause = self.clause(&path, value)?;
            if !seen.insert((clause.document.clone(), clause.clause.clone())) {
                let (line, value) = (self.line(value.span().start), clause.clause);
                let (field, problem) = (format!("{path}.clause"), MappingProblem::RepeatedClause);
                return Err(MappingError { line, field, value, problem });
            }
            read.push(clause);
        }
        Ok(read)
    }

    fn schema(&self, table: &DeTable<'_>) -> Result<(), MappingError> {
        let Some(schema) = table.get("schema") else {
            let (field, value) = ("schema".to_owned(), String::new());
            return Err(MappingError { line: 1, field, value, problem: MappingProblem::Missing });
        };
        let Some(number) = schema.get_ref().as_integer() else {
            return Err(self.wrong("schema", schema, MappingProblem::Type("a whole number")));
        };
        if u32::from_str_radix(number.as_str(), number.radix()) == Ok(MAPPING_SCHEMA) {
            Ok(())
        } else {
            Err(self.wrong("schema", schema, MappingProblem::Schema))
        }
    }

    fn clause(&self, path: &str, value: &Value<'_>) -> Result<Clause, MappingError> {
        let Some(table) = value.get_ref().as_table() else {
            return Err(self.wrong(path, value, MappingProblem::Type("a table")));
        };
        self.only(table, path, &["document", "clause", "status", "rules"])?;
        let field = |name: &str| {
            let path = format!("{path}.{name}");
            table.get(name).map(|value| (path.clone(), value)).ok_or_else(|| MappingError {
                line: self.line(value.span().start),
                field: path,
                value: String::new(),
                problem: MappingProblem::Missing,
            })
        };
        let (at, document) = field("document")?;
        let document = self.string(&at, document)?;
        let (at, clause) = field("clause")?;
        let clause = self.string(&at, clause)?;
        let (at, status) = field("status")?;
        let status = match self.string(&at, status)? {
            "verified" if clause == "?" => return Err(self.wrong(&at, status, MappingProblem::Unverifiable)),
            "verified" => PointerStatus::Verified,
            "unverified" => PointerStatus::Unverified,
            _ => return Err(self.wrong(&at, status, MappingProblem::Status)),
        };
        let (at, rules) = field("rules")?;
        let rules = self.rules(&at, rules)?;
        Ok(Clause { document: document.to_owned(), clause: clause.to_owned(), status, rules })
    }

    fn rules(&self, path: &str, value: &Value<'_>) -> Result<Vec<RuleId>, MappingError> {
        let mut rules = Vec::new();
        for (index, value) in self.array(path, value)?.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let known = RuleId::parse(self.string(&path, value)?).filter(|rule| self.known.contains(rule));
            let Some(rule) = known else { return Err(self.wrong(&path, value, MappingProblem::UnknownRule)) };
            if rules.contains(&rule) {
                return Err(self.wrong(&path, value, MappingProblem::RepeatedRule));
            }
            rules.push(rule);
        }
        if rules.is_empty() { Err(self.wrong(path, value, MappingProblem::Empty)) } else { Ok(rules) }
    }

    /// Refuses fields that do not exist.
    fn only(&self, table: &DeTable<'_>, path: &str, fields: &[&str]) -> Result<(), MappingError> {
        let dot = if path.is_empty() { "" } else { "." };
        let stranger = table.iter().find(|(key, _)| !fields.contains(&key.get_ref().as_ref()));
        stranger.map_or(Ok(()), |(key, value)| {
            Err(MappingError {
                line: self.line(key.span().start),
                field: format!("{path}{dot}{}", key.get_ref()),
                value: shown(value.get_ref()),
                problem: MappingProblem::UnknownField,
            })
        })
    }

    fn array<'v, 'd>(&self, path: &str, value: &'v Value<'d>) -> Result<&'v [Value<'d>], MappingError> {
        let array = value.get_ref().as_array().map(|array| &**array);
        array.ok_or_else(|| self.wrong(path, value, MappingProblem::Type("an array")))
    }

    /// A text that is not blank.
    fn string<'v>(&self, path: &str, value: &'v Value<'_>) -> Result<&'v str, MappingError> {
        let Some(text) = value.get_ref().as_str() else {
            return Err(self.wrong(path, value, MappingProblem::Type("a text")));
        };
        if text.trim().is_empty() { Err(self.wrong(path, value, MappingProblem::Empty)) } else { Ok(text) }
    }

    fn wrong(&self, path: &str, value: &Value<'_>, problem: MappingProblem) -> MappingError {
        let line = self.line(value.span().start);
        MappingError { line, field: path.to_owned(), value: shown(value.get_ref()), problem }
    }

    /// The line of the byte at `offset`, counted from one.
    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count().saturating_add(1)
    }
}

/// A value as an error shows it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => value.type_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sheepdog_core::Pointer;
    use sheepdog_interlock::{RULES, packs};

    const A: Rule = Rule::new(RuleId::new("AAA-001"), "A (1).", "Because.");
    const B: Rule = Rule::new(RuleId::new("BBB-001"), "B (1).", "Because.").pointing(&[Pointer {
        document: "Ours",
        clause: "?",
        status: PointerStatus::Unverified,
    }]);
    const C: Rule = Rule::new(RuleId::new("CCC-001"), "C (1).", "Because.");

    fn read(text: &str) -> Result<Mapping, MappingError> {
        Mapping::from_toml(text, &[&[A, B], &[C]])
    }

    fn clause(fields: &str) -> String {
        format!("schema = 1\n\n[[clause]]\n{fields}\n")
    }

    const GOOD: &str = "document = \"D\"\nclause = \"4.2\"\nstatus = \"verified\"\nrules = [\"AAA-001\"]";

    #[test]
    fn the_example_is_read_with_the_catalogues() {
        let text = include_str!("../../../docs/mapping-example.toml");
        let mapping = Mapping::from_toml(text, &[RULES, packs::RULES]).unwrap();
        let total = RULES.len() + packs::RULES.len();
        let coverage = mapping.coverage();
        for document in &coverage.documents {
            assert_eq!(document.verified + document.unverified + document.none, total, "{document:?}");
        }
        let unread =
            coverage.documents.iter().find(|document| document.document == "GB/T 42645-2023").unwrap();
        assert_eq!((unread.verified, unread.unverified), (0, 3));
        assert!(coverage.to_string().starts_with("Pointers to documents. They prove no conformity"));
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let mapping = read(&clause(GOOD)).unwrap();
        let expected = Clause {
            document: "D".to_owned(),
            clause: "4.2".to_owned(),
            status: PointerStatus::Verified,
            rules: vec![A.id],
        };
        assert_eq!(mapping.clauses(), std::slice::from_ref(&expected));
        assert!(mapping.clauses_of(A.id).eq([&expected]));
        assert_eq!(mapping.clauses_of(B.id).count(), 0);
        assert!(read("schema = 1").unwrap().clauses().is_empty());
    }

    #[test]
    fn coverage_counts_every_rule_once_per_document() {
        let text = r#"
            schema = 1
            [[clause]]
            document = "D"
            clause = "1"
            status = "unverified"
            rules = ["AAA-001", "BBB-001"]
            [[clause]]
            document = "D"
            clause = "2"
            status = "verified"
            rules = ["AAA-001"]
            [[clause]]
            document = "Ours"
            clause = "9"
            status = "verified"
            rules = ["BBB-001"]
        "#;
        let coverage = read(text).unwrap().coverage();
        let counted = |document: &str, verified, unverified, none| DocumentCoverage {
            document: document.to_owned(),
            verified,
            unverified,
            none,
        };
        assert_eq!(coverage.documents, [counted("D", 1, 1, 1), counted("Ours", 1, 0, 2)]);
        assert_eq!(coverage.without, [C.id]);
        assert_eq!(
            read("schema = 1").unwrap().coverage(),
            Coverage { documents: vec![counted("Ours", 0, 1, 2)], without: vec![A.id, C.id] }
        );
        assert!(coverage.to_string().ends_with("rules without any pointer: 1 CCC-001"));
    }

    #[test]
    fn every_error_says_where_and_what() {
        let without = |field: &str| {
            clause(&GOOD.lines().filter(|line| !line.starts_with(field)).collect::<Vec<_>>().join("\n"))
        };
        let with = |field: &str, line: &str| {
            let keep = |old: &str| if old.starts_with(field) { line.to_owned() } else { old.to_owned() };
            clause(&GOOD.lines().map(keep).collect::<Vec<_>>().join("\n"))
        };
        let cases = [
            (String::new(), "line 1: `schema` is missing"),
            ("schema = 2".to_owned(), "line 1: `schema` is \"2\", this version reads schema 1"),
            ("\nschema = \"1\"".to_owned(), "line 2: `schema` is \"1\", it must be a whole number"),
            ("schema = 1\nclauses = 3".to_owned(), "line 2: `clauses` is \"3\", but there is no such field"),
            ("schema = 1\nclause = 3".to_owned(), "line 2: `clause` is \"3\", it must be an array"),
            ("schema = 1\nclause = [3]".to_owned(), "line 2: `clause[0]` is \"3\", it must be a table"),
            (without("document"), "line 3: `clause[0].document` is missing"),
            (without("clause"), "line 3: `clause[0].clause` is missing"),
            (without("status"), "line 3: `clause[0].status` is missing"),
            (without("rules"), "line 3: `clause[0].rules` is missing"),
            (with("document", "document = 7"), "line 4: `clause[0].document` is \"7\", it must be a text"),
            (with("document", "document = \"\""), "line 4: `clause[0].document` is empty"),
            (
                with("status", "status = \"Verified\""),
                "line 6: `clause[0].status` is \"Verified\", it must be \"verified\" or \"unverified\"",
            ),
            (
                with("clause", "clause = \"?\""),
                "line 6: `clause[0].status` is \"verified\", but a clause \"?\" cannot have been verified",
            ),
            (with("rules", "rules = []"), "line 7: `clause[0].rules` is empty"),
            (
                with("rules", "rules = [\n\"AAA-001\",\n\"AAA-002\"]"),
                "line 9: `clause[0].rules[1]` is \"AAA-002\", no catalogue has this rule",
            ),
            (
                with("rules", "rules = [\"aaa\"]"),
                "line 7: `clause[0].rules[0]` is \"aaa\", no catalogue has this rule",
            ),
            (
                with("rules", "rules = [\"AAA-001\", \"AAA-001\"]"),
                "line 7: `clause[0].rules[1]` is \"AAA-001\", which this clause names already",
            ),
            (
                clause(&format!("{GOOD}\ntitle = \"T\"")),
                "line 8: `clause[0].title` is \"T\", but there is no such field",
            ),
            (
                clause(&format!("{GOOD}\n[[clause]]\n{GOOD}")),
                "line 8: `clause[1].clause` is \"4.2\", this clause of the document has an entry already",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(&text).unwrap_err().to_string(), expected, "{text}");
        }
        let broken = read("schema = 1\n[[clause]\n").unwrap_err();
        assert!(matches!(broken.problem, MappingProblem::Syntax(_)) && broken.line == 2, "{broken}");
    }
}
