/* Runs the shared vectors through the C interface and writes the transcript to standard output.
 *
 * Standard input holds records: a name, a blank, a length, a line feed, as many bytes, a line feed. `server` makes a
 * server of a configuration; `derive` puts in its place the one that comes of these changes, and `report` and `declare` the
 * one that also asks for what is declared. `id` begins a case; the members of its request follow, then what is to be done:
 * `authorize`, `well_known`, `explain`, or `hold` (authorize, which must succeed) and, after a further request or a kind and a name,
 * `require` or `allowed`.
 *
 * Argument: a file for all that the library says beside the transcript, which `tests/secrets` searches.
 */
#include <scopegate.h>

#include "expect.h"
#include "fields.h"

enum { CALLS = 128 };

/* What the records since the last operation said. */
struct input {
  scopegate_str method, target, body, kind, name;
  struct fields fields;
  struct lines scopes;
  scopegate_call calls[CALLS];
  int64_t numbers[CALLS], now;
  size_t calls_count;
  int body_read, calls_read, now_given;
};

struct record {
  char name[64];
  scopegate_str value;
};

static FILE *traced;

static void *allocate(size_t size) {
  void *memory = malloc(size);
  EXPECT(memory != NULL);
  return memory;
}

/* The values live until the case is done. */
static char *kept[256];
static size_t kept_count;

static int next(struct record *record) {
  size_t len;
  char *value;
  if (scanf("%63s %zu", record->name, &len) != 2) return 0;
  EXPECT(getchar() == '\n' && kept_count < sizeof kept / sizeof *kept);
  value = kept[kept_count++] = allocate(len + 1);
  EXPECT(fread(value, 1, len, stdin) == len && getchar() == '\n');
  value[len] = 0;
  record->value.data = value;
  record->value.len = len;
  return 1;
}

static void forget(void) {
  while (kept_count > 0) free(kept[--kept_count]);
}

static void add(struct lines *lines, scopegate_str value) {
  EXPECT(lines->count < LINES);
  lines->at[lines->count++] = value;
}

/* Whether the record was a member of the request. */
static int take(struct input *input, const struct record *record) {
  scopegate_str value = record->value;
  const char *name = record->name;
#define MEMBER(member) (strcmp(name, member) == 0)
  if (MEMBER("method")) input->method = value;
  else if (MEMBER("target")) input->target = value;
  else if (MEMBER("authorization")) add(&input->fields.authorization, value);
  else if (MEMBER("origin")) add(&input->fields.origin, value);
  else if (MEMBER("access_control_request_method")) input->fields.preflight_method = value;
  else if (MEMBER("access_control_request_headers")) input->fields.preflight_headers = value;
  else if (MEMBER("protocol_version")) add(&input->fields.protocol_version, value);
  else if (MEMBER("mcp_method")) add(&input->fields.mcp_method, value);
  else if (MEMBER("mcp_name")) add(&input->fields.mcp_name, value);
  else if (MEMBER("scopes")) add(&input->scopes, value);
  else if (MEMBER("body")) input->body = value, input->body_read = 1;
  else if (MEMBER("calls")) input->calls_read = 1;
  else if (MEMBER("call_method")) {
    EXPECT(input->calls_count < CALLS);
    memset(&input->calls[input->calls_count], 0, sizeof *input->calls);
    input->calls[input->calls_count++].method = value;
  } else if (MEMBER("call_name")) input->calls[input->calls_count - 1].name = value;
  else if (MEMBER("call_id_text")) input->calls[input->calls_count - 1].id_text = value;
  else if (MEMBER("call_id_number")) {
    input->numbers[input->calls_count - 1] = strtoll(value.data, NULL, 10);
    input->calls[input->calls_count - 1].id_number = &input->numbers[input->calls_count - 1];
  } else if (MEMBER("now")) input->now = strtoll(value.data, NULL, 10), input->now_given = 1;
  else if (MEMBER("kind")) input->kind = value;
  else if (MEMBER("name")) input->name = value;
  else return 0;
  return 1;
#undef MEMBER
}

static int kind_of(const char *name) {
  if (strcmp(name, "tools") == 0) return SCOPEGATE_TOOL;
  if (strcmp(name, "prompts") == 0) return SCOPEGATE_PROMPT;
  EXPECT(strcmp(name, "resources") == 0);
  return SCOPEGATE_RESOURCE;
}

static scopegate_request request_of(const struct input *input) {
  scopegate_request request = request_with(input->method, input->target, &input->fields);
  request.scopes = input->scopes.at;
  request.scopes_count = input->scopes.count;
  request.body = input->body;
  request.body_read = input->body_read;
  request.calls = input->calls;
  request.calls_count = input->calls_count;
  request.calls_read = input->calls_read;
  request.now = input->now_given ? &input->now : NULL;
  return request;
}

/* JSON, as every language writes it. */
static void write_text(scopegate_str text) {
  size_t at;
  if (text.data == NULL) {
    fputs("null", stdout);
    return;
  }
  EXPECT(text.data[text.len] == 0);
  putchar('"');
  for (at = 0; at < text.len; at++) {
    unsigned char c = (unsigned char)text.data[at];
    switch (c) {
      case '"': fputs("\\\"", stdout); break;
      case '\\': fputs("\\\\", stdout); break;
      case '\b': fputs("\\b", stdout); break;
      case '\f': fputs("\\f", stdout); break;
      case '\n': fputs("\\n", stdout); break;
      case '\r': fputs("\\r", stdout); break;
      case '\t': fputs("\\t", stdout); break;
      default:
        if (c < 0x20) printf("\\u%04x", c);
        else putchar(c);
    }
  }
  putchar('"');
}

static void write_member(const char *name, scopegate_str text) {
  printf("\"%s\":", name);
  write_text(text);
  putchar(',');
}

typedef scopegate_str text_at(const scopegate_token *token, size_t index);

static void write_list(const char *name, const scopegate_token *token, size_t count, text_at *at) {
  size_t index;
  printf("\"%s\":[", name);
  for (index = 0; index < count; index++) {
    if (index > 0) putchar(',');
    write_text(at(token, index));
  }
  EXPECT(at(token, count).data == NULL);
  fputs("],", stdout);
}

static void write_token(const scopegate_token *token) {
  int64_t issued_at = scopegate_token_issued_at(token);
  putchar('{');
  write_member("issuer", scopegate_token_issuer(token));
  write_member("subject", scopegate_token_subject(token));
  write_member("client_id", scopegate_token_client_id(token));
  write_list("scopes", token, scopegate_token_scope_count(token), scopegate_token_scope_at);
  write_list("effective_scopes", token, scopegate_token_effective_scope_count(token), scopegate_token_effective_scope_at);
  write_list("audience", token, scopegate_token_audience_count(token), scopegate_token_audience_at);
  write_member("resource", scopegate_token_resource(token));
  printf("\"expires_at\":%lld,", (long long)scopegate_token_expires_at(token));
  if (issued_at < 0) fputs("\"issued_at\":null,", stdout);
  else printf("\"issued_at\":%lld,", (long long)issued_at);
  write_member("token_id", scopegate_token_id(token));
  write_member("principal", scopegate_token_principal(token));
  fputs("\"claims\":", stdout);
  write_text(scopegate_token_claims(token));
  putchar('}');
}

static void write_response(const scopegate_response *response) {
  size_t index, count = scopegate_response_header_count(response);
  if (response == NULL) {
    fputs("\"reason\":null,\"code\":null,\"status\":null,\"headers\":null,\"body\":null,", stdout);
    return;
  }
  write_member("reason", scopegate_response_reason(response));
  if (scopegate_response_code(response) == SCOPEGATE_OK) fputs("\"code\":null,", stdout);
  else printf("\"code\":%d,", (int)scopegate_response_code(response));
  printf("\"status\":%d,\"headers\":[", (int)scopegate_response_status(response));
  for (index = 0; index < count; index++) {
    fputs(index > 0 ? ",[" : "[", stdout);
    write_text(scopegate_response_header_name_at(response, index));
    putchar(',');
    write_text(scopegate_response_header_value_at(response, index));
    putchar(']');
  }
  fputs("],", stdout);
  write_member("body", scopegate_response_body(response));
}

/* A line of the transcript; `more` ends it. */
static void write_line(scopegate_str id, const scopegate_response *response, const scopegate_token *token, const char *more) {
  putchar('{');
  write_member("id", id);
  write_response(response);
  fputs("\"token\":", stdout);
  if (token) write_token(token);
  else fputs("null", stdout);
  puts(more);
}

static void write_explained(scopegate_str id, scopegate_str report, scopegate_str text) {
  putchar('{');
  write_member("id", id);
  write_response(NULL);
  fputs("\"token\":null,", stdout);
  write_member("explanation", report);
  fputs("\"text\":", stdout);
  write_text(text);
  puts("}");
}

/* What operators see of a case, and what is sent. */
static void trace(scopegate_str id, const scopegate_server *server, const scopegate_response *answer) {
  scopegate_report *stats = NULL, *health = NULL;
  scopegate_str none = {"", 0}, text[4];
  size_t at;
  EXPECT(scopegate_server_stats(server, &stats, NULL) == SCOPEGATE_OK);
  scopegate_server_health(server, &health, NULL);
  EXPECT(health != NULL);
  text[0] = answer ? scopegate_response_detail(answer) : none;
  text[1] = answer ? scopegate_response_http1(answer) : none;
  text[2] = scopegate_report_text(stats);
  text[3] = scopegate_report_text(health);
  fprintf(traced, "== %s\n", id.data);
  for (at = 0; at < sizeof text / sizeof *text; at++) { /* the detail of an answer that is no refusal has no data */
    if (text[at].len > 0) EXPECT(fwrite(text[at].data, 1, text[at].len, traced) == text[at].len);
    EXPECT(fputc('\n', traced) == '\n');
  }
  scopegate_report_free(stats);
  scopegate_report_free(health);
}

static void run(const scopegate_server *server, const char *operation, scopegate_str id, const struct input *input,
                scopegate_token **held) {
  scopegate_request request = request_of(input);
  scopegate_response *answer = NULL;
  scopegate_token *token = NULL;
  scopegate_report *report = NULL, *text = NULL;
  scopegate_status status;
  if (strcmp(operation, "hold") == 0) {
    EXPECT(scopegate_server_authorize(server, &request, held, &answer) == SCOPEGATE_OK);
    return;
  }
  if (strcmp(operation, "authorize") == 0) {
    /* The first answer is thrown away: that to a token which was verified before is the same. */
    scopegate_server_authorize(server, &request, &token, &answer);
    scopegate_token_free(token);
    scopegate_response_free(answer);
    token = NULL;
    answer = NULL;
    status = scopegate_server_authorize(server, &request, &token, &answer);
    EXPECT(status == (answer ? scopegate_response_code(answer) : SCOPEGATE_OK));
    write_line(id, answer, token, "}");
  } else if (strcmp(operation, "require") == 0) {
    status = scopegate_server_require(server, *held, &request, &answer);
    EXPECT(status == (answer ? scopegate_response_code(answer) : SCOPEGATE_OK));
    write_line(id, answer, status == SCOPEGATE_OK ? *held : NULL, "}");
  } else if (strcmp(operation, "well_known") == 0) {
    status = scopegate_server_well_known(server, &request, &answer);
    EXPECT(status == (answer ? SCOPEGATE_OK : SCOPEGATE_NOT_OURS));
    write_line(id, answer, NULL, "}");
  } else if (strcmp(operation, "explain") == 0) {
    status = scopegate_server_explain(server, &request, &report, &text, &answer);
    EXPECT(status == SCOPEGATE_OK && answer == NULL);
    write_explained(id, scopegate_report_text(report), scopegate_report_text(text));
    scopegate_report_free(report);
    scopegate_report_free(text);
  } else {
    EXPECT(strcmp(operation, "allowed") == 0);
    status = scopegate_server_allowed(server, *held, kind_of(input->kind.data), input->name);
    EXPECT(status == SCOPEGATE_OK || status == SCOPEGATE_POLICY_DENIED);
    write_line(id, NULL, NULL, status == SCOPEGATE_OK ? ",\"allowed\":true}" : ",\"allowed\":false}");
  }
  trace(id, server, answer);
  scopegate_token_free(token);
  scopegate_token_free(*held);
  *held = NULL;
  scopegate_response_free(answer);
}

static scopegate_server *new_server(scopegate_str config) {
  scopegate_server *server = NULL;
  scopegate_error *error = NULL;
  if (scopegate_server_new(SCOPEGATE_ABI, config.data, config.len, &server, &error) != SCOPEGATE_OK)
    fprintf(stderr, "%s\n", scopegate_error_message(error).data);
  EXPECT(server != NULL);
  return server;
}

static scopegate_server *deriving(scopegate_server *server, scopegate_str changes) {
  scopegate_server *derived = NULL;
  scopegate_error *error = NULL;
  if (scopegate_server_derive(server, changes.data, changes.len, &derived, &error) != SCOPEGATE_OK)
    fprintf(stderr, "%s\n", scopegate_error_message(error).data);
  EXPECT(derived != NULL);
  scopegate_server_free(server);
  return derived;
}

static scopegate_server *declaring(scopegate_server *server, scopegate_str offered, scopegate_str expected) {
  scopegate_server *declared = NULL;
  scopegate_report *report = NULL;
  scopegate_error *error = NULL;
  scopegate_str found;
  if (scopegate_server_declare(server, offered.data, offered.len, &declared, &report, &error) != SCOPEGATE_OK)
    fprintf(stderr, "%s\n", scopegate_error_message(error).data);
  EXPECT(declared != NULL);
  found = scopegate_report_text(report);
  EXPECT(found.len == expected.len && memcmp(found.data, expected.data, found.len) == 0);
  scopegate_report_free(report);
  scopegate_server_free(server);
  return declared;
}

int main(int argc, char **argv) {
  scopegate_server *server = NULL;
  scopegate_token *held = NULL;
  scopegate_str id = {NULL, 0}, report = {NULL, 0};
  struct input input;
  struct record record;
  EXPECT(argc == 2 && (traced = fopen(argv[1], "wb")) != NULL);
  memset(&input, 0, sizeof input);
  while (next(&record)) {
    if (strcmp(record.name, "server") == 0) {
      scopegate_server_free(server);
      server = new_server(record.value);
      forget();
    } else if (strcmp(record.name, "derive") == 0) {
      server = deriving(server, record.value);
      forget();
    } else if (strcmp(record.name, "report") == 0) {
      report = record.value;
    } else if (strcmp(record.name, "declare") == 0) {
      server = declaring(server, record.value, report);
      forget();
    } else if (strcmp(record.name, "id") == 0) {
      id = record.value;
    } else if (!take(&input, &record)) {
      run(server, record.name, id, &input, &held);
      memset(&input, 0, sizeof input);
      if (held == NULL) forget();
    }
  }
  scopegate_server_free(server);
  return ferror(stdout) || fclose(stdout) != 0 || fclose(traced) != 0;
}
