//! A fleet and a plant in virtual time: scenario files, the loop and the summary.
