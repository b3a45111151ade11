//! An MCP server of the official Rust SDK behind the tower layer.
//!
//! Its configuration is in `GATE`. It prints two ports as JSON: the server's, and that of the same server with a fault of
//! its program: scopes that are none. It ends with its standard input.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use axum::Router;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use scopegate_core::ResourceServer;
use scopegate_core::tower::ResourceServerLayer;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Place {
    city: Option<String>,
}

#[derive(Clone)]
struct Tools {
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Tools {
    #[tool(description = "The weather of a city")]
    fn weather(&self, Parameters(place): Parameters<Place>) -> String {
        place.city.unwrap_or_default()
    }

    #[tool(description = "Sends an email")]
    fn send_email(&self) -> String {
        "sent".to_owned()
    }

    #[tool(description = "Drops a table")]
    fn drop_table(&self) -> String {
        unreachable!("the policy denies it")
    }

    #[tool(description = "Greets")]
    fn greet(&self) -> String {
        "hello".to_owned()
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Tools {}

fn main() -> Result<(), Box<dyn Error>> {
    let gate = ResourceServer::from_json(&std::env::var("GATE")?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let host = gate.resource().hostname().to_owned();
    let layer = ResourceServerLayer::new(gate);
    let mut ports = Vec::new();
    for layer in [layer.clone(), layer.scopes(["not a scope"])] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        ports.push(listener.local_addr()?.port());
        listener.set_nonblocking(true)?;
        let service = StreamableHttpService::new(
            || Ok(Tools { tool_router: Tools::tool_router() }),
            LocalSessionManager::default().into(),
            StreamableHttpServerConfig::default().with_allowed_hosts([host.clone()]),
        );
        let app = Router::new().route_service("/mcp", service).layer(layer);
        runtime.spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await });
    }
    writeln!(std::io::stdout(), "{}", serde_json::json!(ports))?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    runtime.shutdown_background();
    Ok(())
}
