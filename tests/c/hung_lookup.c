/* Loaded before the C library: looking up a name below hung.test never ends, anything else fails. */
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  (void)service, (void)hints, (void)found;
  const char *end = name ? strstr(name, ".hung.test") : NULL;
  while (end)
    pause();
  return EAI_NONAME;
}
