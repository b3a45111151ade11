/* An HTTP server behind Scopegate, in plain POSIX: one thread for each connection, one request on each connection.
 *
 *     cc server.c $(pkg-config --cflags --libs scopegate) -pthread -o server
 *     ISSUER=https://as.example.com RESOURCE=http://127.0.0.1:8000/mcp PORT=8000 ./server
 *
 * It shows where the gate stands. A server for the internet also limits connections and speaks TLS.
 */
#define _POSIX_C_SOURCE 200809L
#include "endpoint.c"
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { HEAD_LIMIT = 65536, BODY_LIMIT = 1048576 };

struct connection {
  scopegate_server *gate; /* our own handle to the server */
  int fd;
};

struct message {
  char bytes[HEAD_LIMIT + BODY_LIMIT + 1]; /* one byte of the body above the limit tells the gate that it is too large */
  size_t received;
  scopegate_str method, target, body;
  scopegate_str authorization[2]; /* a second line is one too many, whatever follows */
  size_t authorization_count;
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

/* Takes the head apart where it lies. Each value goes to the gate as it came. Returns the length of the body, or -1. */
static long parse_head(struct message *message, size_t head) {
  char *line = message->bytes, *end = strstr(line, "\r\n");
  char *target = memchr(line, ' ', (size_t)(end - line));
  char *version = target ? memchr(target + 1, ' ', (size_t)(end - target - 1)) : NULL;
  long length = 0;
  if (!version) return -1;
  message->method = (scopegate_str){line, (size_t)(target - line)};
  message->target = (scopegate_str){target + 1, (size_t)(version - target - 1)};
  for (line = end + 2; line < message->bytes + head - 2; line = end + 2) {
    end = strstr(line, "\r\n");
    char *colon = memchr(line, ':', (size_t)(end - line));
    if (!colon) return -1;
    if (strncasecmp(line, "Authorization:", 14) == 0 && message->authorization_count < 2)
      message->authorization[message->authorization_count++] = (scopegate_str){colon + 1, (size_t)(end - colon - 1)};
    if (strncasecmp(line, "Transfer-Encoding:", 18) == 0) return -1;
    if (strncasecmp(line, "Content-Length:", 15) == 0) {
      const char *digits = colon + 1 + strspn(colon + 1, " \t");
      size_t count = strspn(digits, "0123456789");
      if (count == 0 || count > 9 || digits + count != end) return -1;
      length = atol(digits);
    }
  }
  return length;
}

/* Reads one request. */
static int read_request(int fd, struct message *message) {
  size_t head;
  while ((head = end_of_head(message)) == 0)
    if (message->received >= HEAD_LIMIT || !receive(fd, message, message->received + 1)) return 0;
  if (memchr(message->bytes, 0, head)) return 0;
  long length = parse_head(message, head);
  if (length < 0) return 0;
  if (length > BODY_LIMIT) length = BODY_LIMIT + 1;
  message->body = (scopegate_str){message->bytes + head, (size_t)length};
  return receive(fd, message, head + (size_t)length);
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
  if (message && read_request(connection->fd, message)) {
    scopegate_token *token = guard(connection->gate, connection->fd, message->method, message->target,
                                   message->authorization, message->authorization_count, message->body);
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
