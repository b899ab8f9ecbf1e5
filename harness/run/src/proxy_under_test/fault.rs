//! Faults of the proxy: SIGKILL at a planned instant, and the way back.
//!
//! The conductor runs [`crash_after`] beside the traffic of a step and [`put_down`] before it starts it again. Nothing here reads what the
//! proxy answers.

use std::io;
use std::time::Duration;

use super::{ProxyUnderTest, StartProblem, StopOutcome};
use harness_model::plan::Restart;
use harness_platform::Timer;

/// Kills everything of the proxy after a while, exactly then; whether it still ran.
///
/// # Errors
/// No timer can be had.
pub async fn crash_after(proxy: &mut ProxyUnderTest, delay: Duration) -> io::Result<bool> {
    Timer::new()?.wait(delay).await?;
    let ran = proxy.is_alive();
    proxy.kill().await;
    Ok(ran)
}

/// Stops the proxy first where the step says so, lets the planned downtime pass and wipes where the step says so. A proxy that
/// still runs without being stopped first is killed.
///
/// # Errors
/// Its directory could not be wiped.
pub async fn put_down(
    proxy: &mut ProxyUnderTest,
    step: &Restart,
) -> Result<Option<StopOutcome>, StartProblem> {
    let stopped = if step.stop_first { proxy.stop().await } else { None };
    proxy.kill().await;
    // Where it never ran there is nothing to count the downtime from.
    let down = proxy.down_for().unwrap_or(step.downtime);
    tokio::time::sleep(step.downtime.saturating_sub(down)).await;
    if step.wipe {
        proxy.wipe()?;
    }
    Ok(stopped)
}
