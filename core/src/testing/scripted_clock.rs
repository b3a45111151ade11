//! A server whose time passes when the test says so.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::ConfigError;
use crate::keys::source;
use crate::lock::Mutex;
use crate::resource_server::ResourceServer;

/// A clock that stands still until it is moved. Clones show the same time.
///
/// It decides how old keys are and whether tokens are valid, when fetches are due, and how long they are kept from
/// starting. What waits for the network waits in real time.
///
/// ```
/// use scopegate_core::testing::{Issuer, ScriptedClock, server_with_clock};
/// use scopegate_core::{Reason, Request};
/// use std::time::Duration;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::new("https://mcp.test/mcp");
/// let config = format!(
///     r#"{{"resource": "https://mcp.test/mcp", "authorization_servers": [{}]}}"#,
///     issuer.server()
/// );
/// let clock = ScriptedClock::at(1_800_000_000);
/// let gate = server_with_clock(&config, &clock)?;
/// let claims = serde_json::json!({"iat": clock.wall(), "exp": clock.wall() + 300});
/// let authorization = issuer.authorization(&claims);
/// let authorize = || gate.authorize(&Request::new("POST", "/mcp").authorization(&[authorization.as_bytes()]));
/// assert!(authorize().is_ok());
/// clock.pass(Duration::from_secs(330)); // `exp` and the leeway of 30 s
/// assert_eq!(authorize().unwrap_err().reason(), Reason::Expired);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedClock(Arc<Mutex<Times>>);

#[derive(Debug)]
struct Times {
    wall: Duration,
    boot: Duration,
}

/// What the boot clock shows at first: a machine that has run for a while.
const UPTIME: Duration = Duration::from_secs(30 * 24 * 3600);

impl ScriptedClock {
    /// Shows this wall time, in seconds since 1970.
    pub fn at(wall: u64) -> ScriptedClock {
        ScriptedClock(Arc::new(Mutex::new(Times { wall: Duration::from_secs(wall), boot: UPTIME })))
    }

    /// The wall time, in seconds since 1970.
    pub fn wall(&self) -> u64 {
        self.0.lock().wall.as_secs()
    }

    /// Time passes, and what is due in the background starts.
    pub fn pass(&self, time: Duration) {
        self.sleep(time);
        source::look_again();
    }

    /// Time passes without the process running: the machine sleeps. What is due in the background is not looked at before
    /// something else happens.
    pub fn sleep(&self, time: Duration) {
        let mut times = self.0.lock();
        times.wall += time;
        times.boot += time;
    }

    /// The wall clock alone is set to this time, in seconds since 1970.
    pub fn set_wall(&self, wall: u64) {
        self.0.lock().wall = Duration::from_secs(wall);
    }
}

impl Clock for ScriptedClock {
    fn wall(&self) -> Option<i64> {
        i64::try_from(self.wall()).ok()
    }

    fn boot(&self) -> Duration {
        self.0.lock().boot
    }
}

/// [`ResourceServer::from_json`] by this clock.
pub fn server_with_clock(json: &str, clock: &ScriptedClock) -> Result<ResourceServer, ConfigError> {
    ResourceServer::from_json_with_clock(json, Arc::new(clock.clone()))
}

/// Whether the server fetches keys now, or is due to: what a test waits for before it moves the clock again.
pub fn is_fetching(server: &ResourceServer) -> bool {
    server.is_fetching()
}

/// How long after a good fetch began the next one is due: drawn anew for every set of this ttl, as servers draw it.
pub fn refresh_age(ttl: Duration) -> Duration {
    source::refresh_age(ttl)
}
