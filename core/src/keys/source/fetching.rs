//! One fetch of a key set: what it asks for, and how its result is taken in.

use std::sync::Arc;
use std::time::Duration;

use super::waiting::Waiting;
use super::{KeyLocation, Source};
use crate::fetch::{FetchError, FetchStep};
use crate::keys::attempts::{Attempts, Flight};
use crate::keys::discovery::Memory;
use crate::keys::draw::draw;
use crate::keys::exchange::{Exchange, KeySetUrl};
use crate::keys::flight::{Fetched, Flights, PerProcess};
use crate::keys::held::{Held, Renewal};
use crate::keys::key_set::{self, KeySet};
use crate::keys::plan::{Purpose, SHORT_WAIT, Standing, State, Validity};

/// A good answer: a set, or that the held one has not changed.
pub(crate) struct Answer {
    keys: Option<KeySet>,
    url: String,
    etag: Option<String>,
    lifetime: Option<Duration>,
    /// Wall time at the start of the fetch.
    began_wall: Option<i64>,
}

impl Fetched for Source {
    type Held = Held;
    type Answer = Answer;
    type Memory = Memory;
    type Waiting = Arc<Waiting>;

    fn flights(&self) -> &Flights<Source> {
        &self.flights
    }

    fn state<'a>(&self, here: &PerProcess<Source>, held: Option<&Held>, attempts: &'a Attempts) -> State<'a> {
        State {
            held: held.map(|held| held.validity),
            standing: held.map_or(Standing::Fetched, |held| held.standing),
            background: self.settings.background_refresh,
            attempts,
            slot_free: self.flights.slots.is_one_free(),
            waiting: here.waiting.all(),
            waiting_for_unknown: here.waiting.for_unknown_kid(),
            max_waiters: self.settings.max_waiters,
            seen_until: held.and_then(|held| self.seen_until(held)),
        }
    }

    fn is_wanted(&self, held: Option<&Held>) -> bool {
        !held.is_some_and(|held| held.standing.is_fixed())
    }

    fn get(
        &self,
        flight: &Flight,
        exchange: &Exchange<'_>,
        held: Option<Arc<Held>>,
        memory: &mut Memory,
    ) -> Result<Answer, FetchError> {
        let began_wall = self.flights.clock.wall();
        // Only a set that is in use can be renewed.
        let held = held.filter(|held| held.is_usable(flight.began));
        let get = |place: &KeySetUrl| {
            let etag = held.as_ref().and_then(|held| held.etag_of(&place.url));
            let document = exchange.key_set(place, etag)?;
            let keys = match &document.body {
                Some(body) => Some(self.parse(body)?),
                None => None,
            };
            Ok(Answer {
                keys,
                url: place.url.clone(),
                etag: document.etag,
                lifetime: document.lifetime,
                began_wall,
            })
        };
        match (&self.settings.location, &self.discovery) {
            (KeyLocation::Uri(url), _) => get(&KeySetUrl { url: url.clone(), public_only: false }),
            (_, Some(discovery)) => discovery.fetch(memory, exchange, get),
            _ => Err(FetchError::new(FetchStep::Start, "these keys are not fetched")),
        }
    }

    /// A failure leaves the held set as it is, but for a second answer without usable keys.
    fn install(
        &self,
        here: &PerProcess<Source>,
        flight: &Flight,
        attempts: &mut Attempts,
        answer: Answer,
    ) -> Result<&'static str, FetchError> {
        let held = here.held.load_full();
        let renewal = Renewal {
            validity: Validity::new(
                flight.began,
                answer.lifetime,
                self.settings.default_ttl,
                self.settings.max_stale,
                draw(),
            ),
            began_wall: answer.began_wall,
            url: answer.url,
            etag: answer.etag,
        };
        match (answer.keys, held) {
            (Some(keys), held) if keys.is_empty() => {
                if attempts.note_keyless(flight.began) {
                    here.held.store(held.map(|held| Arc::new(held.close())));
                }
                let why = key_set::no_usable_key(&keys);
                Err(FetchError::new(FetchStep::Parse, format!("key set: {why}")))
            }
            (Some(keys), held) => {
                let keys = self.distrust.sift(keys);
                here.held.store(Some(Arc::new(Held::install(keys, held.as_deref(), renewal))));
                Ok("installed")
            }
            (None, Some(held)) if held.standing == Standing::Fetched => {
                here.held.store(Some(Arc::new(held.renew(renewal))));
                Ok("not_modified")
            }
            (None, _) => Err(FetchError::new(FetchStep::Http, "key set: not modified, but nothing is held")),
        }
    }

    fn validity(held: &Held) -> &Validity {
        &held.validity
    }

    /// Less what is distrusted by now.
    fn inherited(&self, held: Arc<Held>) -> Arc<Held> {
        Arc::new(held.sifted(&self.distrust))
    }

    fn no_attempts(&self) -> Attempts {
        Attempts::new(self.settings.unknown_key_interval)
    }

    /// The request that runs a fetch itself waits no longer than others do.
    fn timeout(&self, purpose: Purpose) -> Duration {
        let timeout = self.flights.fetch.timeout();
        if purpose != Purpose::Cold && self.flies_here(purpose) { timeout.min(SHORT_WAIT) } else { timeout }
    }
}

impl Source {
    fn parse(&self, body: &[u8]) -> Result<KeySet, FetchError> {
        KeySet::parse(body, &self.settings.rules)
            .map_err(|error| FetchError::new(FetchStep::Parse, format!("key set: {error}")))
    }
}
