//! What an operator does about keys: distrust one, replace them, take them along to another process.

use std::mem::MaybeUninit;

use scopegate_core::{KeyControlError, ResourceServer};

use crate::argument::{ArgumentError, required};
use crate::error::{Error, Failure, reported};
use crate::report::{Report, told};
use crate::server::Server;
use crate::status::{SCOPEGATE_INVALID_ARGUMENT, SCOPEGATE_OK, Status};
use crate::string::Str;

/// Distrusts the keys that an issuer publishes under a `kid`: from the return on, every call of this process refuses
/// tokens that name it as `SCOPEGATE_UNKNOWN_KEY`, in an outage too, and no set that is held, fetched, imported or
/// replaced answers with such a key, under another `kid` or none either. It holds for every handle of the server and for
/// children that are forked later. There is no way back but a restart; `distrusted_keys` of the configuration outlives
/// that.
///
/// `issuer` is any issuer of the configuration, compared exactly. With any status but `SCOPEGATE_OK` nothing has changed,
/// and `error`, which may be NULL, says why. Not done here: tokens that the program has accepted before stay accepted
/// wherever it remembers them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_distrust_key(
    server: Option<&Server>,
    issuer: Str,
    kid: Str,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    reported("scopegate_server_distrust_key", error, || {
        let server = required(server, "server")?;
        // SAFETY: the caller hands in readable texts.
        let (issuer, kid) = unsafe { (text(issuer, "issuer")?, text(kid, "kid")?) };
        changed(&server.core, |server| server.distrust_key(issuer, kid))
    })
}

/// Puts the keys of a JWK Set in the place of an issuer's: from the return on they alone answer, in this process. They do
/// not age, the fetch that runs is discarded, and none starts before `scopegate_server_resume`. They must meet the
/// configuration like fetched ones, and at least one must be usable and not distrusted.
///
/// With any status but `SCOPEGATE_OK` nothing has changed, and `error`, which may be NULL, says why.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_replace_keys(
    server: Option<&Server>,
    issuer: Str,
    jwks: Str,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    reported("scopegate_server_replace_keys", error, || {
        let server = required(server, "server")?;
        // SAFETY: the caller hands in readable texts.
        let (issuer, jwks) = unsafe { (text(issuer, "issuer")?, text(jwks, "jwks")?) };
        changed(&server.core, |server| server.replace_keys(issuer, jwks))
    })
}

/// Ends `scopegate_server_replace_keys`: a fetch is due at once, and the replaced keys are used until it brings the
/// issuer's; keys that are in the configuration are back at once. Does nothing where no keys were replaced.
///
/// With any status but `SCOPEGATE_OK` nothing has changed, and `error`, which may be NULL, says why.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_resume(
    server: Option<&Server>,
    issuer: Str,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    reported("scopegate_server_resume", error, || {
        let server = required(server, "server")?;
        // SAFETY: the caller hands in a readable text.
        let issuer = unsafe { text(issuer, "issuer")? };
        changed(&server.core, |server| server.resume(issuer))
    })
}

/// The key sets that are held and came from their issuers, as a JSON object for `keys.snapshot` of a configuration: a
/// program that begins with it needs no fetch. It holds no secret, but whoever can change it can make tokens: keep it
/// like the configuration.
///
/// With `SCOPEGATE_OK` comes `report`, else `error`, which may be NULL. Not in it: keys that are distrusted, too old,
/// replaced or from the configuration, and the list of what is distrusted.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_export_keys(
    server: Option<&Server>,
    report: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    told("scopegate_server_export_keys", server, report, error, |server| (SCOPEGATE_OK, server.export_keys()))
}

fn changed(
    server: &ResourceServer,
    change: impl FnOnce(&ResourceServer) -> Result<(), KeyControlError>,
) -> Result<Status, Failure> {
    change(server).map_err(|error| {
        let argument = match error {
            KeyControlError::UnknownIssuer => "issuer",
            KeyControlError::InvalidKid => "kid",
            _ => "jwks",
        };
        Failure::new(SCOPEGATE_INVALID_ARGUMENT, argument, error)
    })?;
    Ok(SCOPEGATE_OK)
}

/// # Safety
///
/// As [`Str::bytes`].
unsafe fn text<'a>(value: Str, name: &str) -> Result<&'a str, ArgumentError> {
    // SAFETY: by the same contract.
    let bytes = unsafe { value.bytes() }.ok().flatten();
    let text = bytes.and_then(|bytes| str::from_utf8(bytes).ok());
    text.ok_or_else(|| ArgumentError::invalid(format!("{name}: expected UTF-8")))
}
