//! An MCP server on `rmcp` behind Scopegate.

use std::net::Ipv4Addr;

use axum::Router;
use http::request::Parts;
use rmcp::handler::server::common::Extension;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use scopegate_core::tower::ResourceServerLayer;
use scopegate_core::{AccessToken, ResourceServer};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Place {
    city: String,
}

#[derive(Clone)]
struct Weather {
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Weather {
    #[tool(description = "The weather of a city")]
    fn weather(&self, Parameters(place): Parameters<Place>, Extension(http): Extension<Parts>) -> String {
        let caller =
            http.extensions.get::<AccessToken>().and_then(|token| token.subject().map(str::to_owned));
        format!("Sunny in {}, {}", place.city, caller.unwrap_or_default())
    }

    #[tool(description = "Drops a table")]
    fn drop_table(&self) -> String {
        unreachable!("the policy denies it")
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Weather {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let configuration = serde_json::json!({
        "resource": variable("RESOURCE")?,
        "authorization_servers": [variable("ISSUER")?],
        "policy": {"default": [], "tools": {"weather": ["mcp:tools:weather"], "drop_*": "deny"}},
    });
    let gate = ResourceServer::from_json(&configuration.to_string())?;
    let host = gate.resource().hostname().to_owned();
    let service = StreamableHttpService::new(
        || Ok(Weather { tool_router: Weather::tool_router() }),
        LocalSessionManager::default().into(),
        StreamableHttpServerConfig::default().with_allowed_hosts([host]),
    );
    let app =
        Router::new().route_service("/mcp", service).layer(ResourceServerLayer::new(gate).health("/healthz"));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, variable("PORT")?.parse()?)).await?;
    Ok(axum::serve(listener, app).await?)
}
