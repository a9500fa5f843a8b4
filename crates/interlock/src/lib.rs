//! The motion interlock on the robot: default-deny, integers only, no_std.
#![no_std]
