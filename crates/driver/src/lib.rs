//! What runs on a robot: link, tracker, interlock and base.
