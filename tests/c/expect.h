/* What the test programs have in common. */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program with the place and the condition that does not hold. */
#define EXPECT(condition)                                                        \
  do {                                                                           \
    if (!(condition)) {                                                          \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                   \
    }                                                                            \
  } while (0)

/* Whether lent text is this one, and has its NUL. */
#define IS(text, literal) \
  ((text).len == sizeof(literal) - 1 && memcmp((text).data, literal, sizeof(literal)) == 0)

#endif
