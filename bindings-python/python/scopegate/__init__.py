"""An OAuth 2.1 resource server for MCP servers.

``ResourceServer`` judges requests. ``scopegate.mcp``, ``.fastmcp``, ``.fastapi``, ``.asgi`` and ``.wsgi`` put it in
front of an application, ``scopegate.testing`` has an issuer in memory for the tests of that application, and
``scopegate.audit`` writes audit events.
"""

from scopegate._config import (
    AuthorizationServer,
    ClientAudience,
    ClientCertificate,
    Configuration,
    ConfigurationMembers,
    DistrustedKey,
    Events,
    Http,
    Keys,
    KeySnapshot,
    Policy,
    PresetName,
    SourceSnapshot,
    TokenCache,
)
from scopegate._declared import Offered, OfferedKind, PolicyEntry, PolicyReport
from scopegate._errors import ConfigError, ConfigMistake, Rejected
from scopegate._event import AuditedCall, AuditEvent
from scopegate._explanation import ExplainedCheck, Explanation
from scopegate._need import Call
from scopegate._reason import Reason
from scopegate._response import HttpResponse
from scopegate._scopegate import AccessToken
from scopegate._server import McpCall, RequestDetails, ResourceServer

__all__ = [
    "AccessToken",
    "AuditEvent",
    "AuditedCall",
    "AuthorizationServer",
    "Call",
    "ClientAudience",
    "ClientCertificate",
    "ConfigError",
    "ConfigMistake",
    "Configuration",
    "ConfigurationMembers",
    "DistrustedKey",
    "Events",
    "ExplainedCheck",
    "Explanation",
    "Http",
    "HttpResponse",
    "KeySnapshot",
    "Keys",
    "McpCall",
    "Offered",
    "OfferedKind",
    "Policy",
    "PolicyEntry",
    "PolicyReport",
    "PresetName",
    "Reason",
    "Rejected",
    "RequestDetails",
    "ResourceServer",
    "SourceSnapshot",
    "TokenCache",
]
