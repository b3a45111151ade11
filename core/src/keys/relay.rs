//! The metadata document of an authorization server, for clients that ask the resource for it (MCP before 2025-06-18).
//!
//! It has a source of its own, by the rules of the keys': backoff, cap and slots, one flight, a refresh when it is due, use
//! beyond that while the server cannot be reached. Who asks for it never waits.

mod check;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use serde::Serialize;
use serde_json::Value;

use super::attempts::{Attempts, Flight};
use super::discovery::Discovery;
use super::draw::draw;
use super::exchange::Exchange;
use super::flight::{Boarding, Fetched, Flights, PerProcess, Threads};
use super::plan::{Purpose, Standing, State, Validity};
use super::scheduler::SLOTS;
use super::status::LastError;
use crate::clock::Clock;
use crate::fetch::{Document, Fetch, FetchError};

/// Which document is relayed, and how it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RelaySettings {
    /// What the document must call itself.
    pub(crate) issuer: String,
    /// Its place, where that is not derived from the issuer.
    pub(crate) discovery_url: Option<String>,
    /// See [`HttpSettings::insecure_hosts`](crate::fetch::HttpSettings).
    pub(crate) insecure_hosts: Vec<String>,
    pub(crate) background_refresh: bool,
    pub(crate) default_ttl: Duration,
    pub(crate) max_stale: Duration,
}

/// A document that is fetched, checked and kept.
pub(crate) struct Relay {
    settings: RelaySettings,
    discovery: Discovery,
    flights: Flights<Relay>,
}

pub(crate) struct Held {
    document: Arc<str>,
    validity: Validity,
}

/// A good answer.
pub(crate) struct Answer {
    document: Arc<str>,
    lifetime: Option<Duration>,
}

/// The authorization server's metadata that is served to older clients (`serve_authorization_server_metadata`), and how it is
/// kept.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RelayStatus {
    /// What the document calls itself.
    pub issuer: String,
    /// `cold`, `fresh`, `due`, `overdue` or `expired`: the first and the last are answered with 503.
    pub state: &'static str,
    /// Since the fetch began that brought the document.
    pub age_seconds: Option<u64>,
    /// Why the last fetch that failed did so.
    pub last_error: Option<LastError>,
    /// Finished fetches by outcome: `installed`, `abandoned`, or the step that failed.
    pub fetches: BTreeMap<&'static str, u64>,
}

impl RelayStatus {
    /// Whether the document is served now.
    pub fn is_usable(&self) -> bool {
        !matches!(self.state, "cold" | "expired")
    }
}

impl Relay {
    /// Does no IO and starts no thread.
    pub(crate) fn new(settings: RelaySettings, fetch: Arc<dyn Fetch>, clock: Arc<dyn Clock>) -> Arc<Relay> {
        let discovery = Discovery::new(settings.discovery_url.clone(), settings.issuer.clone());
        Arc::new_cyclic(|me| {
            let flights = Flights {
                fetch,
                clock,
                threads: Threads::OfTheProcess,
                slots: &SLOTS,
                background: settings.background_refresh,
                per_process: ArcSwap::from_pointee(PerProcess::new(Attempts::default(), None)),
                me: me.clone(),
            };
            Relay { settings, discovery, flights }
        })
    }

    /// What it goes by.
    pub(crate) fn settings(&self) -> &RelaySettings {
        &self.settings
    }

    /// The document, where one is held that may be used. Never blocks and does no IO; has a fetch started that is due.
    pub(crate) fn document(&self) -> Option<Arc<str>> {
        let here = self.here();
        let (held, now) = (here.held.load_full(), self.flights.clock.boot());
        if self.is_wanted(held.as_deref()) {
            self.start(&here, Purpose::Due);
        }
        held.filter(|held| held.is_usable(now)).map(|held| Arc::clone(&held.document))
    }

    /// Has the document before the first request. Blocks for one fetch at most.
    pub(crate) fn warm_up(&self) -> Result<(), FetchError> {
        let here = Guard::into_inner(self.here());
        let now = self.flights.clock.boot();
        let is_wanted = |held: Option<&Held>| held.is_none_or(|held| !held.is_usable(now));
        match self.board(&here, Purpose::Cold, is_wanted) {
            Boarding::NotNeeded => Ok(()),
            Boarding::Refused(error) => Err(error),
            Boarding::Joins(flight) => self.wait(&here, &flight, flight.deadline),
            Boarding::Leads(flight, slot) => {
                self.fly(&here, flight, slot);
                here.outcome(&flight)
            }
        }
    }

    /// What `stats` shows.
    pub(crate) fn status(&self) -> RelayStatus {
        let here = self.here();
        let records = here.records.lock();
        let (held, now) = (here.held.load_full(), self.flights.clock.boot());
        RelayStatus {
            issuer: self.settings.issuer.clone(),
            state: held.as_ref().map_or("cold", |held| held.state(now)),
            age_seconds: held.map(|held| held.validity.age(now).as_secs()),
            last_error: records.last_error(now),
            fetches: records.fetches.clone(),
        }
    }
}

impl Fetched for Relay {
    type Held = Held;
    type Answer = Answer;
    /// The place that worked last, as [`Discovery::look`] counts them.
    type Memory = usize;
    /// Who asks for the document never waits.
    type Waiting = ();

    fn flights(&self) -> &Flights<Relay> {
        &self.flights
    }

    fn state<'a>(&self, _: &PerProcess<Relay>, held: Option<&Held>, attempts: &'a Attempts) -> State<'a> {
        State {
            held: held.map(|held| held.validity),
            standing: Standing::Fetched,
            background: self.settings.background_refresh,
            attempts,
            slot_free: self.flights.slots.is_one_free(),
            waiting: 0,
            waiting_for_unknown: 0,
            max_waiters: 0,
            seen_until: None,
        }
    }

    fn is_wanted(&self, held: Option<&Held>) -> bool {
        held.is_none_or(|held| !held.validity.is_fresh(self.flights.clock.boot()))
    }

    fn get(
        &self,
        _: &Flight,
        exchange: &Exchange<'_>,
        _: Option<Arc<Held>>,
        form: &mut usize,
    ) -> Result<Answer, FetchError> {
        let (answer, found) = self.discovery.look(*form, exchange, |url, document| {
            let written = written(&self.discovery, &self.settings.insecure_hosts, url, document)?;
            Ok(Answer { document: Arc::from(written), lifetime: document.lifetime })
        })?;
        *form = found;
        Ok(answer)
    }

    fn install(
        &self,
        here: &PerProcess<Relay>,
        flight: &Flight,
        _: &mut Attempts,
        Answer { document, lifetime }: Answer,
    ) -> Result<&'static str, FetchError> {
        let RelaySettings { default_ttl, max_stale, .. } = self.settings;
        let validity = Validity::new(flight.began, lifetime, default_ttl, max_stale, draw());
        here.held.store(Some(Arc::new(Held { document, validity })));
        Ok("installed")
    }

    fn validity(held: &Held) -> &Validity {
        &held.validity
    }
}

impl Held {
    fn is_usable(&self, now: Duration) -> bool {
        self.validity.age(now) < self.validity.expiry_age
    }

    fn state(&self, now: Duration) -> &'static str {
        match self.validity.age(now) {
            _ if !self.is_usable(now) => "expired",
            _ if self.validity.is_fresh(now) => "fresh",
            age if age < self.validity.ttl => "due",
            _ => "overdue",
        }
    }
}

/// A document that came from `url`, checked and written anew.
pub(crate) fn written(
    discovery: &Discovery,
    insecure_hosts: &[String],
    url: &str,
    document: &Document,
) -> Result<String, FetchError> {
    let members = discovery.members(document)?;
    check::members(&members, discovery.is_plain(url), insecure_hosts)?;
    Ok(Value::Object(members).to_string())
}
