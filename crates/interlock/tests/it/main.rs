//! What the interlock promises, tried from outside.

#[cfg(test)]
mod beams;
#[cfg(test)]
mod boundary;
#[cfg(test)]
mod common;
#[cfg(test)]
mod edges;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod guarded;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod nav2;
#[cfg(test)]
mod pack_slots;
#[cfg(test)]
mod packs;
#[cfg(test)]
mod plant;
#[cfg(test)]
mod records;
#[cfg(test)]
mod resets;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod sensing;
#[cfg(test)]
mod supervision;
#[cfg(test)]
mod table;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod words;
