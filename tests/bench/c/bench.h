/* What the contenders of C and the program that times them have in common. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>

#include "../../c/expect.h"

/* The faults of a token, in the order of FAULT_NAMES. */
enum fault { SIGNATURE, ISSUER, AUDIENCE, EXPIRED, NOT_YET_VALID, SCOPE, TYP, FAULTS };

/* What `bench-rust mint` wrote for an algorithm and a `typ`. Authorization values, each with its NUL. */
struct sample {
  const char *algorithm;
  char *configuration, *configuration_cache_off, *pem;
  char *subject, *issuer, *audience;
  char *good, *faulty[FAULTS];
  char **distinct;
  size_t distinct_count;
};

/* What a contender keeps for an algorithm, for all threads. */
struct contender {
  const char *name, *kind;
  /* The `typ` of the tokens that it takes, as in the names of the files. */
  const char *form;
  /* Ends with NULL. */
  const char *algorithms[5];
  void *(*open)(const struct sample *sample);
  /* Whether an Authorization value is good, and of the sample's subject. */
  int (*check)(void *opened, const char *authorization, size_t len);
};

extern const struct contender CONTENDERS[];
extern const size_t CONTENDER_COUNT;

#endif
