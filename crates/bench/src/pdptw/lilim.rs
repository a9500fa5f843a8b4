//! Reader of Li & Lim's instances of pickups and deliveries, and of the table of best-known solutions.
//!
//! First line: vehicles, capacity, speed. Then a row for each node: id, x, y, demand, ready, due, service, the id of its
//! pickup, the id of its delivery; 0 stands for none, and node 0 is the depot. White space separates, lines may end in
//! CR LF. The speed is not used: as the benchmark has it, a way takes as long as it is far.

use std::fmt;

/// The largest number of nodes: more than any published instance has.
const NODES_MAX: usize = 4_096;
/// Coordinates beyond this would not fit a millionth into a double's last place.
const COORDINATE_MAX: f64 = 1e6;

/// An instance as it stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instance {
    pub(crate) vehicles: u32,
    pub(crate) capacity: i64,
    /// The depot first.
    pub(crate) nodes: Vec<Node>,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) demand: i64,
    pub(crate) ready: i64,
    pub(crate) due: i64,
    pub(crate) service: i64,
    /// Where what is delivered here is picked up; 0 for a pickup.
    pub(crate) pickup: usize,
    /// Where what is picked up here is delivered; 0 for a delivery.
    pub(crate) delivery: usize,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadError {
    file: String,
    /// From one.
    line: usize,
    field: &'static str,
    value: String,
    rule: &'static str,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, field, value, rule } = self;
        write!(f, "{file}, line {line}: {field} is {value:?}; {rule}")
    }
}

impl std::error::Error for ReadError {}

/// Values of one line.
struct Fields<'a> {
    file: &'a str,
    line: usize,
    values: std::str::SplitWhitespace<'a>,
}

impl Fields<'_> {
    fn fault(&self, field: &'static str, value: impl fmt::Display, rule: &'static str) -> ReadError {
        // A value may be as long as the file.
        let value = value.to_string().chars().take(40).collect();
        ReadError { file: self.file.to_owned(), line: self.line, field, value, rule }
    }

    fn next<T: std::str::FromStr>(
        &mut self,
        field: &'static str,
        rule: &'static str,
    ) -> Result<T, ReadError> {
        let text = self.values.next().unwrap_or("");
        text.parse().map_err(|_| self.fault(field, text, rule))
    }

    fn whole(&mut self, field: &'static str) -> Result<i64, ReadError> {
        self.next(field, "a whole number is expected")
    }

    fn coordinate(&mut self, field: &'static str) -> Result<f64, ReadError> {
        let rule = "a number from minus to plus a million is expected";
        let value: f64 = self.next(field, rule)?;
        if value.abs() <= COORDINATE_MAX { Ok(value) } else { Err(self.fault(field, value, rule)) }
    }

    fn end(mut self) -> Result<(), ReadError> {
        match self.values.next() {
            Some(more) => Err(self.fault("line", more, "nothing more is expected")),
            None => Ok(()),
        }
    }

    fn node(mut self, id: usize) -> Result<Node, ReadError> {
        let found = self.whole("id")?;
        if usize::try_from(found) != Ok(id) {
            return Err(self.fault("id", found, "nodes are numbered from zero, in order"));
        }
        let node = Node {
            x: self.coordinate("x")?,
            y: self.coordinate("y")?,
            demand: self.whole("demand")?,
            ready: self.whole("ready")?,
            due: self.whole("due")?,
            service: self.whole("service")?,
            pickup: self.next("pickup", "the id of a node is expected")?,
            delivery: self.next("delivery", "the id of a node is expected")?,
        };
        let lone = (node.pickup == 0) == (node.delivery == 0);
        if lone != (id == 0) || (id == 0 && node.pickup != 0) {
            let value = format!("{} and {}", node.pickup, node.delivery);
            return Err(self.fault("pickup and delivery", value, "each node but the depot has one of both"));
        }
        self.end()?;
        Ok(node)
    }
}

impl Instance {
    /// Reads a file's text.
    pub(crate) fn read(file: &str, text: &str) -> Result<Self, ReadError> {
        let lines = (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let mut lines = lines.map(|(line, text)| Fields { file, line, values: text.split_whitespace() });
        let mut first = lines.next().unwrap_or(Fields { file, line: 1, values: "".split_whitespace() });
        let vehicles = first.next("vehicles", "a number of vehicles is expected")?;
        let capacity = first.whole("capacity")?;
        first.coordinate("speed")?;
        first.end()?;
        let (mut nodes, mut places) = (Vec::new(), Vec::new());
        for (id, fields) in lines.enumerate() {
            if NODES_MAX <= id {
                return Err(fields.fault("id", id, "at most 4096 nodes are expected"));
            }
            places.push(fields.line);
            nodes.push(fields.node(id)?);
        }
        let instance = Self { vehicles, capacity, nodes };
        instance.partners(file, &places)?;
        Ok(instance)
    }

    /// Pickup and delivery of every pair.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.nodes
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, node)| node.delivery != 0)
            .map(|(id, node)| (id, node.delivery))
    }

    fn partners(&self, file: &str, places: &[usize]) -> Result<(), ReadError> {
        let fault = |line: usize, field, value: String, rule| {
            Err(ReadError { file: file.to_owned(), line, field, value, rule })
        };
        if self.nodes.is_empty() {
            return fault(1, "depot", String::new(), "a row for node 0 is expected");
        }
        for ((id, node), &line) in self.nodes.iter().enumerate().zip(places).skip(1) {
            let (field, partner) =
                if node.pickup == 0 { ("delivery", node.delivery) } else { ("pickup", node.pickup) };
            let back = self
                .nodes
                .get(partner)
                .map(|other| if node.pickup == 0 { other.pickup } else { other.delivery });
            if back != Some(id) {
                return fault(line, field, partner.to_string(), "that node does not name this one");
            }
        }
        Ok(())
    }
}

/// Best-known vehicles and distance of an instance, out of a table with columns `instance`, `routes` and `distance`.
pub(crate) fn best_known(table: &str, instance: &str) -> Option<(usize, f64)> {
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next()?.split(',').map(str::trim).collect();
    let column = |name: &str| header.iter().position(|column| *column == name);
    let (name, routes, distance) = (column("instance")?, column("routes")?, column("distance")?);
    lines.find_map(|line| {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        (*cells.get(name)? == instance).then_some(())?;
        Some((cells.get(routes)?.parse().ok()?, cells.get(distance)?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: &str = "2\t10\t1\r\n0\t0\t0\t0\t0\t100\t0\t0\t0\r\n1\t3\t4\t5\t0\t50\t1\t0\t2\r\n\
                         2\t6\t8\t-5\t0\t80\t1\t1\t0\r\n";

    fn refused(text: &str) -> String {
        Instance::read("f", text).unwrap_err().to_string()
    }

    #[test]
    fn tabs_and_carriage_returns_are_read() {
        let instance = Instance::read("f", SMALL).unwrap();
        assert_eq!((instance.vehicles, instance.capacity, instance.nodes.len()), (2, 10, 3));
        assert_eq!(instance.pairs().collect::<Vec<_>>(), [(1, 2)]);
        assert_eq!(Instance::read("f", &SMALL.replace('\r', "").replace('\t', "  ")).unwrap(), instance);
    }

    #[test]
    fn faults_name_line_field_and_value() {
        assert_eq!(refused(""), "f, line 1: vehicles is \"\"; a number of vehicles is expected");
        assert_eq!(refused("1 1 1"), "f, line 1: depot is \"\"; a row for node 0 is expected");
        for (from, to, says) in [
            ("\t-5\t", "\tfive\t", "line 4: demand is \"five\""),
            ("1\t3\t4", "1\tNaN\t4", "line 3: x is \"NaN\""),
            ("2\t6\t8", "3\t6\t8", "line 4: id is \"3\""),
            ("\t0\t2\r", "\t0\t9\r", "line 3: delivery is \"9\""),
            ("\t0\t2\r", "\t1\t2\r", "line 3: pickup and delivery is \"1 and 2\""),
            ("\t0\t2\r", "\t0\t2\t7\r", "line 3: line is \"7\""),
        ] {
            assert!(refused(&SMALL.replacen(from, to, 1)).contains(says), "{says}");
        }
    }

    #[test]
    fn the_table_is_read_by_its_columns() {
        let table = "benchmark,instance,routes,distance\nx,lr1,20,4819.5\nx,bad,many,1\n";
        assert_eq!(best_known(table, "lr1"), Some((20, 4819.5)));
        assert_eq!(best_known(table, "bad"), None);
        assert_eq!(best_known(table, "none"), None);
        assert_eq!(best_known("", "lr1"), None);
    }

    proptest! {
        /// No text makes the reader panic, whether it looks like an instance or not.
        #[test]
        fn nothing_makes_it_panic(
            text in "\\PC{0,60}|([-0-9.eEinfNa]{0,6}[ \t\r\n]{0,2}){0,60}",
            cut in 0_usize..80,
            paste in any::<(usize, char)>(),
        ) {
            prop_assert!(Instance::read("f", &text).map_or(true, |read| !read.nodes.is_empty()));
            let _ = best_known(&text, &text);
            let mut changed: Vec<char> = SMALL.chars().collect();
            changed.remove(cut % SMALL.len());
            let place = paste.0 % changed.len();
            changed.insert(place, paste.1);
            let changed: String = changed.into_iter().collect();
            if let Ok(read) = Instance::read("f", &changed) {
                prop_assert!(read.pairs().all(|(p, d)| p < read.nodes.len() && d < read.nodes.len()));
            }
        }
    }
}
