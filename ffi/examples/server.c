/* An HTTP server behind Scopegate, in plain POSIX: one thread for each connection, one request on each connection.
 *
 *     cc server.c $(pkg-config --cflags --libs scopegate) -pthread -o server
 *     ISSUER=https://as.example.com RESOURCE=http://127.0.0.1:8000/mcp PORT=8000 ./server
 *
 * It shows where the gate stands: before the body, which the policy decides by, and which is read for good tokens alone.
 * A server for the internet also limits connections and speaks TLS.
 */
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
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 65536, BODY_LIMIT = 1048576 };

struct connection {
  scopegate_server *gate; /* our own handle to the server */
  int fd;
};

/* The values of a header's lines: a second one is one too many, whatever follows. */
struct lines {
  scopegate_str at[2];
  size_t count;
};

struct message {
  char bytes[HEAD_LIMIT + BODY_LIMIT + 1]; /* one byte of the body above the limit tells the gate that it is too large */
  size_t received, head, length;           /* how much has come; how long the head is, and how long it says the body is */
  scopegate_str method, target;
  struct lines authorization, origin, protocol_version, mcp_method, mcp_name;
};

static void say(int fd, const char *status, const char *text, scopegate_str who) {
  char answer[1024];
  int len = snprintf(answer, sizeof answer,
                     "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s%.*s\n",
                     status, strlen(text) + who.len + 1, text, (int)who.len, who.len ? who.data : "");
  if (len > 0 && (size_t)len < sizeof answer && write(fd, answer, (size_t)len) < 0) { /* the peer has gone */ }
}

/* Reads what has come, until there are `wanted` bytes. */
static int receive(int fd, struct message *message, size_t wanted) {
  while (message->received < wanted) {
    ssize_t got = recv(fd, message->bytes + message->received, sizeof message->bytes - message->received, 0);
    if (got <= 0) return 0;
    message->received += (size_t)got;
  }
  return 1;
}

/* Where the empty line ends that ends the head, or 0 while it has not come. */
static size_t end_of_head(const struct message *message) {
  for (size_t at = 4; at <= message->received && at <= HEAD_LIMIT; at++)
    if (memcmp(message->bytes + at - 4, "\r\n\r\n", 4) == 0) return at;
  return 0;
}

/* Notes the value of a line if it is one of this header. */
static void note(struct lines *lines, const char *name, scopegate_str line) {
  size_t len = strlen(name);
  if (lines->count < 2 && line.len > len && line.data[len] == ':' && strncasecmp(line.data, name, len) == 0)
    lines->at[lines->count++] = (scopegate_str){line.data + len + 1, line.len - len - 1};
}

/* Takes the head apart where it lies. Each value goes to the gate as it came. Returns 0 for what this server cannot read. */
static int parse_head(struct message *message) {
  char *line = message->bytes, *end = strstr(line, "\r\n");
  char *target = memchr(line, ' ', (size_t)(end - line));
  char *version = target ? memchr(target + 1, ' ', (size_t)(end - target - 1)) : NULL;
  if (!version) return 0;
  message->method = (scopegate_str){line, (size_t)(target - line)};
  message->target = (scopegate_str){target + 1, (size_t)(version - target - 1)};
  for (line = end + 2; line < message->bytes + message->head - 2; line = end + 2) {
    end = strstr(line, "\r\n");
    scopegate_str whole = {line, (size_t)(end - line)};
    if (!memchr(line, ':', whole.len)) return 0;
    note(&message->authorization, "Authorization", whole);
    note(&message->origin, "Origin", whole);
    note(&message->protocol_version, "MCP-Protocol-Version", whole);
    note(&message->mcp_method, "Mcp-Method", whole);
    note(&message->mcp_name, "Mcp-Name", whole);
    if (strncasecmp(line, "Transfer-Encoding:", 18) == 0 || strncasecmp(line, "Content-Encoding:", 17) == 0) return 0;
    if (strncasecmp(line, "Content-Length:", 15) == 0) {
      const char *digits = line + 15 + strspn(line + 15, " \t");
      size_t count = strspn(digits, "0123456789");
      if (count == 0 || count > 9 || digits + count != end) return 0;
      message->length = (size_t)atol(digits);
    }
  }
  return 1;
}

static int read_head(int fd, struct message *message) {
  while ((message->head = end_of_head(message)) == 0)
    if (message->received >= HEAD_LIMIT || !receive(fd, message, message->received + 1)) return 0;
  return !memchr(message->bytes, 0, message->head) && parse_head(message);
}

/* The body, or just over `limit` bytes of it. `data` is NULL when the client has left. */
static scopegate_str read_body(int fd, struct message *message, size_t limit) {
  size_t most = limit < BODY_LIMIT ? limit + 1 : BODY_LIMIT + 1;
  size_t len = message->length < most ? message->length : most;
  if (!receive(fd, message, message->head + len)) return (scopegate_str){NULL, 0};
  return (scopegate_str){message->bytes + message->head, len};
}

static scopegate_request request_of(const struct message *message) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  request.method = message->method;
  request.target = message->target;
  request.authorization = message->authorization.at;
  request.authorization_count = message->authorization.count;
  request.origin = message->origin.at;
  request.origin_count = message->origin.count;
  request.protocol_version = message->protocol_version.at;
  request.protocol_version_count = message->protocol_version.count;
  request.mcp_method = message->mcp_method.at;
  request.mcp_method_count = message->mcp_method.count;
  request.mcp_name = message->mcp_name.at;
  request.mcp_name_count = message->mcp_name.count;
  return request;
}

/* Decides on a request. Reads its body once the token proved good. */
static scopegate_status decide(const scopegate_server *gate, int fd, struct message *message, scopegate_token **token,
                               scopegate_response **answer) {
  scopegate_request request = request_of(message);
  scopegate_key_request *wanted = NULL;
  size_t body_limit;
  scopegate_status status = scopegate_server_check(gate, &request, token, &wanted, &body_limit, answer);
  if (status == SCOPEGATE_NEED_KEYS) {
    scopegate_server_refresh(gate, wanted, NULL); /* what came of it, check_after says */
    status = scopegate_server_check_after(gate, &request, wanted, token, &body_limit, answer);
    scopegate_key_request_free(wanted);
  }
  if (status != SCOPEGATE_NEED_BODY) return status;
  request.body = read_body(fd, message, body_limit);
  request.body_read = 1;
  if (!request.body.data) return scopegate_server_internal_error(gate, &request, scopegate_str_from("no body"), answer);
  return scopegate_server_authorize(gate, &request, token, answer);
}

/* Returns the verified token, to be freed by the caller, or NULL after the refusal (or well-known document) was written. */
static scopegate_token *guard(const scopegate_server *gate, int fd, struct message *message) {
  scopegate_request request = request_of(message);
  scopegate_response *answer = NULL;
  scopegate_token *token = NULL;
  if (scopegate_server_well_known(gate, &request, &answer) != SCOPEGATE_OK &&
      decide(gate, fd, message, &token, &answer) == SCOPEGATE_OK)
    return token;
  scopegate_str reason = scopegate_response_reason(answer), bytes = scopegate_response_http1(answer);
  if (reason.data) fprintf(stderr, "refused: %s: %s\n", reason.data, scopegate_response_detail(answer).data);
  if (write(fd, bytes.data, bytes.len) < 0) { /* the peer has gone */ }
  scopegate_response_free(answer);
  return NULL;
}

static void end(struct connection *connection) {
  close(connection->fd);
  scopegate_server_free(connection->gate);
  free(connection);
}

static void *serve(void *argument) {
  struct connection *connection = argument;
  struct message *message = calloc(1, sizeof *message);
  char rest[4096];
  if (message && read_head(connection->fd, message)) {
    scopegate_token *token = guard(connection->gate, connection->fd, message);
    if (token) say(connection->fd, "200 OK", "Hello, ", scopegate_token_subject(token));
    scopegate_token_free(token);
  } else {
    say(connection->fd, "400 Bad Request", "not a request that this server reads", (scopegate_str){NULL, 0});
  }
  /* What the client still sends is read: closing before would take the answer away from it. */
  shutdown(connection->fd, SHUT_WR);
  while (recv(connection->fd, rest, sizeof rest, 0) > 0) { }
  free(message);
  end(connection);
  return NULL;
}

static scopegate_server *new_gate(const char *resource, const char *issuer) {
  char json[4096];
  scopegate_server *gate = NULL;
  scopegate_error *error = NULL;
  int len = snprintf(json, sizeof json,
                     "{\"resource\": \"%s\", \"authorization_servers\": [\"%s\"], \"policy\": {\"default\": [], "
                     "\"tools\": {\"weather\": [\"mcp:tools:weather\"], \"drop_*\": \"deny\"}, "
                     "\"max_body_bytes\": %d}}",
                     resource, issuer, BODY_LIMIT);
  if (len < 0 || (size_t)len >= sizeof json) return NULL;
  if (scopegate_server_new(SCOPEGATE_ABI, json, (size_t)len, &gate, &error) != SCOPEGATE_OK)
    fprintf(stderr, "%s\n", scopegate_error_message(error).data);
  scopegate_error_free(error);
  return gate;
}

static volatile sig_atomic_t stopped;
static void stop(int number) { stopped = number; }

int main(void) {
  const char *issuer = getenv("ISSUER"), *resource = getenv("RESOURCE"), *port = getenv("PORT");
  if (!issuer || !resource || !port) return fprintf(stderr, "set ISSUER, RESOURCE and PORT\n"), 2;
  scopegate_server *gate = new_gate(resource, issuer);
  if (!gate) return 1;

  /* Blocked here, and in the threads, which inherit that: they come in while pselect waits and at no other time. */
  sigset_t stops, none;
  sigemptyset(&none);
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  sigprocmask(SIG_BLOCK, &stops, NULL);
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  signal(SIGPIPE, SIG_IGN);

  int listener = socket(AF_INET, SOCK_STREAM, 0), reuse = 1;
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)atoi(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0)
    return perror(port), 1;

  while (!stopped) {
    struct timeval patience = {10, 0};
    pthread_t thread;
    fd_set waiting;
    FD_ZERO(&waiting);
    FD_SET(listener, &waiting);
    if (pselect(listener + 1, &waiting, NULL, NULL, NULL, &none) < 0) continue;
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct connection *connection = malloc(sizeof *connection);
    if (!connection) return 1;
    *connection = (struct connection){scopegate_server_ref(gate), fd};
    if (pthread_create(&thread, NULL, serve, connection) == 0)
      pthread_detach(thread);
    else
      end(connection);
  }
  close(listener);
  scopegate_server_free(gate);
  return 0;
}
