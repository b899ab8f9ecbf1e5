//! What is done to a run on purpose: the proxy is killed, stopped and started again, backends go down and come back.
//!
//! The conductor calls it when a step says so. It acts through the handles that started things return and knows neither
//! processes nor sockets; whether the proxy bore it well is judged elsewhere.

mod proxy;

pub use proxy::{crash_after, restart};
