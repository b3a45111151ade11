//go:build cgo

#include "native.h"

/* The next `count` parts. */
static const scopegate_str *take(const scopegate_str **next, size_t count)
{
    const scopegate_str *taken = *next;
    *next += count;
    return taken;
}

static scopegate_str take_if(const scopegate_str **next, size_t present)
{
    scopegate_str absent = { NULL, 0 };
    return present ? *take(next, 1) : absent;
}

static void lay_out(const scopegate_go_outline *outline, const char *text, const size_t *lengths, const char *body,
                    const scopegate_go_call *calls, scopegate_str *parts, scopegate_call *laid_out,
                    scopegate_request *request, scopegate_kept_token *token)
{
    const scopegate_str *next = parts;
    for (size_t i = 0; i < outline->parts; i++) {
        parts[i].data = text;
        parts[i].len = lengths[i];
        text += lengths[i];
    }
    request->method = *take(&next, 1);
    request->target = *take(&next, 1);
    request->authorization_count = outline->authorization;
    request->authorization = take(&next, outline->authorization);
    request->origin_count = outline->origin;
    request->origin = take(&next, outline->origin);
    request->access_control_request_method = take_if(&next, outline->access_control_request_method);
    request->access_control_request_headers = take_if(&next, outline->access_control_request_headers);
    request->protocol_version_count = outline->protocol_version;
    request->protocol_version = take(&next, outline->protocol_version);
    request->mcp_method_count = outline->mcp_method;
    request->mcp_method = take(&next, outline->mcp_method);
    request->mcp_name_count = outline->mcp_name;
    request->mcp_name = take(&next, outline->mcp_name);
    request->scopes_count = outline->scopes;
    request->scopes = take(&next, outline->scopes);
    for (size_t i = 0; i < outline->calls; i++) {
        laid_out[i].method = *take(&next, 1);
        laid_out[i].name = take_if(&next, calls[i].has_name);
        laid_out[i].id_text = take_if(&next, calls[i].has_text_id);
        laid_out[i].id_number = calls[i].has_number_id ? &calls[i].number_id : NULL;
    }
    request->calls_count = outline->calls;
    request->calls = laid_out;
    request->calls_read = outline->calls_read;
    request->body.data = body;
    request->body.len = outline->body_len;
    request->body_read = outline->body_read;
    request->now = outline->has_now ? &outline->now : NULL;
    if (outline->has_token) {
        token->issuer = *take(&next, 1);
        token->scope = *take(&next, 1);
        token->subject = take_if(&next, outline->token_has_subject);
        token->client_id = take_if(&next, outline->token_has_client_id);
        token->token_id = take_if(&next, outline->token_has_id);
    }
}

/* What Go remembers may be gone when it looks. */
static void read_new(const uint64_t *remembered, scopegate_go_reply *reply)
{
    uint64_t verification = scopegate_token_verification(reply->token);
    reply->verification = verification;
    if (__atomic_load_n(&remembered[verification % SCOPEGATE_GO_REMEMBERED], __ATOMIC_RELAXED) == verification) {
        return;
    }
    scopegate_go_token *read = &reply->read;
    scopegate_go_read_token(reply->token, read);
    if (read->scopes + read->effective_scopes + read->audience <= SCOPEGATE_GO_LISTED) {
        scopegate_go_read_lists(reply->token, read, reply->lists);
        reply->is_read = 1;
    }
}

void scopegate_go_ask(scopegate_go_question question, const scopegate_server *server,
                      const scopegate_go_outline *outline, const char *text, const size_t *lengths, const char *body,
                      const scopegate_go_call *calls, const scopegate_key_request *wanted, const char *detail,
                      size_t detail_len, scopegate_str *room_for_parts, scopegate_call *room_for_calls,
                      scopegate_token *spent, const uint64_t *remembered, scopegate_go_reply *reply)
{
    scopegate_str parts[SCOPEGATE_GO_PARTS];
    scopegate_call laid_out[SCOPEGATE_GO_CALLS];
    scopegate_str explanation = { detail, detail_len };
    scopegate_request request = SCOPEGATE_REQUEST_INIT;
    scopegate_kept_token kept;
    const scopegate_kept_token *token = outline->has_token ? &kept : NULL;
    scopegate_token_free(spent);
    lay_out(outline, text, lengths, body, calls, room_for_parts ? room_for_parts : parts,
            room_for_calls ? room_for_calls : laid_out, &request, &kept);
    switch (question) {
    case SCOPEGATE_GO_CHECK:
        reply->status = scopegate_server_check(server, &request, &reply->token, &reply->wanted, &reply->body_limit,
                                               &reply->answer);
        break;
    case SCOPEGATE_GO_CHECK_AFTER:
        reply->status = scopegate_server_check_after(server, &request, wanted, &reply->token, &reply->body_limit,
                                                     &reply->answer);
        break;
    case SCOPEGATE_GO_REQUIRE:
        reply->status = scopegate_server_require_kept(server, token, &request, &reply->answer);
        break;
    case SCOPEGATE_GO_ALLOWED:
        reply->status = scopegate_server_allowed_kept(server, token, outline->kind, explanation);
        break;
    case SCOPEGATE_GO_CALLS_OF:
        reply->status = scopegate_server_calls(server, &request, &reply->report, &reply->answer);
        break;
    case SCOPEGATE_GO_EXPLAIN:
        reply->status = scopegate_server_explain(server, &request, &reply->report, &reply->text, &reply->answer);
        break;
    case SCOPEGATE_GO_WELL_KNOWN:
        reply->status = scopegate_server_well_known(server, &request, &reply->answer);
        break;
    case SCOPEGATE_GO_NOT_FOUND:
        reply->status = scopegate_server_not_found(server, &request, &reply->answer);
        break;
    case SCOPEGATE_GO_HEALTH:
        reply->status = scopegate_server_health_response(server, &request, &reply->answer);
        break;
    case SCOPEGATE_GO_METRICS:
        reply->status = scopegate_server_metrics_response(server, &request, &reply->answer);
        break;
    case SCOPEGATE_GO_INTERNAL_ERROR:
        reply->status = scopegate_server_internal_error(server, &request, explanation, &reply->answer);
        break;
    }
    if (reply->token != NULL) {
        read_new(remembered, reply);
    }
}

void scopegate_go_read_token(const scopegate_token *token, scopegate_go_token *view)
{
    view->issuer = scopegate_token_issuer(token);
    view->subject = scopegate_token_subject(token);
    view->client_id = scopegate_token_client_id(token);
    view->resource = scopegate_token_resource(token);
    view->token_id = scopegate_token_id(token);
    view->principal = scopegate_token_principal(token);
    view->claims = scopegate_token_claims(token);
    view->expires_at = scopegate_token_expires_at(token);
    view->issued_at = scopegate_token_issued_at(token);
    view->scopes = scopegate_token_scope_count(token);
    view->effective_scopes = scopegate_token_effective_scope_count(token);
    view->audience = scopegate_token_audience_count(token);
}

/* Where the next list goes. */
static scopegate_str *read_list(const scopegate_token *token, size_t count,
                                scopegate_str (*at)(const scopegate_token *, size_t), scopegate_str *list)
{
    for (size_t i = 0; i < count; i++) {
        *list++ = at(token, i);
    }
    return list;
}

void scopegate_go_read_lists(const scopegate_token *token, const scopegate_go_token *view, scopegate_str *lists)
{
    lists = read_list(token, view->scopes, scopegate_token_scope_at, lists);
    lists = read_list(token, view->effective_scopes, scopegate_token_effective_scope_at, lists);
    read_list(token, view->audience, scopegate_token_audience_at, lists);
}

void scopegate_go_read_response(const scopegate_response *response, scopegate_go_response *view)
{
    view->status = scopegate_response_status(response);
    view->code = scopegate_response_code(response);
    view->reason = scopegate_response_reason(response);
    view->detail = scopegate_response_detail(response);
    view->body = scopegate_response_body(response);
    view->header_count = scopegate_response_header_count(response);
    for (size_t i = 0; i < view->header_count && i < SCOPEGATE_GO_HEADERS; i++) {
        view->names[i] = scopegate_response_header_name_at(response, i);
        view->values[i] = scopegate_response_header_value_at(response, i);
    }
}
