//! The server: made from a configuration, shared, freed.

use std::ffi::{CStr, c_char};
use std::fs;
use std::mem::MaybeUninit;
use std::sync::Arc;

use scopegate_core::ResourceServer;

use crate::argument::{ArgumentError, required};
use crate::error::{Error, Failure, reported};
use crate::guard::{guard, read};
use crate::report::Report;
use crate::status::{SCOPEGATE_ABI_MISMATCH, SCOPEGATE_INVALID_ARGUMENT, SCOPEGATE_OK, Status};
use crate::string::{Place, Str, Texts};
use crate::version::SCOPEGATE_ABI;

/// An OAuth 2.1 resource server for MCP: judges the requests for one resource. It never changes, and any number of
/// threads may use it at once.
pub struct Server {
    pub(crate) core: ResourceServer,
    about: Arc<About>,
}

/// What a server says of itself.
struct About {
    texts: Texts,
    metadata_url: Place,
    resource: Place,
    hostname: Place,
    origin: Place,
    path: Place,
    warnings: Vec<Place>,
}

impl Server {
    fn new(core: ResourceServer) -> Box<Server> {
        let mut texts = Texts::default();
        let resource = core.resource();
        let about = Arc::new(About {
            metadata_url: texts.add(core.metadata_url()),
            resource: texts.add(resource.as_str()),
            hostname: texts.add(resource.hostname()),
            origin: texts.add(resource.origin()),
            path: texts.add(resource.path()),
            warnings: texts.add_all(core.warnings()),
            texts,
        });
        Box::new(Server { core, about })
    }
}

/// Makes a server from a configuration: `len` bytes of JSON. It reads the files that the configuration names and does no
/// other IO: no network, no thread.
///
/// `abi` is `SCOPEGATE_ABI`. With `SCOPEGATE_OK` comes `server`, to be freed by `scopegate_server_free`. With any other
/// status comes `error`, which holds every mistake of the configuration at once and may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_new(
    abi: u32,
    json: *const c_char,
    len: usize,
    server: Option<&mut MaybeUninit<Option<Box<Server>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    made("scopegate_server_new", abi, server, error, || {
        // SAFETY: the caller hands in `len` readable bytes.
        let json = unsafe { document(json, len)? };
        Ok(ResourceServer::from_json(json)?)
    })
}

/// Makes a server from the configuration in a file; everything else is as with `scopegate_server_new`. Relative paths,
/// this one and those in the configuration, start at the working directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_open(
    abi: u32,
    path: *const c_char,
    server: Option<&mut MaybeUninit<Option<Box<Server>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    made("scopegate_server_open", abi, server, error, || {
        let path = required((!path.is_null()).then_some(path), "path")?;
        // SAFETY: not NULL; the caller hands in a NUL-terminated string.
        let path = unsafe { CStr::from_ptr(path) }.to_str();
        let path = path.map_err(|_| Failure::new(SCOPEGATE_INVALID_ARGUMENT, "path", "expected UTF-8"))?;
        let json = fs::read(path).map_err(|error| Failure::new(SCOPEGATE_INVALID_ARGUMENT, path, error))?;
        Ok(ResourceServer::from_json(utf8(&json)?)?)
    })
}

/// Makes a server from the configuration that the environment of the process says: `SCOPEGATE_CONFIG` is the path of a JSON
/// document, or `SCOPEGATE_CONFIG_JSON` is one. Before it go `SCOPEGATE_RESOURCE`, `SCOPEGATE_AUTHORIZATION_SERVERS` (issuers
/// with commas or blanks between them, or a JSON list), `SCOPEGATE_REQUIRED_SCOPES` and `SCOPEGATE_SCOPES_SUPPORTED` (with
/// blanks between them) and `SCOPEGATE_KEY_SNAPSHOT` (the path of what `scopegate_server_export_keys` wrote), and before these
/// the members of the object in `json`, `len` bytes, or NULL. A variable that is empty is not set, and others are left alone.
///
/// No other thread may be changing the environment. Everything else is as with `scopegate_server_new`; the path of a mistake
/// names the variable that it is in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_from_env(
    abi: u32,
    json: *const c_char,
    len: usize,
    server: Option<&mut MaybeUninit<Option<Box<Server>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    made("scopegate_server_from_env", abi, server, error, || {
        // SAFETY: the caller hands in `len` readable bytes, or NULL.
        let members = if json.is_null() && len == 0 { "{}" } else { unsafe { document(json, len)? } };
        Ok(ResourceServer::from_env(members)?)
    })
}

/// Makes the server that `server` would be if its configuration were changed: for another resource of the same
/// authorization servers, or for a new version of the configuration while requests run. `server` stays as it is.
///
/// `json` has `len` bytes: an object. Each top-level member of a configuration that is given replaces that member whole; a
/// null is a mistake. The members in the list `reset` have their defaults again, unless they are given; with "all" in it the
/// changes are a whole configuration. The whole is checked like a new one, with its files read again.
///
/// The keys of an authorization server are shared, replaced ones too, unless something has changed that governs where they
/// are, or how they are fetched, kept and read; verified tokens are shared unless `token_cache` has changed. What was
/// distrusted stays so, and so does what was declared. Each server counts its own decisions.
///
/// With `SCOPEGATE_OK` comes `derived`, to be freed by `scopegate_server_free`. With any other status comes `error`, which
/// holds every mistake and may be NULL; nothing has been done then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_derive(
    server: Option<&Server>,
    json: *const c_char,
    len: usize,
    derived: Option<&mut MaybeUninit<Option<Box<Server>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    reported("scopegate_server_derive", error, || {
        let server = required(server, "server")?;
        let derived = required(derived, "derived")?;
        // SAFETY: the caller hands in `len` readable bytes.
        let changes = unsafe { document(json, len)? };
        derived.write(Some(Server::new(server.core.derive_from_json(changes)?)));
        Ok(SCOPEGATE_OK)
    })
}

/// Makes a server that also asks for the scopes which the tools, prompts and resources of its host declare, and reports how
/// the configured policy fits all that the host offers. `server` stays as it is; both share the keys and the verified tokens,
/// and each counts its own decisions.
///
/// `json` has `len` bytes: a list of objects with `kind` ("tool", "prompt" or "resource"), `name` and, where something is
/// declared, `scopes` (a list, or "deny"). A declaration joins the rules for the method and the name: all their scopes are
/// needed, and any denial refuses. So it can only ask for more; but where the name has no rule, it stands in the place of
/// `default`.
///
/// With `SCOPEGATE_OK` come `declared`, to be freed by `scopegate_server_free`, and `report`, unless that is NULL: a JSON
/// object with `unmatched_rules` and `defaulted` (lists of `kind` and `name`), `default` (a list of scopes, or "deny"),
/// `unreadable` (resources that a policy lets nobody use) and `forgotten` (a sentence on each of these: `path` and
/// `message`). With any other status comes `error`, which may be NULL; a mistake's
/// path is such as "tools.weather".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_declare(
    server: Option<&Server>,
    json: *const c_char,
    len: usize,
    declared: Option<&mut MaybeUninit<Option<Box<Server>>>>,
    report: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    reported("scopegate_server_declare", error, || {
        let server = required(server, "server")?;
        let place = required(declared, "declared")?;
        // SAFETY: the caller hands in `len` readable bytes.
        let json = unsafe { document(json, len)? };
        let (declared, found) = server.core.declare_from_json(json)?;
        let (declared, found) = (Server::new(declared), Report::new(&found.to_json()));
        place.write(Some(declared));
        if let Some(report) = report {
            report.write(Some(found));
        }
        Ok(SCOPEGATE_OK)
    })
}

/// Another handle to the same server, with the same keys. Each handle is freed by itself; the server ends with the last.
/// NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_ref(server: Option<&Server>) -> Option<Box<Server>> {
    guard(
        "scopegate_server_ref",
        || None,
        || {
            server.map(|server| {
                Box::new(Server { core: server.core.clone(), about: Arc::clone(&server.about) })
            })
        },
    )
}

/// Frees a handle and everything that it lent. No other thread may be using this handle; tokens, responses and other
/// handles stay valid. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_free(server: Option<Box<Server>>) {
    guard("scopegate_server_free", || (), || drop(server));
}

/// The resource, as configured.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_resource(server: Option<&Server>) -> Str {
    read("scopegate_server_resource", server, Str::NONE, |server| {
        server.about.texts.lend(server.about.resource)
    })
}

/// The host of the resource in lower case, without port, for the program's own check of the Host field.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_hostname(server: Option<&Server>) -> Str {
    read("scopegate_server_hostname", server, Str::NONE, |server| {
        server.about.texts.lend(server.about.hostname)
    })
}

/// The origin of the resource: scheme, host and port.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_origin(server: Option<&Server>) -> Str {
    read("scopegate_server_origin", server, Str::NONE, |server| server.about.texts.lend(server.about.origin))
}

/// The path of the resource.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_path(server: Option<&Server>) -> Str {
    read("scopegate_server_path", server, Str::NONE, |server| server.about.texts.lend(server.about.path))
}

/// Where the protected resource metadata is (RFC 9728 section 3).
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_metadata_url(server: Option<&Server>) -> Str {
    read("scopegate_server_metadata_url", server, Str::NONE, |server| {
        server.about.texts.lend(server.about.metadata_url)
    })
}

/// The clock difference that is allowed (`leeway_seconds`), for a program that looks at expiry times itself.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_leeway_seconds(server: Option<&Server>) -> i64 {
    read("scopegate_server_leeway_seconds", server, 0, |server| server.core.leeway_seconds())
}

/// The largest body that is read, in bytes: what `SCOPEGATE_NEED_BODY` says too.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_body_limit(server: Option<&Server>) -> usize {
    read("scopegate_server_body_limit", server, 0, |server| server.core.body_limit())
}

/// How many settings are legal and seldom meant.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_warning_count(server: Option<&Server>) -> usize {
    read("scopegate_server_warning_count", server, 0, |server| server.about.warnings.len())
}

/// What a setting should be asked about, for the program's log. `{NULL, 0}` past the last.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_warning_at(server: Option<&Server>, index: usize) -> Str {
    read("scopegate_server_warning_at", server, Str::NONE, |server| {
        server.about.texts.lend_at(&server.about.warnings, index)
    })
}

/// The guard of functions that make a server of nothing but a configuration.
fn made(
    entry: &str,
    abi: u32,
    server: Option<&mut MaybeUninit<Option<Box<Server>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
    make: impl FnOnce() -> Result<ResourceServer, Failure>,
) -> Status {
    reported(entry, error, || {
        check_abi(abi)?;
        let server = required(server, "server")?;
        server.write(Some(Server::new(make()?)));
        Ok(SCOPEGATE_OK)
    })
}

fn check_abi(abi: u32) -> Result<(), Failure> {
    if abi == SCOPEGATE_ABI {
        return Ok(());
    }
    let message = format!(
        "expected {SCOPEGATE_ABI}: the program was compiled against the header of another version of the library"
    );
    Err(Failure::new(SCOPEGATE_ABI_MISMATCH, "abi", message))
}

/// # Safety
///
/// `json` is NULL, or `len` bytes can be read there for as long as the text is used.
unsafe fn document<'a>(json: *const c_char, len: usize) -> Result<&'a str, Failure> {
    // SAFETY: as the caller of this function says.
    let json = unsafe { Str { data: json, len }.bytes() };
    let json = json.map_err(|_| ArgumentError::invalid("len: expected the length of json"))?;
    utf8(required(json, "json")?)
}

fn utf8(json: &[u8]) -> Result<&str, Failure> {
    let expected = |error| Failure::new(SCOPEGATE_INVALID_ARGUMENT, ".", format!("expected UTF-8: {error}"));
    str::from_utf8(json).map_err(expected)
}
