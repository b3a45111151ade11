"""Official MCP Python SDK behind Scopegate: scopes beside the tools, and one that depends on an argument."""
import os

from mcp.server.mcpserver import MCPServer

from scopegate import Call, ResourceServer
from scopegate.mcp import list_filter, run

gate = ResourceServer(
    resource=os.environ["RESOURCE"],
    authorization_servers=[os.environ["ISSUER"]],
    policy={"default": "deny", "methods": {"tools/list": []}},
)
mcp = MCPServer("Bank", middleware=[list_filter()])


@mcp.tool(meta={"scopegate/scopes": ["bank:read"]})
def balance(account: str) -> int:
    return len(account)


@mcp.tool(meta={"scopegate/scopes": ["bank:pay"]})
def pay(account: str, amount: int) -> str:
    return f"Paid {amount} to {account}"


def more_for_large_sums(call: Call) -> list[str]:
    is_large = call.name == "pay" and call.params["arguments"]["amount"] > 1000
    return ["bank:pay:large"] if is_large else []


if __name__ == "__main__":
    run(mcp, gate, port=int(os.environ["PORT"]), scopes=more_for_large_sums, strict=True)
