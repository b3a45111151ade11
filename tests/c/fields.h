/* The header fields that a decision reads, and a request that has them. */
#ifndef FIELDS_H
#define FIELDS_H

#include <scopegate.h>

enum { LINES = 8 };

/* The lines of one name. */
struct lines {
  scopegate_str at[LINES];
  size_t count;
};

struct fields {
  struct lines authorization, origin, protocol_version, mcp_method, mcp_name;
  scopegate_str preflight_method, preflight_headers;
};

/* It borrows the fields. */
static scopegate_request request_with(scopegate_str method, scopegate_str target, const struct fields *fields) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  request.method = method;
  request.target = target;
  request.authorization = fields->authorization.at;
  request.authorization_count = fields->authorization.count;
  request.origin = fields->origin.at;
  request.origin_count = fields->origin.count;
  request.access_control_request_method = fields->preflight_method;
  request.access_control_request_headers = fields->preflight_headers;
  request.protocol_version = fields->protocol_version.at;
  request.protocol_version_count = fields->protocol_version.count;
  request.mcp_method = fields->mcp_method.at;
  request.mcp_method_count = fields->mcp_method.count;
  request.mcp_name = fields->mcp_name.at;
  request.mcp_name_count = fields->mcp_name.count;
  return request;
}

#endif
