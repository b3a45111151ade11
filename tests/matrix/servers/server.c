/* An MCP server in C: every request field that decides goes to the gate, and a responder stands in place of an SDK. It has
 * no sessions, one thread for each connection and one request on each.
 *
 * Its configuration is in GATE. It prints two ports as JSON: the server's, and that of the same server with a fault of its
 * program: scopes that are none. It ends with its standard input. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <pthread.h>
#include <scopegate.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fields.h"

enum { MESSAGE_LIMIT = 262144 };

static scopegate_server *gate;

struct listener {
  int fd, is_faulty;
};

struct connection {
  int fd, is_faulty;
};

struct message {
  char bytes[MESSAGE_LIMIT + 1];
  size_t received;
  scopegate_str method, target, body;
  struct fields fields;
};

static const scopegate_str NOT_A_SCOPE = {"not a scope", 11};

static void put(int fd, const char *bytes, size_t len) {
  for (ssize_t put; len > 0; bytes += put, len -= (size_t)put)
    if ((put = write(fd, bytes, len)) <= 0) return;
}

static int named(const char *line, const char *colon, const char *name) {
  return (size_t)(colon - line) == strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
}

/* Reads a request, whose body may not be longer than its buffer, and takes it apart where it lies. */
static int read_request(int fd, struct message *message) {
  char *end = NULL, *line;
  size_t length = 0;
  while (!end) {
    ssize_t got = recv(fd, message->bytes + message->received, MESSAGE_LIMIT - message->received, 0);
    if (got <= 0) return 0;
    message->received += (size_t)got;
    end = strstr(message->bytes, "\r\n\r\n");
  }
  char *head_end = end + 2;
  char *target = strchr(message->bytes, ' ') + 1, *version = strchr(target, ' ');
  message->method = (scopegate_str){message->bytes, (size_t)(target - 1 - message->bytes)};
  message->target = (scopegate_str){target, (size_t)(version - target)};
  for (line = strstr(message->bytes, "\r\n") + 2; line < head_end; line = end + 2) {
    char *colon = strchr(line, ':');
    end = strstr(line, "\r\n");
    if (!colon || colon > end) return 0;
    char *start = colon + 1 + strspn(colon + 1, " \t");
    scopegate_str value = {start, (size_t)(end - start)};
    struct lines *lines = named(line, colon, "authorization")          ? &message->fields.authorization
                          : named(line, colon, "origin")               ? &message->fields.origin
                          : named(line, colon, "mcp-protocol-version") ? &message->fields.protocol_version
                          : named(line, colon, "mcp-method")           ? &message->fields.mcp_method
                          : named(line, colon, "mcp-name")             ? &message->fields.mcp_name
                                                                       : NULL;
    if (lines && lines->count < LINES) lines->at[lines->count++] = value;
    if (named(line, colon, "access-control-request-method")) message->fields.preflight_method = value;
    if (named(line, colon, "access-control-request-headers")) message->fields.preflight_headers = value;
    if (named(line, colon, "content-length")) length = strtoul(start, NULL, 10);
  }
  char *body = head_end + 2;
  if (length > (size_t)(message->bytes + MESSAGE_LIMIT - body)) return 0;
  while (message->received < (size_t)(body - message->bytes) + length) {
    ssize_t got = recv(fd, message->bytes + message->received, MESSAGE_LIMIT - message->received, 0);
    if (got <= 0) return 0;
    message->received += (size_t)got;
  }
  message->body = (scopegate_str){body, length};
  return 1;
}

/* The token of a request that may pass, or NULL after it was answered. */
static scopegate_token *guard(const struct connection *connection, const struct message *message) {
  scopegate_response *answer = NULL;
  scopegate_token *token = NULL;
  scopegate_request request = request_with(message->method, message->target, &message->fields);
  request.body = message->body;
  request.body_read = 1;
  if (connection->is_faulty) {
    request.scopes = &NOT_A_SCOPE;
    request.scopes_count = 1;
  }
  if (scopegate_server_well_known(gate, &request, &answer) != SCOPEGATE_OK &&
      scopegate_server_authorize(gate, &request, &token, &answer) == SCOPEGATE_OK)
    return token;
  scopegate_str bytes = scopegate_response_http1(answer);
  put(connection->fd, bytes.data, bytes.len);
  scopegate_response_free(answer);
  return NULL;
}

/* The value of a member as the official clients write it; the gate has read the whole strictly. */
static scopegate_str member(const char *json, const char *name) {
  char key[32];
  snprintf(key, sizeof key, "\"%s\":", name);
  const char *value = strstr(json, key);
  if (!value) return (scopegate_str){NULL, 0};
  value += strlen(key);
  value += strspn(value, " ");
  size_t len = *value == '"' ? strcspn(value + 1, "\"") + 2 : strcspn(value, ",}");
  return (scopegate_str){value, len};
}

static int is(scopegate_str value, const char *text) {
  return value.len == strlen(text) + 2 && strncmp(value.data + 1, text, strlen(text)) == 0;
}

static const char LIST[] = "\"result\":{\"tools\":[{\"name\":\"weather\",\"inputSchema\":{\"type\":\"object\"}},"
                           "{\"name\":\"send_email\",\"inputSchema\":{\"type\":\"object\"}},"
                           "{\"name\":\"drop_table\",\"inputSchema\":{\"type\":\"object\"}},"
                           "{\"name\":\"greet\",\"inputSchema\":{\"type\":\"object\"}}]}";
static const char INITIALIZED[] = "\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
                                  "\"serverInfo\":{\"name\":\"responder\",\"version\":\"1\"}}";
static const char CALLED[] = "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}";
static const char UNKNOWN[] = "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}";

static void respond(int fd, const struct message *message) {
  char answer[1024], head[256];
  scopegate_str id = member(message->body.data, "id"), method = member(message->body.data, "method");
  const char *outcome = is(method, "initialize")   ? INITIALIZED
                        : is(method, "tools/list") ? LIST
                        : is(method, "tools/call") ? CALLED
                                                   : UNKNOWN;
  int len = 0;
  const char *status = "405 Method Not Allowed";
  if (message->method.len == 4 && strncmp(message->method.data, "POST", 4) == 0) {
    status = "202 Accepted";
    if (id.data && strncmp(method.data, "\"notifications/", 15) != 0) {
      status = "200 OK";
      len = snprintf(answer, sizeof answer, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,%s}", (int)id.len, id.data, outcome);
    }
  }
  int head_len = snprintf(head, sizeof head,
                          "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
                          status, len);
  put(fd, head, (size_t)head_len);
  put(fd, answer, (size_t)len);
}

static void *serve(void *argument) {
  struct connection *connection = argument;
  struct message *message = calloc(1, sizeof *message);
  char rest[4096];
  if (message && read_request(connection->fd, message)) {
    scopegate_token *token = guard(connection, message);
    if (token) respond(connection->fd, message);
    scopegate_token_free(token);
  }
  /* What the client still sends is read: closing before would take the answer away from it. */
  shutdown(connection->fd, SHUT_WR);
  while (recv(connection->fd, rest, sizeof rest, 0) > 0) { }
  close(connection->fd);
  free(message);
  free(connection);
  return NULL;
}

static void *accept_all(void *argument) {
  struct listener *listener = argument;
  for (;;) {
    pthread_t thread;
    struct connection *connection = malloc(sizeof *connection);
    if (!connection) abort();
    *connection = (struct connection){accept(listener->fd, NULL, NULL), listener->is_faulty};
    if (connection->fd < 0 || pthread_create(&thread, NULL, serve, connection) != 0) abort();
    pthread_detach(thread);
  }
}

/* Serves in a thread, and returns the port. */
static int start(struct listener *listener) {
  struct sockaddr_in address;
  socklen_t len = sizeof address;
  pthread_t thread;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener->fd, (struct sockaddr *)&address, len) != 0 || listen(listener->fd, 256) != 0 ||
      getsockname(listener->fd, (struct sockaddr *)&address, &len) != 0 ||
      pthread_create(&thread, NULL, accept_all, listener) != 0)
    abort();
  return ntohs(address.sin_port);
}

int main(void) {
  const char *json = getenv("GATE");
  scopegate_error *error = NULL;
  struct listener sound = {-1, 0}, faulty = {-1, 1};
  char byte;
  if (!json) return fprintf(stderr, "set GATE\n"), 2;
  if (scopegate_server_new(SCOPEGATE_ABI, json, strlen(json), &gate, &error) != SCOPEGATE_OK)
    return fprintf(stderr, "%s\n", scopegate_error_message(error).data), 1;
  signal(SIGPIPE, SIG_IGN);
  int port = start(&sound);
  printf("[%d, %d]\n", port, start(&faulty));
  fflush(stdout);
  while (read(0, &byte, 1) > 0) { }
  return 0;
}
