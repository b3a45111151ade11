//! Why a request is accepted or refused: every check in its order, what was expected and what was found.
//!
//! Nothing is decided here. The decision itself runs and leaves no traces; the reason that it comes to says at which check it
//! ended. What is shown beside is read once more, by the same functions.

mod evidence;
mod hints;
mod pasted;
mod shown;
mod step;

use std::fmt;

use serde::{Serialize, Serializer};

use self::evidence::Evidence;
pub use self::pasted::PastedRequest;
use self::step::Step;
use crate::decision::{Asked, DRY, Stop};
use crate::reason::Reason;
use crate::request::Request;
use crate::resource_server::Inner;

/// Why a request is accepted or refused, for operators and for whoever holds the token.
///
/// It shows values of claims that a check is about, also where nothing has verified them: escaped, and cut after 128 bytes.
/// It shows no part of the token as it was sent, no other claim, and nothing else of the `Authorization` field.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// What the decision comes to.
    pub outcome: Explained,
    /// Why the request is refused; `None` where it is not.
    #[serde(serialize_with = "name_of_reason")]
    pub reason: Option<Reason>,
    /// The HTTP status of the refusal.
    pub status: Option<u16>,
    /// [`Rejection::detail`](crate::Rejection::detail) of the refusal.
    pub detail: Option<String>,
    /// Every check, in the order in which they are made: the first that fails is the reason.
    pub checks: Vec<ExplainedCheck>,
}

/// What a decision comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Explained {
    /// The request may pass.
    Accepted,
    /// It may not.
    Refused,
    /// It cannot be told for want of keys: they were not fetched, which explaining does not do, or are not to be had, and
    /// then the reason is [`Reason::KeysUnavailable`].
    NeedsKeys,
    /// The token is good, and the rest cannot be told without the body.
    NeedsBody,
}

/// One check.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExplainedCheck {
    /// Its name, which stays.
    pub check: &'static str,
    /// What came of it.
    pub outcome: CheckOutcome,
    /// What it expects; `None` where that depends on an issuer that is not known, and where it is not asked for.
    pub expected: Option<String>,
    /// What was found, where the check was made.
    pub found: Option<String>,
    /// What often is behind a failure that looks like this one.
    pub hint: Option<&'static str>,
    /// Where more is to be read: the section of an RFC, or of `docs/reasons.md`.
    pub reference: String,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckOutcome {
    /// It is met.
    Passed,
    /// It is not, or cannot be told; no later one was made.
    Failed,
    /// An earlier one failed.
    NotReached,
    /// The configuration does not ask for it.
    NotAsked,
}

impl Explanation {
    /// Every hint that a check may have.
    pub fn hints() -> impl Iterator<Item = &'static str> {
        hints::HINTS.iter().map(|hint| hint.text)
    }

    /// The same as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl fmt::Display for Explanation {
    /// A line for each check, with what was expected and found where it failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.outcome, self.reason, self.status) {
            (Explained::Accepted, ..) => writeln!(f, "Accepted.")?,
            (Explained::NeedsBody, ..) => writeln!(f, "Cannot tell without the body; the token is good.")?,
            (Explained::NeedsKeys, None, _) => {
                writeln!(f, "Cannot tell before the issuer's keys are fetched.")?;
            }
            (outcome, reason, status) => {
                let verdict = if outcome == Explained::Refused { "Refused" } else { "Cannot tell" };
                let reason = reason.map_or("internal", Reason::name);
                writeln!(f, "{verdict}: {reason}, answered as {}.", status.unwrap_or_default())?;
            }
        }
        self.checks.iter().try_for_each(|check| check.fmt(f))
    }
}

impl fmt::Display for ExplainedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.check;
        let label = match self.outcome {
            CheckOutcome::Passed => match &self.found {
                Some(found) => return writeln!(f, "passed       {name:<19} {found}"),
                None => "passed",
            },
            CheckOutcome::NotReached => "not reached",
            CheckOutcome::NotAsked => "not asked",
            CheckOutcome::Failed => "FAILED",
        };
        writeln!(f, "{label:<12} {name}")?;
        if self.outcome != CheckOutcome::Failed {
            return Ok(());
        }
        let parts = [
            ("expected", self.expected.as_deref()),
            ("found", self.found.as_deref()),
            ("hint", self.hint),
            ("see", Some(&*self.reference)),
        ];
        let mut told = parts.into_iter().filter_map(|(label, text)| Some((label, text?)));
        told.try_for_each(|(label, text)| writeln!(f, "             {label:<9} {text}"))
    }
}

impl Inner {
    /// See [`ResourceServer::explain`](crate::ResourceServer::explain).
    pub(crate) fn explain(&self, request: &Request<'_>) -> Explanation {
        let (token, end) = match self.authenticate::<DRY>(request, None) {
            Ok(token) => {
                let end = self.permit::<DRY>(&token, request, &mut Asked::default()).err();
                (Some(token), end)
            }
            Err(stop) => (None, Some(stop)),
        };
        let (outcome, refusal) = match end {
            None => (Explained::Accepted, None),
            Some(Stop::NeedKeys(_)) => (Explained::NeedsKeys, None),
            Some(Stop::NeedBody) => (Explained::NeedsBody, None),
            Some(Stop::Refuse(refusal)) => match refusal.reason {
                Reason::KeysUnavailable => (Explained::NeedsKeys, Some(*refusal)),
                _ => (Explained::Refused, Some(*refusal)),
            },
        };
        let evidence = Evidence::of(self, request, token.as_ref(), refusal.as_ref());
        let failed = match (outcome, &refusal) {
            (Explained::NeedsKeys, _) => Some(Step::Key),
            (Explained::NeedsBody, _) => Some(Step::Body),
            (_, refusal) => refusal.as_ref().map(|refusal| Step::that_refuses(refusal.reason, &evidence)),
        };
        Explanation {
            outcome,
            reason: refusal.as_ref().map(|refusal| refusal.reason),
            status: refusal.as_ref().map(|refusal| self.wire().answer(refusal, request).status),
            detail: refusal.as_ref().map(|refusal| refusal.detail.clone().into_owned()),
            checks: Step::ALL.iter().map(|step| explained(*step, failed, &evidence)).collect(),
        }
    }
}

/// `failed` is the check at which the decision ended.
fn explained(step: Step, failed: Option<Step>, evidence: &Evidence<'_>) -> ExplainedCheck {
    let outcome = match failed {
        Some(failed) if step == failed => CheckOutcome::Failed,
        _ if !evidence.asks_for(step) => CheckOutcome::NotAsked,
        Some(failed) if step.place() > failed.place() => CheckOutcome::NotReached,
        _ => CheckOutcome::Passed,
    };
    let is_made = matches!(outcome, CheckOutcome::Passed | CheckOutcome::Failed);
    let reason = evidence.refusal.map(|refusal| refusal.reason);
    ExplainedCheck {
        check: step.name(),
        outcome,
        expected: if outcome == CheckOutcome::NotAsked { None } else { evidence.expected(step, outcome) },
        found: if is_made { evidence.found(step, outcome) } else { None },
        hint: if outcome == CheckOutcome::Failed { hints::hint(reason, evidence) } else { None },
        reference: match reason {
            Some(reason) if outcome == CheckOutcome::Failed => format!("docs/reasons.md#{}", reason.name()),
            _ => step.reference().to_owned(),
        },
    }
}

fn name_of_reason<S: Serializer>(reason: &Option<Reason>, serializer: S) -> Result<S::Ok, S::Error> {
    reason.map(Reason::name).serialize(serializer)
}
