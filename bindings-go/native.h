/* What Go asks of libscopegate, with as few crossings as possible. */

#ifndef SCOPEGATE_GO_NATIVE_H
#define SCOPEGATE_GO_NATIVE_H

#include <scopegate.h>

/* How many parts a request may have before Go hands in room for them. */
enum { SCOPEGATE_GO_PARTS = 32, SCOPEGATE_GO_CALLS = 4 };

/* The functions that take a request. */
typedef enum {
    SCOPEGATE_GO_CHECK,
    SCOPEGATE_GO_CHECK_AFTER,
    SCOPEGATE_GO_REQUIRE,
    SCOPEGATE_GO_ALLOWED,
    SCOPEGATE_GO_CALLS_OF,
    SCOPEGATE_GO_EXPLAIN,
    SCOPEGATE_GO_WELL_KNOWN,
    SCOPEGATE_GO_NOT_FOUND,
    SCOPEGATE_GO_HEALTH,
    SCOPEGATE_GO_METRICS,
    SCOPEGATE_GO_INTERNAL_ERROR
} scopegate_go_question;

/* Which parts of a call there are, and its id if that is a number. */
typedef struct {
    int32_t has_name;
    int32_t has_text_id;
    int32_t has_number_id;
    int64_t number_id;
} scopegate_go_call;

/* Which parts a request has. Its text lies in one piece, part after part: method, target, then the lines of each list
   in the order of these counts, then the parts of each call, then issuer and scope of the kept token and those of its
   other texts that there are. */
typedef struct {
    size_t parts;
    size_t authorization;
    size_t origin;
    size_t access_control_request_method;
    size_t access_control_request_headers;
    size_t protocol_version;
    size_t mcp_method;
    size_t mcp_name;
    size_t scopes;
    size_t calls;
    size_t body_len;
    int64_t now;
    int32_t has_now;
    int32_t body_read;
    int32_t calls_read;
    int32_t has_token;
    int32_t token_has_subject;
    int32_t token_has_client_id;
    int32_t token_has_id;
    int32_t kind;
} scopegate_go_outline;

/* Everything in a token but its lists, and how long those are. */
typedef struct {
    scopegate_str issuer;
    scopegate_str subject;
    scopegate_str client_id;
    scopegate_str resource;
    scopegate_str token_id;
    scopegate_str principal;
    scopegate_str claims;
    int64_t expires_at;
    int64_t issued_at;
    size_t scopes;
    size_t effective_scopes;
    size_t audience;
} scopegate_go_token;

/* How long the lists of a token may be, one after the other, before Go asks for them by themselves. */
enum { SCOPEGATE_GO_LISTED = 24 };

/* What comes of a question; what does not come is NULL. The verification is that of the token, and with `is_read` its
   texts are there as well, lent by it. */
typedef struct {
    scopegate_status status;
    int32_t is_read;
    scopegate_token *token;
    uint64_t verification;
    scopegate_key_request *wanted;
    scopegate_report *report;
    scopegate_report *text;
    scopegate_response *answer;
    size_t body_limit;
    scopegate_go_token read;
    scopegate_str lists[SCOPEGATE_GO_LISTED];
} scopegate_go_reply;

/* The tokens that Go remembers, each at the place of its verification: they are not read again. */
enum { SCOPEGATE_GO_REMEMBERED = 1024 };

/* Asks `question`. `lengths` has one length for each part of `text`, `calls` one entry for each call. `wanted` and
   `detail`, which is the name for SCOPEGATE_GO_ALLOWED, are read by the questions that take them. `room_for_parts` and
   `room_for_calls` are NULL unless there are more than SCOPEGATE_GO_PARTS or SCOPEGATE_GO_CALLS. `spent` is a token that
   was read, or NULL, and freed. */
void scopegate_go_ask(scopegate_go_question question, const scopegate_server *server,
                      const scopegate_go_outline *outline, const char *text, const size_t *lengths, const char *body,
                      const scopegate_go_call *calls, const scopegate_key_request *wanted, const char *detail,
                      size_t detail_len, scopegate_str *room_for_parts, scopegate_call *room_for_calls,
                      scopegate_token *spent, const uint64_t *remembered, scopegate_go_reply *reply);

void scopegate_go_read_token(const scopegate_token *token, scopegate_go_token *view);

/* The scopes, the effective scopes and the audience of a token, one after the other. */
void scopegate_go_read_lists(const scopegate_token *token, const scopegate_go_token *view, scopegate_str *lists);

/* The most header fields that are read from a response; the library writes fewer. */
enum { SCOPEGATE_GO_HEADERS = 16 };

/* Everything in a response. */
typedef struct {
    int32_t status;
    scopegate_status code;
    scopegate_str reason;
    scopegate_str detail;
    scopegate_str body;
    size_t header_count;
    scopegate_str names[SCOPEGATE_GO_HEADERS];
    scopegate_str values[SCOPEGATE_GO_HEADERS];
} scopegate_go_response;

void scopegate_go_read_response(const scopegate_response *response, scopegate_go_response *view);

#endif
