//! `scopegate-authserver [--exit-with-stdin] CONFIG.json`

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use scopegate_authserver::{AuthorizationServer, Config};
use serde::Serialize;
use tokio::sync::oneshot;

const USAGE: &str = "usage: scopegate-authserver [--exit-with-stdin] CONFIG.json

Starts the authorization server that the file describes, on loopback, and prints one line of JSON when it
accepts connections: {\"origin\": ..., \"issuers\": {resource id: issuer}}. SIGTERM and SIGINT end it.

  --exit-with-stdin  end as well when standard input is closed
  --help             print this text";

fn main() -> ExitCode {
    let outcome = match Command::parse(std::env::args().skip(1)) {
        Some(Command::Help) => writeln!(io::stdout(), "{USAGE}").map_err(|error| Failure::Run(error.into())),
        Some(Command::Serve { config, exit_with_stdin }) => run(&config, exit_with_stdin),
        None => Err(Failure::Usage(USAGE.into())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

enum Command {
    Help,
    Serve { config: String, exit_with_stdin: bool },
}

impl Command {
    fn parse(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let (mut config, mut exit_with_stdin) = (None, false);
        for argument in arguments {
            match argument.as_str() {
                "--help" => return Some(Self::Help),
                "--exit-with-stdin" => exit_with_stdin = true,
                option if option.starts_with('-') => return None,
                _ if config.is_some() => return None,
                _ => config = Some(argument),
            }
        }
        Some(Self::Serve { config: config?, exit_with_stdin })
    }
}

enum Failure {
    /// The command line or the configuration is wrong.
    Usage(Box<dyn std::error::Error>),
    /// The machine refused something.
    Run(Box<dyn std::error::Error>),
}

impl Failure {
    fn report(self) -> ExitCode {
        let (error, code) = match self {
            Self::Usage(error) => (error, 2),
            Self::Run(error) => (error, 1),
        };
        let _ = writeln!(io::stderr(), "{error}"); // with standard error closed, the code has to do
        ExitCode::from(code)
    }
}

fn run(path: &str, exit_with_stdin: bool) -> Result<(), Failure> {
    let json = fs::read_to_string(path).map_err(|error| Failure::Usage(format!("{path}: {error}").into()))?;
    let config = Config::from_json(&json).map_err(|error| Failure::Usage(error.into()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| Failure::Run(error.into()))?;
    runtime.block_on(serve(config, exit_with_stdin)).map_err(Failure::Run)
}

/// The line that says where to find what.
#[derive(Serialize)]
struct Ready<'a> {
    origin: &'a str,
    issuers: BTreeMap<&'a str, &'a str>,
}

async fn serve(config: Config, exit_with_stdin: bool) -> Result<(), Box<dyn std::error::Error>> {
    let stop = stop_signal()?; // before the line that invites signals
    let server = AuthorizationServer::start(config)?;
    let ready = Ready { origin: server.origin(), issuers: server.issuers().collect() };
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", serde_json::to_string(&ready)?)?;
    stdout.flush()?;
    tokio::select! {
        () = stop => {}
        () = stdin_closed(), if exit_with_stdin => {}
    }
    server.stop();
    Ok(())
}

/// Installs the handlers at once; the future completes with the first signal.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Completes when standard input ends, which it does when the process that holds its other end is gone.
async fn stdin_closed() {
    let (closed, wait) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = closed.send(());
    });
    let _ = wait.await;
}
