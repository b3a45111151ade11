//! The resource server, as `ResourceServer` of `lib/` holds it.

use std::cell::{Cell, Ref, RefCell};
use std::ops::Deref;
use std::rc::Rc;

use napi::bindgen_prelude::{Buffer, Either3, External, Function, Uint8Array};
use napi::{Env, Error, Result};
use napi_derive::napi;
use scopegate_core::{
    AccessToken, CallKind, Check, ConfigError, ENVIRONMENT, FullCall, Reason, Request as CoreRequest,
    ResourceServer,
};

use crate::keys::Keys;
use crate::outcome::{Calls, Mistake, Outcome, Refusal, Response};
use crate::panics::{PANICKED, caught, point};
use crate::request::{Body, Call, Request, kept_token};
use crate::told::told;

/// The core's resource server, with what passes between it and the one JavaScript object that holds it.
#[derive(Clone)]
pub(crate) struct Server(Rc<Serving>);

struct Serving {
    core: ResourceServer,
    /// Memory of JavaScript's, in which it lays out each request (`lib/layout.js`).
    layout: RefCell<Uint8Array>,
    /// The same, for the numbers of a token that JavaScript is told.
    numbers: RefCell<Buffer>,
    /// The highest number of a verification that it was told: no token with a higher one came before.
    highest: Cell<u64>,
    /// The token that was accepted last, if it may have come before.
    accepted: RefCell<Option<AccessToken>>,
}

/// A decision: the text of an accepted token (`src/told.rs`), the number of its verification if it may have come before, or
/// what came in its place.
type Decision = Either3<f64, String, Outcome>;

impl Deref for Server {
    type Target = ResourceServer;

    fn deref(&self) -> &ResourceServer {
        &self.0.core
    }
}

impl Server {
    /// The bytes of the request that was laid out.
    fn laid_out(&self, length: u32) -> Result<Ref<'_, [u8]>> {
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        Ref::filter_map(self.0.layout.borrow(), |layout| layout.get(..bytes))
            .map_err(|_| Error::from_reason("a layout longer than its memory"))
    }

    /// The core's token is freed at once, unless JavaScript may know it.
    fn accept(&self, token: AccessToken) -> Result<Decision> {
        let verification = token.verification();
        if verification > self.0.highest.get() {
            self.0.highest.set(verification);
            return Ok(Either3::B(self.tell(&token)?));
        }
        let number = number(&token);
        self.0.accepted.replace(Some(token));
        Ok(Either3::A(number))
    }

    fn tell(&self, token: &AccessToken) -> Result<String> {
        told(token, &mut self.0.numbers.borrow_mut())
    }
}

/// A server, or every mistake of its configuration.
#[napi(object, object_from_js = false)]
pub(crate) struct Opened {
    pub server: Option<External<ResourceServer>>,
    pub mistakes: Vec<Mistake>,
}

/// What of a server never changes.
#[napi(object, object_from_js = false)]
pub(crate) struct Description {
    pub metadata_url: String,
    pub resource: String,
    pub hostname: String,
    pub origin: String,
    pub path: String,
    pub has_policy: bool,
    pub leeway_seconds: i64,
    pub body_limit: i64,
    pub background_refresh: bool,
    pub warnings: Vec<String>,
}

/// Every reason, by number.
#[napi(catch_unwind)]
pub(crate) fn reasons() -> Vec<String> {
    Reason::ALL.iter().map(|reason| reason.name().to_owned()).collect()
}

/// A server with the configuration in this JSON document.
#[napi(catch_unwind)]
pub(crate) fn open(configuration: String) -> Result<Opened> {
    caught(|| Ok(ResourceServer::from_json(&configuration).into()))
}

/// The names of the variables that `fromVariables` reads.
#[napi(catch_unwind)]
pub(crate) fn environment() -> Vec<String> {
    ENVIRONMENT.iter().map(|name| (*name).to_owned()).collect()
}

/// A server with the configuration of these variables, names and values, and, before them, these members.
#[napi(catch_unwind)]
pub(crate) fn from_variables(names: Vec<String>, values: Vec<String>, members: String) -> Result<Opened> {
    let variables = names.into_iter().zip(values).collect();
    caught(|| Ok(ResourceServer::from_variables(&variables, &members).into()))
}

/// The server that this one would be with these changes.
#[napi(catch_unwind)]
pub(crate) fn derive(server: &External<Server>, changes: String) -> Result<Opened> {
    caught(|| Ok(server.derive_from_json(&changes).into()))
}

impl From<std::result::Result<ResourceServer, ConfigError>> for Opened {
    fn from(made: std::result::Result<ResourceServer, ConfigError>) -> Opened {
        match made {
            Ok(server) => Opened { server: Some(External::new(server)), mistakes: Vec::new() },
            Err(error) => {
                Opened { server: None, mistakes: error.mistakes().iter().map(Mistake::from).collect() }
            }
        }
    }
}

/// A server that also asks for what is declared with the report as JSON, or every mistake.
#[napi(object, object_from_js = false)]
pub(crate) struct Declared {
    pub server: Option<External<ResourceServer>>,
    pub report: Option<String>,
    pub mistakes: Vec<Mistake>,
}

/// A server that also asks for what this JSON list declares.
#[napi(catch_unwind)]
pub(crate) fn declare(server: &External<Server>, offered: String) -> Result<Declared> {
    caught(|| match server.declare_from_json(&offered) {
        Ok((server, report)) => Ok(Declared {
            server: Some(External::new(server)),
            report: Some(report.to_json()),
            mistakes: Vec::new(),
        }),
        Err(error) => {
            let mistakes = error.mistakes().iter().map(Mistake::from).collect();
            Ok(Declared { server: None, report: None, mistakes })
        }
    })
}

/// The server for a JavaScript object that lays out its requests in this memory, and reads the numbers of tokens in that.
#[napi(catch_unwind)]
pub(crate) fn serve(
    made: &External<ResourceServer>,
    layout: Uint8Array,
    numbers: Buffer,
) -> Result<External<Server>> {
    caught(|| {
        let serving = Serving {
            core: ResourceServer::clone(made),
            layout: RefCell::new(layout),
            numbers: RefCell::new(numbers),
            highest: Cell::new(0),
            accepted: RefCell::new(None),
        };
        Ok(External::new(Server(Rc::new(serving))))
    })
}

/// Requests are laid out here from now on: the former memory was too small.
#[napi(catch_unwind)]
pub(crate) fn lay_out_in(server: &External<Server>, layout: Uint8Array) -> Result<()> {
    caught(|| {
        server.0.layout.replace(layout);
        Ok(())
    })
}

/// What of the server never changes.
#[napi(catch_unwind)]
pub(crate) fn describe(server: &External<Server>) -> Result<Description> {
    caught(|| {
        Ok(Description {
            metadata_url: server.metadata_url().to_owned(),
            resource: server.resource().as_str().to_owned(),
            hostname: server.resource().hostname().to_owned(),
            origin: server.resource().origin(),
            path: server.resource().path().to_owned(),
            has_policy: server.has_policy(),
            leeway_seconds: server.leeway_seconds(),
            body_limit: i64::try_from(server.body_limit()).unwrap_or(i64::MAX),
            background_refresh: server.background_refresh(),
            warnings: server.warnings().to_vec(),
        })
    })
}

/// A function that decides on the request that was laid out, or says what is missing. It never blocks.
///
/// A text is an accepted token's that never came before; a number is that of one's verification, and `accepted` has its text.
/// It is a function of one server, since finding a server by its handle takes as long as all else that a call of it does
/// beside the decision.
#[napi(catch_unwind)]
pub(crate) fn checks_of<'env>(
    env: &'env Env,
    server: &External<Server>,
) -> Result<Function<'env, (u32,), Decision>> {
    let server = Server::clone(server);
    env.create_function_from_closure("check", move |call| {
        caught(|| decide(&server, call.first_arg()?, &None, None, |request| server.check(request)))
    })
}

/// The same, for a request whose body is known.
#[napi(catch_unwind)]
pub(crate) fn check_call(
    server: &External<Server>,
    length: u32,
    body: Body<'_>,
    calls: Option<Vec<Call>>,
) -> Result<Decision> {
    caught(|| decide(server, length, &body, calls.as_deref(), |request| server.check(request)))
}

/// The decision after `refresh`: keys are not asked for again.
#[napi(catch_unwind)]
pub(crate) fn check_after(
    server: &External<Server>,
    length: u32,
    body: Body<'_>,
    calls: Option<Vec<Call>>,
    keys: &External<Keys>,
) -> Result<Decision> {
    caught(|| {
        let done = keys.take()?;
        decide(server, length, &body, calls.as_deref(), |request| server.check_after(request, &done))
    })
}

/// The text of the token whose number was given last. It must be this one.
#[napi(catch_unwind)]
pub(crate) fn accepted(server: &External<Server>, verification: f64) -> Result<String> {
    caught(|| {
        let token = server.0.accepted.take().filter(|token| number(token) == verification);
        server.tell(&token.ok_or_else(|| Error::from_reason("another token was accepted last"))?)
    })
}

/// The refusal for a fault of ours or of the calling program.
#[napi(catch_unwind)]
pub(crate) fn internal_error(server: &External<Server>, length: u32, detail: String) -> Result<Refusal> {
    caught(|| {
        let layout = server.laid_out(length)?;
        Request::read(&layout)?
            .lend(&None, None, |request| Ok((&server.internal_error(&detail, request)).into()))
    })
}

/// Nothing, or the refusal of a token, laid out with the request, that does not meet its need.
#[napi(catch_unwind)]
pub(crate) fn require(
    server: &External<Server>,
    length: u32,
    body: Body<'_>,
    calls: Option<Vec<Call>>,
) -> Result<Option<Refusal>> {
    caught(|| {
        let layout = server.laid_out(length)?;
        let request = Request::read(&layout)?;
        let token = kept_token(&layout)?;
        let result = request.lend(&body, calls.as_deref(), |request| server.require_kept(&token, request));
        Ok(result.err().map(|rejection| (&*rejection).into()))
    })
}

/// The calls in a body, as a JSON array, or the refusal of a body that cannot be read.
#[napi(catch_unwind)]
pub(crate) fn calls(server: &External<Server>, length: u32, body: Body<'_>) -> Result<Calls> {
    caught(|| {
        let layout = server.laid_out(length)?;
        Ok(Request::read(&layout)?.lend(&body, None, |request| match server.calls(request) {
            Ok(calls) => {
                let calls: Vec<String> = calls.iter().map(FullCall::to_json).collect();
                Calls { json: Some(format!("[{}]", calls.join(","))), refusal: None }
            }
            Err(rejection) => Calls { json: None, refusal: Some((&*rejection).into()) },
        }))
    })
}

/// Why a request would be accepted or refused.
#[napi(object, object_from_js = false)]
pub(crate) struct Explained {
    pub json: String,
    pub text: String,
}

/// Why the request that was laid out would be accepted or refused.
#[napi(catch_unwind)]
pub(crate) fn explain(
    server: &External<Server>,
    length: u32,
    body: Body<'_>,
    calls: Option<Vec<Call>>,
) -> Result<Explained> {
    caught(|| {
        let layout = server.laid_out(length)?;
        let explanation =
            Request::read(&layout)?.lend(&body, calls.as_deref(), |request| server.explain(request));
        Ok(Explained { json: explanation.to_json(), text: explanation.to_string() })
    })
}

/// Whether the token that was laid out may use what is named.
#[napi(catch_unwind)]
pub(crate) fn allowed(server: &External<Server>, length: u32, kind: String, name: String) -> Result<bool> {
    caught(|| {
        let kind = CallKind::from_name(&kind).ok_or_else(|| Error::from_reason("an unknown kind"))?;
        let layout = server.laid_out(length)?;
        Ok(server.allowed_kept(&kept_token(&layout)?, kind, &name))
    })
}

/// The answer to a preflight or to a request for the metadata.
#[napi(catch_unwind)]
pub(crate) fn well_known(server: &External<Server>, length: u32) -> Result<Option<Response>> {
    caught(|| {
        point("well_known");
        let layout = server.laid_out(length)?;
        let response = Request::read(&layout)?.lend(&None, None, |request| server.well_known(request));
        Ok(response.map(|response| (&response).into()))
    })
}

/// The answer to a request for the metadata that nobody serves; nothing for any other target.
#[napi(catch_unwind)]
pub(crate) fn not_found(server: &External<Server>, target: String) -> Result<Option<Response>> {
    caught(|| {
        point("not_found");
        Ok(server.is_metadata_path(&target).then(|| (&server.not_found()).into()))
    })
}

/// The answer to a probe; nothing for another method than GET and HEAD.
#[napi(catch_unwind)]
pub(crate) fn health_response(server: &External<Server>, method: String) -> Result<Option<Response>> {
    caught(|| {
        point("health_response");
        let response = server.health_response(&CoreRequest::new(&method, ""));
        Ok(response.map(|response| (&response).into()))
    })
}

/// The answer to a scraper; nothing likewise.
#[napi(catch_unwind)]
pub(crate) fn metrics_response(server: &External<Server>, method: String) -> Result<Option<Response>> {
    caught(|| {
        point("metrics_response");
        let response = server.metrics_response(&CoreRequest::new(&method, ""));
        Ok(response.map(|response| (&response).into()))
    })
}

/// Counters, as JSON.
#[napi(catch_unwind)]
pub(crate) fn stats(server: &External<Server>) -> Result<String> {
    caught(|| Ok(server.stats().to_json()))
}

/// Counters, as Prometheus text.
#[napi(catch_unwind)]
pub(crate) fn metrics(server: &External<Server>) -> Result<String> {
    caught(|| Ok(server.stats().to_prometheus()))
}

/// Audit events, as JSON lines.
#[napi(catch_unwind)]
pub(crate) fn drain_events(server: &External<Server>) -> Result<String> {
    caught(|| Ok(server.drain_events_as_lines()))
}

/// Whether tokens can be judged, as JSON.
#[napi(catch_unwind)]
pub(crate) fn health(server: &External<Server>) -> Result<String> {
    caught(|| Ok(server.health().to_json()))
}

fn decide(
    server: &Server,
    length: u32,
    body: &Body<'_>,
    calls: Option<&[Call]>,
    judge: impl FnOnce(&CoreRequest<'_>) -> Check,
) -> Result<Decision> {
    let layout = server.laid_out(length)?;
    let check = Request::read(&layout)?.lend(body, calls, |request| {
        let check = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            point("check");
            judge(request)
        }));
        check.unwrap_or_else(|_| Check::Done(Err(Box::new(server.internal_error(PANICKED, request)))))
    });
    Ok(match check {
        Check::Done(Ok(token)) => return server.accept(token),
        Check::Done(Err(rejection)) => Either3::C(Outcome::refused(&rejection)),
        Check::NeedKeys(wanted) => Either3::C(Outcome::waiting(wanted)),
        Check::NeedBody { limit } => Either3::C(Outcome::reading(limit)),
    })
}

/// Exact: no process comes to 2^53 verifications.
fn number(token: &AccessToken) -> f64 {
    token.verification() as f64
}
