//! What to do about the keys of one authorization server: a pure function of (state, now, want).
//!
//! Times are boot times: they count sleep and ignore steps of the wall clock.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::attempts::{Attempts, Blocked};

/// How long requests wait for a fetch while a set is held.
pub(crate) const SHORT_WAIT: Duration = Duration::from_secs(2);

/// How many requests may wait for an unknown `kid` while a set is held.
pub(crate) const MAX_UNKNOWN_KID_WAITERS: usize = 8;

/// A kid counts as removed, and an issuer as without keys, once two answers this far apart say so.
pub(crate) const CONFIRMATION: Duration = Duration::from_secs(30);

/// When to come again if nothing better is known: a fetch runs, or a slot is about to become free.
pub(crate) const SOON: Duration = Duration::from_secs(1);

const TTL_BOUNDS: [Duration; 2] = [Duration::from_secs(300), Duration::from_secs(3600)];

/// How long a set may be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Validity {
    /// When the fetch that brought or renewed the set began.
    pub(crate) began: Duration,
    pub(crate) ttl: Duration,
    /// The age from which a fetch is due: drawn once, so that not all servers ask at once.
    pub(crate) refresh_age: Duration,
    pub(crate) expiry_age: Duration,
}

impl Validity {
    /// `lifetime` is what the answer said; `draw` is uniform in 0..1.
    pub(crate) fn new(
        began: Duration,
        lifetime: Option<Duration>,
        default_ttl: Duration,
        max_stale: Duration,
        draw: f64,
    ) -> Validity {
        let [shortest, longest] = TTL_BOUNDS;
        let ttl = lifetime.unwrap_or(default_ttl).clamp(shortest, longest);
        Validity { began, ttl, refresh_age: ttl.mul_f64(0.7 + 0.2 * draw), expiry_age: ttl.max(max_stale) }
    }

    pub(crate) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.began)
    }

    /// Whether the set can be used and nothing is due: the answer needs no look at the fetches.
    pub(crate) fn is_fresh(&self, now: Duration) -> bool {
        self.age(now) < self.refresh_age.min(self.expiry_age)
    }
}

/// Where the held set comes from, and whether it may still be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// From the issuer, directly or through a snapshot.
    Fetched,
    /// From the issuer, which has answered twice since without one usable key.
    Closed,
    /// From the configuration.
    Static,
    /// From the operator, in the place of the issuer's.
    Pinned,
}

impl Standing {
    /// Whether the set neither ages nor is fetched.
    pub(crate) const fn is_fixed(self) -> bool {
        matches!(self, Standing::Static | Standing::Pinned)
    }
}

/// The states of a source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// Nothing is held.
    Cold,
    Fresh,
    /// Past the refresh point.
    Due,
    /// Past the ttl.
    Overdue,
    /// Overdue by a ttl, and nobody has tried since: the machine slept, or this is a forked child.
    Idle,
    Expired,
    /// The issuer answered twice without one usable key.
    Closed,
    /// The keys are in the configuration.
    Static,
    /// The operator replaced the keys.
    Pinned,
}

impl Phase {
    /// The name in `stats`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Phase::Cold => "cold",
            Phase::Fresh => "fresh",
            Phase::Due => "due",
            Phase::Overdue => "overdue",
            Phase::Idle => "idle",
            Phase::Expired => "expired",
            Phase::Closed => "closed",
            Phase::Static => "static",
            Phase::Pinned => "pinned",
        }
    }

    /// Whether the held keys may be used.
    pub(crate) const fn is_usable(self) -> bool {
        !matches!(self, Phase::Cold | Phase::Expired | Phase::Closed)
    }

    /// Whether the keys neither age nor are fetched.
    const fn is_fixed(self) -> bool {
        matches!(self, Phase::Static | Phase::Pinned)
    }

    /// Whether the set is used and a fetch is wanted all the same.
    const fn is_due(self) -> bool {
        matches!(self, Phase::Due | Phase::Overdue | Phase::Idle)
    }
}

/// What is known at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<'a> {
    pub(crate) held: Option<Validity>,
    pub(crate) standing: Standing,
    /// Whether sets are fetched when they are due without a request that waits.
    pub(crate) background: bool,
    pub(crate) attempts: &'a Attempts,
    /// Whether the process may run another fetch.
    pub(crate) slot_free: bool,
    /// How many requests wait, all together and for an unknown `kid`.
    pub(crate) waiting: usize,
    pub(crate) waiting_for_unknown: usize,
    pub(crate) max_waiters: usize,
    /// Wall time at the start of the last good fetch, less the leeway: a token issued no later than this was signed by
    /// a key that the fetch would have shown.
    pub(crate) seen_until: Option<i64>,
}

/// What a token asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) lookup: Lookup,
    /// The token's `iat`, if it can be read.
    pub(crate) issued_at: Option<i64>,
}

/// What the held set says to a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lookup {
    /// The set answers: with a key, or that several fit.
    Held,
    /// The token has no `kid`: the set answers, whatever it says.
    WithoutKid,
    /// A good fetch that began at `since` no longer showed the `kid`, or the key that it showed is distrusted: that is
    /// `confirmed` from the start.
    Removed { since: Duration, confirmed: bool },
    /// No key for this `kid` and algorithm.
    Unknown,
}

/// Why a fetch is started or waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// No usable set is held: never had one, or it expired, or the source is closed.
    Cold,
    /// A `kid` that is not held, or a signature that suggests another key: spends the budget.
    UnknownKid,
    /// The set has not been looked after.
    Idle,
    /// The set is past its refresh point.
    Due,
}

/// What to do, and which fetch to start besides, for which nobody waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Plan {
    pub(crate) answer: Answer,
    pub(crate) background: Option<Purpose>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    /// Ask the held set.
    Use,
    /// No key of the issuer fits.
    UnknownKey,
    /// Fetch, or join the fetch that runs, and wait for it.
    Fetch(Purpose),
    /// The keys are not to be had before this much time has passed.
    Unavailable(Duration),
}

impl State<'_> {
    pub(crate) fn phase(&self, now: Duration) -> Phase {
        let Some(held) = self.held else { return Phase::Cold };
        let age = held.age(now);
        let tried_since_overdue =
            self.attempts.last_started().is_some_and(|start| start >= held.began + held.ttl);
        match age {
            _ if self.standing == Standing::Static => Phase::Static,
            _ if self.standing == Standing::Pinned => Phase::Pinned,
            _ if self.standing == Standing::Closed => Phase::Closed,
            _ if age >= held.expiry_age => Phase::Expired,
            _ if age >= held.ttl * 2 && !tried_since_overdue => Phase::Idle,
            _ if age >= held.ttl => Phase::Overdue,
            _ if age >= held.refresh_age => Phase::Due,
            _ => Phase::Fresh,
        }
    }

    /// Whether old keys are in use because fetching fails.
    pub(crate) fn is_degraded(&self, now: Duration) -> bool {
        matches!(self.phase(now), Phase::Overdue | Phase::Idle) && self.attempts.failures() > 0
    }

    /// Whether a fetch may start now; if not, how long until one may, or until the one that runs is likely over.
    pub(crate) fn may_start(&self, now: Duration, purpose: Purpose) -> Result<(), Duration> {
        if self.attempts.flight(now).is_some() {
            return Err(SOON);
        }
        self.attempts.may_start(now, purpose).map_err(Blocked::wait)?;
        if self.slot_free { Ok(()) } else { Err(SOON) }
    }

    fn has_room(&self) -> bool {
        self.waiting < self.max_waiters
    }

    fn has_room_for_unknown(&self) -> bool {
        self.has_room() && self.waiting_for_unknown < MAX_UNKNOWN_KID_WAITERS
    }
}

/// Decides for a request that has not waited yet.
pub(crate) fn plan(state: &State<'_>, now: Duration, wanted: &Wanted) -> Plan {
    let phase = state.phase(now);
    if !phase.is_usable() {
        return Plan { answer: without_keys(state, now), background: None };
    }
    if phase.is_fixed() {
        return Plan { answer: by_the_set(wanted.lookup), background: None };
    }
    let answer = match wanted.lookup {
        Lookup::Held | Lookup::WithoutKid if phase.is_due() && !state.background => {
            one_fetches(state, now, if phase == Phase::Idle { Purpose::Idle } else { Purpose::Due })
        }
        Lookup::Held if phase == Phase::Idle => one_fetches(state, now, Purpose::Idle),
        Lookup::Held | Lookup::WithoutKid => Answer::Use,
        Lookup::Removed { since, confirmed } => return removed(state, now, since, confirmed),
        Lookup::Unknown => unknown_kid(state, now, wanted.issued_at),
    };
    let waits = matches!(answer, Answer::Fetch(_));
    Plan { answer, background: if waits { None } else { scheduled(state, now, phase) } }
}

/// Decides for a request after its wait, or where nobody may wait: never [`Answer::Fetch`]. `proved` is whether a
/// good fetch began since the request came: what it did not show does not exist.
pub(crate) fn plan_after(state: &State<'_>, now: Duration, wanted: &Wanted, proved: bool) -> Plan {
    let phase = state.phase(now);
    let wait = || state.may_start(now, Purpose::UnknownKid).err().unwrap_or(SOON);
    let answer = match wanted.lookup {
        _ if !phase.is_usable() => {
            Answer::Unavailable(state.may_start(now, Purpose::Cold).err().unwrap_or(SOON))
        }
        lookup if phase.is_fixed() => by_the_set(lookup),
        Lookup::Held | Lookup::WithoutKid => Answer::Use,
        Lookup::Removed { since, confirmed } => {
            let plan = still_removed(state, now, since, confirmed);
            return Plan { background: plan.background.filter(|_| state.background), ..plan };
        }
        Lookup::Unknown if proved => Answer::UnknownKey,
        Lookup::Unknown => Answer::Unavailable(wait()),
    };
    Plan { answer, background: if phase.is_usable() { scheduled(state, now, phase) } else { None } }
}

/// What a set says that is not fetched.
fn by_the_set(lookup: Lookup) -> Answer {
    match lookup {
        Lookup::Held | Lookup::WithoutKid => Answer::Use,
        Lookup::Removed { .. } | Lookup::Unknown => Answer::UnknownKey,
    }
}

/// Cold, expired and closed: join a fetch, else start one.
fn without_keys(state: &State<'_>, now: Duration) -> Answer {
    if !state.has_room() {
        return Answer::Unavailable(SOON);
    }
    if state.attempts.flight(now).is_some() {
        return Answer::Fetch(Purpose::Cold);
    }
    match state.may_start(now, Purpose::Cold) {
        Ok(()) => Answer::Fetch(Purpose::Cold),
        Err(wait) => Answer::Unavailable(wait),
    }
}

/// One request starts the fetch and waits a little for it; all others use what is held.
fn one_fetches(state: &State<'_>, now: Duration, purpose: Purpose) -> Answer {
    let first = !state.attempts.wait_is_claimed(now);
    if first && state.has_room() && state.may_start(now, purpose).is_ok() {
        Answer::Fetch(purpose)
    } else {
        Answer::Use
    }
}

/// The unknown-kid rule: join, or spend the budget, or refuse at once.
fn unknown_kid(state: &State<'_>, now: Duration, issued_at: Option<i64>) -> Answer {
    let joins = state.attempts.flight(now).is_some();
    match state.attempts.may_start(now, Purpose::UnknownKid) {
        _ if joins => {}
        Ok(()) if state.slot_free => {}
        Ok(()) => return Answer::Unavailable(SOON),
        Err(Blocked::Budget(_)) if was_shown(state, issued_at) => return Answer::UnknownKey,
        Err(blocked) => return Answer::Unavailable(blocked.wait()),
    }
    if state.has_room_for_unknown() { Answer::Fetch(Purpose::UnknownKid) } else { Answer::Unavailable(SOON) }
}

/// Whether the key of a token issued then would have been in the held set.
fn was_shown(state: &State<'_>, issued_at: Option<i64>) -> bool {
    matches!((issued_at, state.seen_until), (Some(issued_at), Some(seen_until)) if issued_at <= seen_until)
}

/// A `kid` that the issuer took away. Some issuers' replicas disagree for a while, so it is unknown only when a second
/// answer lacks it too; a request may spend the unknown-kid budget on that answer. Nobody waits for it, but where
/// nothing is fetched in the background.
fn removed(state: &State<'_>, now: Duration, since: Duration, confirmed: bool) -> Plan {
    let plan = still_removed(state, now, since, confirmed);
    if state.background || plan.background.is_none() {
        return plan;
    }
    let answer = if state.has_room_for_unknown() { Answer::Fetch(Purpose::UnknownKid) } else { plan.answer };
    Plan { answer, background: None }
}

fn still_removed(state: &State<'_>, now: Duration, since: Duration, confirmed: bool) -> Plan {
    let scheduled = scheduled(state, now, state.phase(now));
    if confirmed {
        return Plan { answer: Answer::UnknownKey, background: scheduled };
    }
    let pending = (since + CONFIRMATION).saturating_sub(now);
    let startable = state.may_start(now, Purpose::UnknownKid);
    let confirms = pending.is_zero() && startable.is_ok();
    let wait = pending.max(startable.err().unwrap_or(SOON));
    let background = scheduled.or(confirms.then_some(Purpose::UnknownKid));
    Plan { answer: Answer::Unavailable(wait), background }
}

fn scheduled(state: &State<'_>, now: Duration, phase: Phase) -> Option<Purpose> {
    (phase.is_due() && state.background && state.may_start(now, Purpose::Due).is_ok()).then_some(Purpose::Due)
}

/// When the background next wants to fetch; `None` when nothing is to be done before a request comes.
pub(crate) fn next_fetch(state: &State<'_>, now: Duration) -> Option<Duration> {
    if state.standing.is_fixed() {
        return None;
    }
    if let Some(flight) = state.attempts.flight(now) {
        // Should it never come back.
        return Some(flight.overdue_at());
    }
    let wanted = match (state.phase(now), state.held) {
        // What nobody asked for is not fetched.
        (Phase::Cold, _) | (_, None) => state.attempts.last_started()?,
        (Phase::Closed, _) => now,
        (_, Some(held)) => held.began + held.refresh_age.min(held.expiry_age),
    }
    .max(now);
    Some(wanted + state.may_start(wanted, Purpose::Due).err().unwrap_or_default())
}
