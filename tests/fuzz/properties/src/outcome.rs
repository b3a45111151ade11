//! What came of a request, in a form that can be compared.

use scopegate_core::{
    AccessToken, Check, CheckOutcome, Explained, HttpResponse, Reason, Rejection, Request, ResourceServer,
};

#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Accepted(Box<Accepted>),
    Refused(Reason, HttpResponse),
    NeedKeys,
    NeedBody(usize),
}

/// Everything that a verified token says.
#[derive(Debug, PartialEq)]
pub(crate) struct Accepted {
    pub(crate) names: [Option<String>; 7],
    pub(crate) lists: [Vec<String>; 3],
    pub(crate) times: (i64, Option<i64>),
}

impl Outcome {
    pub(crate) fn of_check(check: &Check) -> Outcome {
        match check {
            Check::Done(result) => Outcome::of_result(result.as_ref().map_err(|rejection| &**rejection)),
            Check::NeedKeys(_) => Outcome::NeedKeys,
            Check::NeedBody { limit } => Outcome::NeedBody(*limit),
        }
    }

    pub(crate) fn of_result(result: Result<&AccessToken, &Rejection>) -> Outcome {
        match result {
            Ok(token) => Outcome::Accepted(Box::new(Accepted::of(token))),
            Err(rejection) => Outcome::Refused(rejection.reason(), rejection.response().clone()),
        }
    }
}

/// Decides, and sees that what explains the decision says the same.
pub(crate) fn explained(server: &ResourceServer, request: &Request<'_>) -> Outcome {
    let outcome = Outcome::of_check(&server.check(request));
    let explanation = server.explain(request);
    let failed = explanation.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed).count();
    match &outcome {
        Outcome::Accepted(_) => assert_eq!((explanation.outcome, failed), (Explained::Accepted, 0)),
        Outcome::Refused(reason, response) => {
            assert_eq!((explanation.outcome, failed), (Explained::Refused, 1));
            assert_eq!((explanation.reason, explanation.status), (Some(*reason), Some(response.status)));
        }
        Outcome::NeedKeys => assert_eq!((explanation.outcome, failed), (Explained::NeedsKeys, 1)),
        // Here for the form of a 403 alone, perhaps, which is not explained.
        Outcome::NeedBody(_) => assert_ne!(explanation.outcome, Explained::Accepted),
    }
    outcome
}

impl Accepted {
    fn of(token: &AccessToken) -> Accepted {
        let name = |text: Option<&str>| text.map(str::to_owned);
        Accepted {
            names: [
                name(Some(token.issuer())),
                name(token.subject()),
                name(token.client_id()),
                name(Some(token.resource())),
                name(token.token_id()),
                name(token.principal()),
                name(Some(token.claims_json())),
            ],
            lists: [token.scopes(), token.effective_scopes(), token.audience()].map(<[String]>::to_vec),
            times: (token.expires_at(), token.issued_at()),
        }
    }
}
